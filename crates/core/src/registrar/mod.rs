//! The registrar (RFC 3261 §10).

mod binding;

pub use binding::{Aor, Binding, BindingSet, Source};
