//! The registrar (RFC 3261 §10.3): from a REGISTER and the bindings there are to the bindings
//! there will be. Whether the request may be made (steps 1 to 5) is decided before; storing is
//! asked of the location service, which applies a change whole or not at all.

mod aor;
mod binding;
mod gruu;
mod outbound;
mod update;

pub use aor::aor_of;
pub use binding::{Aor, Binding, BindingSet, Source};
pub use gruu::{Gruu, Gruus, has_gr};
pub use outbound::{is_outbound, supports};
pub use update::{Policy, Update, contact, contacts, update};
