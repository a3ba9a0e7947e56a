//! Reading: from the text of a TOML file to typed values, with everything that is wrong on the way
//! and its place.
//!
//! What a table is made of is said once, by [`section`]; [`reader`] reads it, [`value`] and
//! [`kinds`] are what a key may be, [`suggest`] finds what was probably meant.

pub(crate) mod fault;
pub(crate) mod kinds;
pub(crate) mod no_secret;
pub(crate) mod reader;
pub(crate) mod secret;
pub(crate) mod section;
pub(crate) mod suggest;
pub(crate) mod value;
