//! What a request asks for beside its purpose: priority, privacy, a push service.

use antiphon_agent::Manner as Wanted;
use antiphon_core::user_agent;
use clap::Args;

use super::value;

/// Priority and privacy.
#[derive(Debug, Args)]
#[command(next_help_heading = "Priority and privacy")]
pub(crate) struct Manner {
    /// The priority to ask for, as in ets.0 (RFC 4412); may be repeated: the first is asked for, the
    /// others where the server does not know it (417)
    #[arg(long, value_name = "NAMESPACE.VALUE", value_parser = value::priority)]
    resource_priority: Vec<String>,
    /// Has the request refused where nobody knows the priority
    #[arg(long, requires = "resource_priority")]
    require_priority: bool,
    /// Goes on without a priority where none is known
    #[arg(long, requires = "require_priority")]
    accept_normal_priority: bool,
    /// Hides who asks: From names nobody, and servers are asked not to tell
    #[arg(long)]
    anonymous: bool,
    /// Shows who asks to those who take nothing from strangers (433)
    #[arg(long)]
    reveal_identity: bool,
}

impl From<Manner> for Wanted {
    fn from(manner: Manner) -> Self {
        Self {
            priorities: manner.resource_priority,
            requires_priority: manner.require_priority,
            takes_normal_priority: manner.accept_normal_priority,
            anonymous: manner.anonymous,
            reveals_identity: manner.reveal_identity,
        }
    }
}

/// A push service (RFC 8599).
#[derive(Debug, Args)]
#[command(next_help_heading = "Push service")]
pub(crate) struct Push {
    /// The push service that wakes the device, as in apns, fcm or webpush (RFC 8599). Where no
    /// server knows it (555), what is kept here goes on without
    #[arg(long, value_name = "SERVICE", value_parser = value::uri_param, requires = "push_prid")]
    push_provider: Option<String>,
    /// What the push service asks for besides, as in DEF123GHIJ.com.example.app.voip
    #[arg(long, value_name = "TEXT", value_parser = value::uri_param, requires = "push_provider")]
    push_param: Option<String>,
    /// The device, as the push service names it
    #[arg(long, value_name = "TEXT", value_parser = value::uri_param, requires = "push_provider")]
    push_prid: Option<String>,
}

impl From<Push> for Option<user_agent::Push> {
    fn from(push: Push) -> Self {
        let (provider, prid) = push.push_provider.zip(push.push_prid)?;
        Some(user_agent::Push { provider, param: push.push_param, prid })
    }
}
