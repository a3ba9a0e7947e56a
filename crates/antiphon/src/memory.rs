//! What the program does so that memory goes back to the system after a load.

use std::convert::Infallible;
use std::hint::black_box;
use std::time::Duration;

/// Between two occasions for the allocator.
const EVERY: Duration = Duration::from_secs(5);

/// Octets of a piece that mimalloc keeps no page for: larger than 512 KiB. None of it is touched.
const LARGE: usize = 1 << 20;

/// A huge page stays whole as long as anything in it lives, and what is left of a load lies
/// scattered: half of what a server holds would be such pages. Where they cannot be turned off,
/// there are none or they stay.
pub(crate) fn forgo_huge_pages() {
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}

/// Lets the allocator give back what has become free, again and again. It waits a second before it
/// does, in case there is use for it, and looks only when a page becomes free; behind a load
/// nothing does, so this is what does.
pub(crate) async fn give_back() -> Infallible {
    let mut every = tokio::time::interval(EVERY);
    loop {
        every.tick().await;
        drop(black_box(Vec::<u8>::with_capacity(black_box(LARGE))));
    }
}
