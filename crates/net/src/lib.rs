//! Bytes and names: UDP, TCP, TLS and WebSocket, the resolver, and the loop that drives one
//! [`Node`](antiphon_core::node::Node). No rule of SIP lives here, except how a stream is cut into
//! messages, which is the parser's ([`Framer`](antiphon_sip::parse::stream::Framer)).
//!
//! Where to begin: [`Net::bind`], or with TLS [`Net::bind_with`], opens the listeners and tells
//! their real addresses, with which the node is made; [`Net::driver`] puts node and sockets
//! together; [`Driver::run`] is the loop. What the node asks and tells goes to a [`Host`]; what
//! others want of the node comes through a [`Handle`]; [`Shutdown`] ends it.
//!
//! ```no_run
//! # use antiphon_core::node::Node;
//! # use antiphon_net::{Host, ListenSpec, Net, Settings, Shutdown};
//! # async fn example<N: Node, H: Host<N>>(
//! #     make_node: impl FnOnce(Vec<antiphon_core::endpoint::Listener>) -> N,
//! #     host: H,
//! # ) -> Result<(), Box<dyn std::error::Error>> {
//! let net = Net::bind(&[ListenSpec::udp("127.0.0.1:5060".parse()?)], Settings::default())?;
//! let node = make_node(net.core_listeners());
//! let (driver, handle) = net.driver(node);
//! let shutdown = Shutdown::new();
//! let stopped = driver.run(host, &shutdown).await?;
//! # drop((handle, stopped.node));
//! # Ok(())
//! # }
//! ```
//!
//! One loop owns one node and runs where it was started: its future is not `Send`, so it belongs on
//! a current-thread runtime. Several nodes are several threads, each with a runtime and a driver.
//!
//! Everything that a peer can fill is bounded; the numbers and their reasons stand in [`Settings`].

mod advertise;
mod bind;
mod clock;
mod counters;
mod descriptors;
mod driver;
mod host;
mod layers;
mod notice;
mod refusal;
mod refusals;
mod resolver;
mod settings;
mod shutdown;
mod sources;
mod stream;
mod tls;
mod udp;

pub use bind::{BindError, Bound, ListenSpec, Net};
pub use clock::Clock;
pub use counters::{Counters, Counts};
pub use driver::{Driver, Stopped};
pub use host::{Direction, Full, Handle, Host, Replies};
pub use ipnet::IpNet;
pub use layers::{Layers, WebSocket};
pub use notice::Notice;
pub use refusal::Refusal;
pub use resolver::{Dns, DnsConfig};
pub use settings::Settings;
pub use shutdown::Shutdown;
pub use tls::{Certificate, ClientCertificates, Tls, TlsConfig, TlsError, read_pem, self_signed};
