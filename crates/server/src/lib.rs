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
mod observer;
mod question;
mod reading;
mod reload;
mod security;
mod serve;
mod serve_error;
mod stores;
mod threads;
mod trunk_list;
mod worker;

pub use first_start::{NewAccount, password};
pub use observer::Observer;
pub use question::{Question, QuestionError, route};
pub use reload::Reloader;
pub use security::{CertificateFiles, ClientPolicy, OwnCertificate, Secured, Security};
pub use serve::{Prepared, ServeConfig};
pub use serve_error::ServeError;
pub use stores::{Data, StoresError};
