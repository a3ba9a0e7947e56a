//! The server: registrar, location service and stateful proxy in one node, and what runs it.
//!
//! [`node`] decides and does no I/O; it is what the simulation tests run. [`Prepared`] binds the
//! sockets, opens the stores and runs the node. [`config`] reads what it is to be from a file, and
//! [`rules`] say where requests go.

pub mod config;
pub mod guard;
pub mod media;
pub mod node;
pub mod rules;

mod ban_list;
mod first_start;
mod housekeeping;
mod question;
mod reading;
mod reload;
mod security;
mod serve;
mod stores;
mod worker;

pub use first_start::{NewAccount, password};
pub use question::{Question, QuestionError, route};
pub use reload::Reloader;
pub use security::{CertificateFiles, ClientPolicy, OwnCertificate, Secured, Security};
pub use serve::{Observer, Prepared, ServeConfig, ServeError};
pub use stores::{Data, StoresError};
