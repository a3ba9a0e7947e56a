//! The rooms that a server's state lives in.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use antiphon_store::{
    Account, AccountError, BanFile, Bindings, Embedded, Memory, MemorySubscribers, OpenError,
    SubscriberFile, Subscribers, TrunkFile,
};

/// Where the state of a server lives.
#[derive(Debug, Clone)]
pub enum Data {
    /// In memory: gone with the process.
    Memory(Vec<Account>),
    /// In an embedded database in this directory.
    Directory(PathBuf),
}

impl Data {
    /// The directory, if it is one.
    pub(crate) fn directory(&self) -> Option<&Path> {
        match self {
            Self::Memory(_) => None,
            Self::Directory(directory) => Some(directory),
        }
    }
}

/// Bindings, subscribers and the secret of one server.
#[derive(Clone)]
pub(crate) struct Stores {
    pub(crate) bindings: Arc<dyn Bindings>,
    pub(crate) subscribers: Arc<dyn Subscribers>,
    /// The same subscribers when they stand in a file that others may change.
    pub(crate) file: Option<Arc<SubscriberFile>>,
    pub(crate) secret: [u8; 32],
    pub(crate) directory: Option<PathBuf>,
}

impl Stores {
    pub(crate) fn open(data: Data) -> Result<Self, StoresError> {
        match data {
            Data::Memory(accounts) => {
                let mut secret = [0; 32];
                getrandom::fill(&mut secret).map_err(|_| StoresError::NoRandomness)?;
                Ok(Self {
                    bindings: Arc::new(Memory::new()),
                    subscribers: Arc::new(accounts.into_iter().collect::<MemorySubscribers>()),
                    file: None,
                    secret,
                    directory: None,
                })
            }
            Data::Directory(directory) => {
                let settings = antiphon_store::Settings::default();
                let bindings = Embedded::open(&directory, &settings).map_err(StoresError::Open)?;
                let file =
                    Arc::new(SubscriberFile::open(&directory).map_err(StoresError::Accounts)?);
                Ok(Self {
                    bindings: Arc::new(bindings),
                    subscribers: Arc::clone(&file) as Arc<dyn Subscribers>,
                    file: Some(file),
                    secret: antiphon_store::secret(&directory).map_err(StoresError::Open)?,
                    directory: Some(directory),
                })
            }
        }
    }

    /// Where the bans stand, if they outlive the process.
    pub(crate) fn ban_file(&self) -> Option<BanFile> {
        self.directory.as_deref().map(BanFile::at)
    }

    /// Where it stands how the trunks are, if a command may read it.
    pub(crate) fn trunk_file(&self) -> Option<TrunkFile> {
        self.directory.as_deref().map(TrunkFile::at)
    }

    /// Reads the subscribers again if their file changed.
    pub(crate) fn refresh_subscribers(&self) -> Result<(), StoresError> {
        let Some(file) = &self.file else { return Ok(()) };
        let now = antiphon_net::Clock::start().now();
        file.refresh(now).map(drop).map_err(StoresError::Accounts)
    }
}

impl fmt::Debug for Stores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stores").field("directory", &self.directory).finish_non_exhaustive()
    }
}

/// Why the stores cannot be opened.
#[derive(Debug)]
pub enum StoresError {
    /// The data directory or a file in it cannot be used.
    Open(OpenError),
    /// The accounts cannot be used.
    Accounts(AccountError),
    /// The system gives no random numbers.
    NoRandomness,
}

impl fmt::Display for StoresError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(error) => error.fmt(f),
            Self::Accounts(error) => error.fmt(f),
            Self::NoRandomness => f.write_str("the system gives no random numbers"),
        }
    }
}

impl std::error::Error for StoresError {}
