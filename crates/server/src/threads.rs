//! The threads of the workers: one for each, and when one ends all do.

use std::convert::Infallible;
use std::thread::{self, JoinHandle};

use antiphon_net::Shutdown;
use tokio::sync::mpsc;

use crate::serve_error::ServeError;

/// Has each work done on a thread of its own, and waits for their end, which comes when the
/// shutdown is over. When one ends before, or this is dropped, the shutdown ends for all.
///
/// # Errors
/// The first that one of them ended with; a panic is [`ServeError::Worker`].
pub(crate) async fn run<W>(
    works: impl Iterator<Item = W>,
    shutdown: &Shutdown,
) -> Result<(), ServeError>
where
    W: FnOnce() -> Result<(), ServeError> + Send + 'static,
{
    let _end = EndOfAll(shutdown.clone());
    // Nobody sends anything: the channel is closed when the last of them has ended.
    let (alive, mut all) = mpsc::channel::<Infallible>(1);
    let threads = works
        .enumerate()
        .map(|(index, work)| start(index, work, EndOfAll(shutdown.clone()), alive.clone()))
        .collect::<Result<Vec<_>, _>>()?;
    drop(alive);
    all.recv().await;
    let mut results = threads.into_iter().map(JoinHandle::join);
    results.try_for_each(|result| result.unwrap_or(Err(ServeError::Worker)))
}

fn start(
    index: usize,
    work: impl FnOnce() -> Result<(), ServeError> + Send + 'static,
    end: EndOfAll,
    alive: mpsc::Sender<Infallible>,
) -> Result<JoinHandle<Result<(), ServeError>>, ServeError> {
    let work = move || {
        let (_alive, _end) = (alive, end);
        work()
    };
    thread::Builder::new().name(format!("worker {}", index + 1)).spawn(work).map_err(ServeError::Io)
}

/// Dropped, also by a panic, it ends all workers.
struct EndOfAll(Shutdown);

impl Drop for EndOfAll {
    fn drop(&mut self) {
        self.0.finish();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Work = Box<dyn FnOnce() -> Result<(), ServeError> + Send>;

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    /// Works until it is told to end.
    fn faithful(shutdown: &Shutdown) -> Work {
        let shutdown = shutdown.clone();
        Box::new(move || {
            block_on(shutdown.begun());
            Ok(())
        })
    }

    /// What comes of two faithful workers and one that is not.
    fn with(work: Work) -> (Result<(), ServeError>, bool) {
        let shutdown = Shutdown::new();
        let works = [faithful(&shutdown), work, faithful(&shutdown)];
        let result = block_on(run(works.into_iter(), &shutdown));
        (result, shutdown.has_begun())
    }

    #[test]
    fn a_worker_that_panics_ends_all_with_an_error() {
        let (result, has_ended) = with(Box::new(|| panic!("as a test")));
        assert!(matches!(result, Err(ServeError::Worker)) && has_ended);
    }

    #[test]
    fn a_worker_that_fails_ends_all_with_its_error() {
        let (result, has_ended) = with(Box::new(|| Err(ServeError::NoRandomness)));
        assert!(matches!(result, Err(ServeError::NoRandomness)) && has_ended);
    }

    #[test]
    fn a_worker_that_ends_ends_all() {
        let (result, has_ended) = with(Box::new(|| Ok(())));
        assert!(result.is_ok() && has_ended);
    }

    #[test]
    fn workers_end_when_they_are_told_to() {
        let shutdown = Shutdown::new();
        let works = [faithful(&shutdown), faithful(&shutdown)].into_iter();
        let ending = async { shutdown.finish() };
        let (result, ()) = block_on(async { tokio::join!(run(works, &shutdown), ending) });
        assert!(result.is_ok());
    }

    #[test]
    fn nobody_works_on_for_whoever_does_not_wait() {
        let shutdown = Shutdown::new();
        let works = [faithful(&shutdown)].into_iter();
        block_on(async {
            tokio::select! { biased; _ = run(works, &shutdown) => {}, () = async {} => {} }
        });
        assert!(shutdown.has_begun());
    }
}
