//! What a user agent asks of whoever runs it.

use crate::passport::SIGNATURE_LEN;

/// A question of a user agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// A signature for a request (RFC 8224 §6.1). To be answered by [`Answer::Signed`].
    Sign(Sign),
}

/// What is to be signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sign {
    /// Comes back with the answer.
    pub id: SignId,
    /// With which key: the number, from 0 on, of its certificate in
    /// [`Signatures::certificates`](super::Signatures::certificates).
    pub credential: usize,
    /// The octets to be signed by ECDSA on P-256 with SHA-256 (ES256, RFC 7518 §3.4).
    pub octets: String,
}

/// Names a request for a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SignId(pub(crate) u64);

/// The answer to a [`Question`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The signature; `None` if the key gave none.
    Signed {
        /// Of which request.
        id: SignId,
        /// Both numbers of ECDSA, 32 octets each, the most significant first.
        signature: Option<[u8; SIGNATURE_LEN]>,
    },
}
