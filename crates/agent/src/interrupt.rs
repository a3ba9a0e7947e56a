//! Being told to stop: Ctrl-C, or a program that runs a command.

use tokio::sync::mpsc;

use crate::Failure;

/// Tells a command to stop. The first time it ends properly (CANCEL or BYE, then the removal of its
/// registration); the second time at once.
#[derive(Debug)]
pub struct Interrupt(Source);

/// Gives the sign that an [`Interrupt`] waits for.
#[derive(Debug, Clone)]
pub struct Interrupter(mpsc::Sender<()>);

#[derive(Debug)]
enum Source {
    Never,
    Told(mpsc::Receiver<()>),
    #[cfg(unix)]
    Signals {
        interrupt: tokio::signal::unix::Signal,
        terminate: tokio::signal::unix::Signal,
    },
    #[cfg(not(unix))]
    CtrlC,
}

impl Interrupt {
    /// Nobody stops it.
    #[must_use]
    pub const fn never() -> Self {
        Self(Source::Never)
    }

    /// Somebody in this program may stop it.
    #[must_use]
    pub fn channel() -> (Interrupter, Self) {
        let (sender, receiver) = mpsc::channel(2);
        (Interrupter(sender), Self(Source::Told(receiver)))
    }

    /// Ctrl-C and, where there are signals, SIGTERM. From now on neither ends the process by
    /// itself. To be called within a runtime.
    ///
    /// # Errors
    /// [`Failure::Signals`] when the system does not let signals be awaited.
    pub fn from_signals() -> Result<Self, Failure> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let interrupt = signal(SignalKind::interrupt()).map_err(Failure::Signals)?;
            let terminate = signal(SignalKind::terminate()).map_err(Failure::Signals)?;
            Ok(Self(Source::Signals { interrupt, terminate }))
        }
        #[cfg(not(unix))]
        Ok(Self(Source::CtrlC))
    }

    /// Waits for the sign. May be dropped and called again without losing one.
    pub async fn wait(&mut self) {
        let told = match &mut self.0 {
            Source::Never => None,
            Source::Told(receiver) => receiver.recv().await,
            #[cfg(unix)]
            Source::Signals { interrupt, terminate } => tokio::select! {
                told = interrupt.recv() => told,
                told = terminate.recv() => told,
            },
            #[cfg(not(unix))]
            Source::CtrlC => tokio::signal::ctrl_c().await.ok(),
        };
        if told.is_none() {
            // Nobody is left who could give it.
            std::future::pending::<()>().await;
        }
    }
}

impl Interrupter {
    /// Gives the sign. More than two that wait are one too many and left out.
    pub fn interrupt(&self) {
        let _ = self.0.try_send(());
    }
}
