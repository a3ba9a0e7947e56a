//! The commands of the user agent.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use antiphon_agent::{Listen, Respond};
use antiphon_core::user_agent::{Identity, Unbind};
use antiphon_sip::{Transport, UriBuf};
use clap::Args;

use super::manner::{Manner, Push};
use super::value;

/// Options that all client commands share.
#[derive(Debug, Args)]
#[command(next_help_heading = "Who and how")]
pub(crate) struct Shared {
    /// Who asks, as in sip:alice@example.org or "Alice <sip:alice@example.org>"
    #[arg(long, value_name = "URI", value_parser = value::identity)]
    pub(crate) from: Option<Identity>,
    /// User name for challenges; by default the user of --from
    #[arg(long)]
    pub(crate) user: Option<String>,
    /// Password for challenges; other users of this machine may see it here, so better set the
    /// variable
    #[arg(long, env = "ANTIPHON_PASSWORD", hide_env_values = true)]
    pub(crate) password: Option<String>,
    /// Outbound proxy: every request goes there first
    #[arg(long, value_name = "URI", value_parser = value::sip_uri)]
    pub(crate) proxy: Option<UriBuf>,
    /// Where to listen, as in udp:192.0.2.1:5060; may be repeated. By default a free port for each
    /// transport that may be needed, on the address from which the target is reached
    #[arg(long, value_name = "TRANSPORT:IP:PORT")]
    pub(crate) listen: Vec<Listen>,
    /// Transport for targets that name none: udp, tcp, tls, ws or wss. By default what the DNS of
    /// the host says, and udp for an address
    #[arg(long, value_parser = value::transport)]
    pub(crate) transport: Option<Transport>,
    /// The DNS server to ask in place of those of the system, as in 192.0.2.53 or 127.0.0.1:5353
    #[arg(long, value_name = "IP[:PORT]", value_parser = value::dns_server)]
    pub(crate) dns: Option<SocketAddr>,
    /// A PEM file with certificates to believe over TLS, besides those of the system's authorities:
    /// an authority of your own, or the self-signed one of a server; may be repeated
    #[arg(long, value_name = "FILE.pem")]
    pub(crate) trust: Vec<PathBuf>,
    /// A PEM file with the certificate to show over TLS: to listen with tls or wss, or to servers
    /// that ask for one
    #[arg(long, value_name = "FILE.pem", requires = "key")]
    pub(crate) certificate: Option<PathBuf>,
    /// A PEM file with the private key of --certificate
    #[arg(long, value_name = "FILE.pem", requires = "certificate")]
    pub(crate) key: Option<PathBuf>,
    /// Adds the secrets of TLS connections to a file, with which Wireshark reads them. Whoever has
    /// it reads everything that was said
    #[arg(long, value_name = "FILE")]
    pub(crate) key_log: Option<PathBuf>,
    /// Bounds the whole action, in seconds: a call not answered by then is cancelled, an answered
    /// one hung up
    #[arg(long, value_name = "SECONDS", value_parser = value::seconds)]
    pub(crate) timeout: Option<Duration>,
    /// Writes every message to a capture file for Wireshark
    #[arg(long, value_name = "FILE.pcapng")]
    pub(crate) trace: Option<PathBuf>,
    /// Shows how servers are found and every message on standard error
    #[arg(long)]
    pub(crate) verbose: bool,
    /// One JSON object a line on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

/// Options of the commands whose requests can be signed.
#[derive(Debug, Args)]
#[command(next_help_heading = "Signed caller identity (RFC 8224)")]
pub(crate) struct Signing {
    /// A PEM file (PKCS #8) with a private key on the curve P-256: servers that take only signed
    /// requests get one. May be repeated: the next key is for those who do not take the certificate
    /// of the one before
    #[arg(long, value_name = "FILE.pem", requires = "identity_url")]
    pub(crate) identity_key: Vec<PathBuf>,
    /// Where everybody can fetch the certificate of the key; one for each --identity-key, in the
    /// same order
    #[arg(long, value_name = "URL", value_parser = value::web_address, requires = "identity_key")]
    pub(crate) identity_url: Vec<String>,
    /// When requests are signed: for servers that have asked for it, or always
    #[arg(long, value_name = "WHEN", value_parser = value::sign_when, default_value = "asked",
        requires = "identity_key")]
    pub(crate) identity: value::SignWhen,
}

/// Places a call and holds it until one side hangs up
///
/// The offer is G.711; silence is sent, and what comes back is counted. Ctrl-C hangs up. At a
/// terminal you are asked where you can decide better: which of several addresses goes first (300),
/// which of several people (380, 485), which digits are missing (484), whether to show who you are
/// (433).
#[derive(Debug, Args)]
#[command(after_help = "EXAMPLE\n  \
    antiphon call sip:bob@example.org --from sip:alice@example.org --password wonderland\n  \
    antiphon call sip:+442079460000@192.0.2.1 --duration 5 --json\n  \
    antiphon call sip:bob@example.org --resource-priority wps.0 --require-priority\n\n\
    The exit status tells the outcome: 0 answered; 3, 4, 5, 6 the class of the refusal; 8 no answer.")]
pub(crate) struct Call {
    /// Whom to call
    #[arg(value_name = "URI", value_parser = value::uri)]
    pub(crate) target: UriBuf,
    /// Hangs up this many seconds after the answer
    #[arg(long, value_name = "SECONDS", value_parser = value::seconds)]
    pub(crate) duration: Option<Duration>,
    /// A header field of the INVITE; may be repeated
    #[arg(long, value_name = "NAME: VALUE", value_parser = value::header)]
    pub(crate) header: Vec<(String, String)>,
    #[command(flatten)]
    pub(crate) signing: Signing,
    #[command(flatten)]
    pub(crate) manner: Manner,
    #[command(flatten)]
    pub(crate) shared: Shared,
}

/// Takes calls and other requests and answers them as it is told, with any response code
///
/// With --from and a password it registers first and removes the registration at the end; otherwise
/// it takes what comes to where it listens. Every response has the header fields that its code must
/// carry.
#[derive(Debug, Args)]
#[command(after_help = "EXAMPLE\n  \
    antiphon answer --from sip:bob@example.org --password builder\n  \
    antiphon answer --listen udp:127.0.0.1:5070 --respond 180,486 --count 1\n  \
    antiphon answer --listen udp:127.0.0.1:5070 --respond 302 --contact sip:carol@example.org\n  \
    antiphon answer --listen udp:127.0.0.1:5070 --respond 407,180,200    credentials first\n  \
    antiphon answer --listen udp:127.0.0.1:5070 --respond 503,180,200    refuses only the first call\n  \
    antiphon answer --listen udp:127.0.0.1:5070 --script FILE            see docs/scripts.md\n\n\
    A script says what is answered to which method, when, and with what in it:\n\n  \
    user alice secret\n  \
    INVITE\n    \
    401\n    \
    +500ms 180 reliable\n    \
    +2s 200\n  \
    MESSAGE\n    \
    415\n      \
    Accept: text/html")]
pub(crate) struct Answer {
    /// The responses to calls, any of 100 to 699. What stands behind a final one is for the next
    /// call, and the last for all further ones; behind 401 or 407 the same call goes on once it has
    /// credentials. 100 is sent after 200 ms, as ever, and what is behind it waits for it; without a
    /// final one a call rings on
    #[arg(long, value_name = "CODE,CODE", default_value = "180,200", value_parser = value::respond)]
    pub(crate) respond: Respond,
    /// Plays a script file instead, which speaks of other methods too. Calls that it says nothing
    /// about are answered with 180,200
    #[arg(long, value_name = "FILE", conflicts_with_all = ["respond", "contact", "header"])]
    pub(crate) script: Option<PathBuf>,
    /// Where else to call, for --respond 300 to 399 and 485; may be repeated. Without it they lead
    /// back here under another user name
    #[arg(long, value_name = "URI", value_parser = value::uri)]
    pub(crate) contact: Vec<UriBuf>,
    /// A header field of the final response to each call; may be repeated
    #[arg(long, value_name = "NAME: VALUE", value_parser = value::header)]
    pub(crate) header: Vec<(String, String)>,
    /// Ends after this many calls
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: Option<u64>,
    #[command(flatten)]
    pub(crate) shared: Shared,
}

/// Says where somebody can be reached, and shows all places where they can
///
/// One request, unless --keep or --timeout asks for more: then the registration is refreshed until
/// Ctrl-C or that time, and removed. One request leaves its binding behind until --expires is over:
/// without --contact it names this agent at a port that nobody listens on any more, so name the
/// device that is meant, or keep it.
#[derive(Debug, Args)]
#[command(after_help = "EXAMPLE\n  \
    antiphon register sip:alice@example.org --password wonderland --keep\n  \
    antiphon register sip:alice@example.org --password wonderland --contact '*' --expires 0")]
pub(crate) struct Register {
    /// The address-of-record
    #[arg(value_name = "AOR", value_parser = value::uri)]
    pub(crate) aor: UriBuf,
    /// The registrar, if it is not the domain of the address-of-record
    #[arg(long, value_name = "URI", value_parser = value::sip_uri)]
    pub(crate) registrar: Option<UriBuf>,
    /// What to bind, if it is not this agent; with --expires 0 the binding to remove, '*' for all
    #[arg(long, value_name = "URI", value_parser = value::contact)]
    pub(crate) contact: Option<Unbind>,
    /// For how many seconds; 0 removes
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    pub(crate) expires: u32,
    /// Keeps the registration until Ctrl-C or --timeout, then removes it
    #[arg(long)]
    pub(crate) keep: bool,
    /// Asks the registrar to tie the registration to its flow (RFC 5626)
    #[arg(long)]
    pub(crate) outbound: bool,
    #[command(flatten)]
    pub(crate) push: Push,
    #[command(flatten)]
    pub(crate) shared: Shared,
}

/// Asks whether somebody is there, and how long the answer takes: a ping
#[derive(Debug, Args)]
#[command(after_help = "EXAMPLE\n  \
    antiphon options sip:example.org\n  \
    antiphon options sip:192.0.2.1:5060 --transport tcp --timeout 2")]
pub(crate) struct Options {
    /// Whom to ask
    #[arg(value_name = "URI", value_parser = value::uri)]
    pub(crate) target: UriBuf,
    /// A header field of the request; may be repeated
    #[arg(long, value_name = "NAME: VALUE", value_parser = value::header)]
    pub(crate) header: Vec<(String, String)>,
    #[command(flatten)]
    pub(crate) signing: Signing,
    #[command(flatten)]
    pub(crate) manner: Manner,
    #[command(flatten)]
    pub(crate) shared: Shared,
}

/// Sends an instant message
#[derive(Debug, Args)]
#[command(after_help = "EXAMPLE\n  \
    antiphon message sip:bob@example.org 'Lunch?' --from sip:alice@example.org --password wonderland")]
pub(crate) struct Message {
    /// To whom
    #[arg(value_name = "URI", value_parser = value::uri)]
    pub(crate) target: UriBuf,
    /// What to say
    pub(crate) text: String,
    /// A header field of the request; may be repeated
    #[arg(long, value_name = "NAME: VALUE", value_parser = value::header)]
    pub(crate) header: Vec<(String, String)>,
    #[command(flatten)]
    pub(crate) signing: Signing,
    #[command(flatten)]
    pub(crate) manner: Manner,
    #[command(flatten)]
    pub(crate) shared: Shared,
}

/// Says what state something is in
///
/// One request, unless --keep or --timeout asks for more: then the publication is refreshed until
/// Ctrl-C or that time, and removed. Otherwise it stands until its time is over.
#[derive(Debug, Args)]
#[command(after_help = "EXAMPLE\n  \
    antiphon publish sip:alice@example.org --event presence --password wonderland --keep\n  \
    antiphon publish sip:alice@example.org --event message-summary --body waiting.txt\n\n\
    Without --body the presence of somebody who is there is published; other packages need one.")]
pub(crate) struct Publish {
    /// Whose state
    #[arg(value_name = "URI", value_parser = value::uri)]
    pub(crate) target: UriBuf,
    /// The event package, as in presence
    #[arg(long, value_name = "PACKAGE", value_parser = value::event)]
    pub(crate) event: String,
    /// The file with the state
    #[arg(long, value_name = "FILE")]
    pub(crate) body: Option<PathBuf>,
    /// What the file is; by default what the event package has
    #[arg(long, value_name = "TYPE", value_parser = value::content_type, requires = "body")]
    pub(crate) content_type: Option<String>,
    /// For how many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 3600,
        value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) expires: u32,
    /// Keeps the publication until Ctrl-C or --timeout, then removes it
    #[arg(long)]
    pub(crate) keep: bool,
    /// A header field of the request; may be repeated
    #[arg(long, value_name = "NAME: VALUE", value_parser = value::header)]
    pub(crate) header: Vec<(String, String)>,
    #[command(flatten)]
    pub(crate) signing: Signing,
    #[command(flatten)]
    pub(crate) manner: Manner,
    #[command(flatten)]
    pub(crate) shared: Shared,
}

/// Asks to be told of a state, and shows every notification
///
/// The first notification ends it, unless --keep or --timeout asks for more: then the subscription
/// is refreshed until Ctrl-C or that time, and ended.
#[derive(Debug, Args)]
#[command(after_help = "EXAMPLE\n  \
    antiphon subscribe sip:bob@example.org --event presence --from sip:alice@example.org\n  \
    antiphon subscribe sip:alice@example.org --event message-summary --keep --json")]
pub(crate) struct Subscribe {
    /// Whose state
    #[arg(value_name = "URI", value_parser = value::uri)]
    pub(crate) target: UriBuf,
    /// The event package, as in presence
    #[arg(long, value_name = "PACKAGE", value_parser = value::event)]
    pub(crate) event: String,
    /// For how many seconds; 0 asks for the state once
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    pub(crate) expires: u32,
    /// Keeps the subscription until Ctrl-C or --timeout, then ends it
    #[arg(long)]
    pub(crate) keep: bool,
    /// A header field of the request; may be repeated
    #[arg(long, value_name = "NAME: VALUE", value_parser = value::header)]
    pub(crate) header: Vec<(String, String)>,
    #[command(flatten)]
    pub(crate) signing: Signing,
    #[command(flatten)]
    pub(crate) manner: Manner,
    #[command(flatten)]
    pub(crate) shared: Shared,
}

/// Plays seven calls between two agents around a server, and draws the ladder of each
///
/// Everything happens in this process, on free ports of the loopback, and nothing is left behind.
#[derive(Debug, Args)]
#[command(after_help = "EXAMPLE\n  \
    antiphon demo\n  \
    antiphon demo --verbose        with every message in full")]
pub(crate) struct Demo {
    /// The address to play on
    #[arg(long, value_name = "IP", default_value = "127.0.0.1")]
    pub(crate) address: IpAddr,
    /// Shows every message in full beneath its ladder
    #[arg(long)]
    pub(crate) verbose: bool,
    /// One JSON object a line on standard output
    #[arg(long)]
    pub(crate) json: bool,
}
