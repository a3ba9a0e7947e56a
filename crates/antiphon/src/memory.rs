//! What the program does so that memory goes back to the system after a load.

use std::convert::Infallible;
use std::hint::black_box;
use std::time::Duration;

/// Between two occasions for the allocator.
const EVERY: Duration = Duration::from_secs(2);

/// Octets of a piece that mimalloc keeps no page for: larger than 512 KiB. None of it is touched.
const LARGE: usize = 1 << 20;

/// Octets of a piece for which mimalloc takes its slow way, on which it counts: more than 1 KiB.
const COUNTED: usize = 2048;

/// Pieces at one occasion. When it has counted 16,000, mimalloc gives up the empty pages that it
/// keeps, one for each size: two occasions are enough, each of a few tenths of a millisecond.
const PIECES: usize = 8_000;

/// A huge page stays whole as long as anything in it lives, and what is left of a load lies
/// scattered: half of what a server holds would be such pages. Where they cannot be turned off,
/// there are none or they stay.
pub(crate) fn forgo_huge_pages() {
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}

/// Lets the allocator give back what has become free of this thread's memory, which is each
/// thread's own affair. It does so only as more is asked for, and behind a load nothing is, so this
/// is what asks.
///
/// What is free goes back to the system when it has been so for a second and another page becomes
/// free, as that of the large piece does. The last page of a size becomes free later than that.
pub(crate) fn give_back() {
    drop(black_box(Vec::<u8>::with_capacity(black_box(LARGE))));
    for _ in 0..PIECES {
        drop(black_box(Vec::<u8>::with_capacity(black_box(COUNTED))));
    }
}

/// Does so again and again on the thread of a task.
pub(crate) async fn keep_giving_back() -> Infallible {
    let mut every = tokio::time::interval(EVERY);
    loop {
        every.tick().await;
        give_back();
    }
}
