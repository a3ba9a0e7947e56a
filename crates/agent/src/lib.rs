//! The user agent for people and scripts: places calls, answers them, registers, asks, sends
//! messages, publishes, subscribes, and shows all of it at once in a demonstration.
//!
//! What SIP demands is decided in [`antiphon_core::user_agent`]; sockets are `antiphon-net`'s. Here
//! stands what a command does with both, and what it tells meanwhile.
//!
//! Where to begin: a command is a file and a function ([`call`](call()), [`answer`](answer()),
//! [`register`](register()), [`options`](options()), [`message`](message()),
//! [`publish`](publish()), [`subscribe`](subscribe()), [`demo`](demo())). Each takes the [`Client`]
//! options that all share, its own options and a [`Session`] with the [`Reporter`] that it tells
//! what happens, and gives back an [`Ending`], which knows its exit status. Their futures are not
//! `Send`: they belong on a current-thread runtime. [`code`](code()) needs no network: it tells
//! what the table of reactions says.

mod client;
mod command;
mod ending;
mod interrupt;
mod media;
mod report;
pub mod script;
mod session;

pub use client::{CertificateFiles, Client, Credential, Listen, Manner, NoListen, Signing};
pub use command::answer::{Answer, Respond, Unanswerable, answer};
pub use command::call::{Call, call};
pub use command::code::{Codes, NoCodes, code, codes_as_markdown};
pub use command::demo::{Demo, DemoAccount, demo};
pub use command::message::{Message, message};
pub use command::options::{Options, options};
pub use command::publish::{Publish, content_type_of, plain_state, publish};
pub use command::register::{Register, register};
pub use command::subscribe::{Subscribe, subscribe};
pub use ending::{Ending, Failure};
pub use interrupt::{Interrupt, Interrupter};
pub use report::{Form, Reporter, day_and_time};
pub use session::{KeyError, Lines, NoKey, PRODUCT, Session};
