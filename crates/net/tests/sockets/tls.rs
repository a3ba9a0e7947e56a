//! What the tests of TLS have in common.

use antiphon_core::flow::{Flow, Ticket, Transmit};
use antiphon_net::{Settings, TlsConfig};
use antiphon_sip::Transport::{self, Tls as TLS};
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;

use crate::certificates::{Authority, Valid, layers};
use crate::common::{PATIENCE, Running, Seen, Setup, options};

pub(crate) const LISTEN: &[(Transport, &str)] = &[(TLS, "127.0.0.1:0")];

pub(crate) fn setup(config: &TlsConfig) -> Setup<'static> {
    Setup { listen: LISTEN, settings: Settings::default(), layers: layers(config) }
}

/// An authority and a configuration with one of its certificates, for example.org.
pub(crate) fn usual() -> (Authority, TlsConfig) {
    let authority = Authority::new();
    let certificate = authority.issue(&["sip:example.org", "example.org"], Valid::Now);
    let config = authority.config(vec![certificate]);
    (authority, config)
}

pub(crate) fn to(flow: Flow, name: &str, ticket: u64) -> Transmit {
    let octets = Bytes::from(options("1", ""));
    Transmit {
        flow,
        octets,
        ticket: Some(Ticket(ticket)),
        server_name: Some(name.into()),
        is_open_flow: false,
        connect_within: None,
    }
}

pub(crate) async fn read_to_end(stream: &mut (impl AsyncRead + Unpin)) -> Vec<u8> {
    let mut octets = Vec::new();
    // However it ends, it ends.
    let _ = timeout(PATIENCE, stream.read_to_end(&mut octets)).await.unwrap();
    octets
}

/// Says something and hears it again.
pub(crate) async fn exchange(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), branch: &str) {
    let message = options(branch, "");
    stream.write_all(message.as_bytes()).await.unwrap();
    let mut heard = vec![0; message.len()];
    timeout(PATIENCE, stream.read_exact(&mut heard)).await.unwrap().unwrap();
    assert_eq!(heard, message.as_bytes());
}

/// The flow of the next message.
pub(crate) async fn arrived(running: &mut Running) -> Flow {
    match running.seen().await {
        Seen::Message(flow, _) => flow,
        other => panic!("{other:?}"),
    }
}
