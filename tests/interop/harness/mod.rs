//! Starting programs, speaking raw SIP to them, and waiting for what they do.

pub(crate) mod antiphon;
pub(crate) mod baresip;
pub(crate) mod browser;
pub(crate) mod disk;
pub(crate) mod kamailio;
pub(crate) mod linphone;
pub(crate) mod ports;
pub(crate) mod process;
pub(crate) mod raw;
pub(crate) mod scenario;
pub(crate) mod sipp;
pub(crate) mod tone;
pub(crate) mod tshark;
pub(crate) mod wait;
