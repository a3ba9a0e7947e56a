//! The memory of one action.

use super::{ClientError, Side};

/// Realms answered in one action: what a chain of proxies may reasonably ask for.
const MAX_REALMS: usize = 8;

/// The memory of one action: which realms have been given credentials.
#[derive(Debug, Clone, Default)]
pub struct Attempt {
    tried: Vec<Tried>,
}

#[derive(Debug, Clone)]
struct Tried {
    side: Side,
    realm: String,
    /// Whether the one repetition that a stale nonce allows was made.
    repeated: bool,
    /// Whether the server that is asked now gets the credentials without asking for them.
    carried: bool,
}

impl Attempt {
    /// To be told when the action goes on at another target: it gets no credentials before it
    /// asks. What was refused stays refused, so two servers that send the client back and forth
    /// come to an end.
    pub fn new_target(&mut self) {
        for tried in &mut self.tried {
            tried.carried = false;
        }
    }

    fn find(&mut self, side: Side, realm: &str) -> Option<&mut Tried> {
        self.tried.iter_mut().find(|tried| tried.side == side && tried.realm == realm)
    }

    /// The realms whose credentials go to the server that is asked now.
    pub fn carried(&self) -> impl Iterator<Item = (Side, &str)> {
        let carried = self.tried.iter().filter(|tried| tried.carried);
        carried.map(|tried| (tried.side, tried.realm.as_str()))
    }

    /// Notes another try, if there may be one.
    pub(super) fn begin(
        &mut self,
        side: Side,
        realm: &str,
        stale: bool,
    ) -> Result<(), ClientError> {
        if let Some(tried) = self.find(side, realm) {
            if !stale || tried.repeated {
                return Err(ClientError::Refused { realm: realm.to_owned() });
            }
            tried.repeated = true;
            tried.carried = true;
            return Ok(());
        }
        if self.tried.len() >= MAX_REALMS {
            return Err(ClientError::TooManyRealms);
        }
        self.tried.push(Tried { side, realm: realm.to_owned(), repeated: false, carried: true });
        Ok(())
    }
}
