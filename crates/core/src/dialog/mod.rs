//! Dialogs (RFC 3261 §12): what two user agents remember of each other between requests.
//!
//! [`Dialog<Early>`] exists from a provisional response on, [`Dialog<Confirmed>`] from a 2xx on;
//! one becomes the other and never back. A dialog knows how to write the next request and judges
//! the order of those that come; what the requests mean is the user agent's business.
//! [`AcceptedInvite`] is the 2xx that is sent again until its ACK comes.

mod accepted;
mod id;
mod route_set;
mod state;

pub use accepted::{AcceptedInvite, Due};
pub use id::DialogId;
pub use route_set::{RouteSet, Routed};
pub use state::{Confirmed, Dialog, Early, InDialog, NoDialog, OutOfOrder};
