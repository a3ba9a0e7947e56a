//! What an agent listens on, and what it shows and believes over TLS.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use antiphon_net::{
    Certificate, Layers, ListenSpec, Net, Notice, Settings, Tls, TlsConfig, read_pem,
};
use antiphon_sip::{Transport, UriBuf};

use crate::client::Client;
use crate::ending::Failure;
use crate::report::Reporter;

/// Opens the listeners. `next_hop` is what will be asked first, `sources` are the addresses from
/// which it is reached.
pub(super) fn open(
    client: &Client,
    next_hop: Option<&UriBuf>,
    sources: &[IpAddr],
    reporter: &Reporter,
) -> Result<Net, Failure> {
    let specs = listeners(client, next_hop, sources);
    let is_secure = specs.iter().any(|spec| spec.transport.is_secure());
    let layers = Layers { tls: is_secure.then(|| tls(client)).transpose()?, ..Layers::default() };
    let net = Net::bind_with(&specs, Settings::default(), layers)?;
    for notice in net.notices().iter().filter(|notice| is_news(client, notice)) {
        reporter.note(&notice.to_string());
    }
    Ok(net)
}

/// What was asked for, or a free port for each transport that may be needed. Nobody connects to
/// those of a WebSocket (RFC 7118 §5), so they are there only when one is named.
fn listeners(client: &Client, next_hop: Option<&UriBuf>, sources: &[IpAddr]) -> Vec<ListenSpec> {
    if !client.listen.is_empty() {
        let spec = |listen: &crate::Listen| ListenSpec {
            transport: listen.transport,
            addr: listen.address,
        };
        return client.listen.iter().map(spec).collect();
    }
    let named = [client.transport, next_hop.and_then(transport_of)];
    let web_sockets = [Transport::Ws, Transport::Wss];
    let is_named = |transport: &Transport| named.contains(&Some(*transport));
    let usual = [Transport::Udp, Transport::Tcp, Transport::Tls];
    let transports: Vec<_> =
        usual.into_iter().chain(web_sockets.into_iter().filter(is_named)).collect();
    let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST)];
    let sources = if sources.is_empty() { &loopback } else { sources };
    let at = |ip: &IpAddr| {
        let addr = SocketAddr::new(*ip, 0);
        transports.iter().map(move |transport| ListenSpec { transport: *transport, addr })
    };
    sources.iter().flat_map(at).collect()
}

fn transport_of(uri: &UriBuf) -> Option<Transport> {
    let uri = uri.as_uri();
    let sip = uri.as_sip()?;
    let named = Transport::from_bytes(sip.transport()?.as_bytes())?;
    Some(if sip.secure && named == Transport::Ws { Transport::Wss } else { named })
}

fn tls(client: &Client) -> Result<Tls, Failure> {
    let read = |files: &crate::CertificateFiles| Certificate::read(&files.chain, &files.key);
    let certificates = client.certificate.iter().map(read).collect::<Result<_, _>>();
    let mut config = TlsConfig {
        certificates: certificates.map_err(Failure::Tls)?,
        key_log: client.key_log.clone(),
        ..TlsConfig::default()
    };
    for file in &client.trust {
        config.trusted.extend(read_pem(file).map_err(Failure::Tls)?);
        config.trusted.push(b'\n');
    }
    Tls::new(&config).map_err(Failure::Tls)
}

/// Whether a notice is of something that was asked for.
fn is_news(client: &Client, notice: &Notice) -> bool {
    match notice {
        Notice::OnlyConnects { .. } => !client.listen.is_empty(),
        Notice::NoTrustAnchor => client.transport.is_some_and(Transport::is_secure),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transports(client: &Client, towards: &str) -> Vec<Transport> {
        let towards = towards.parse().unwrap();
        let specs = listeners(client, Some(&towards), &[]);
        specs.iter().map(|spec| spec.transport).collect()
    }

    #[test]
    fn what_may_be_needed_is_listened_on() {
        use Transport::{Tcp, Tls, Udp, Ws, Wss};
        let usual = Client::default();
        assert_eq!(transports(&usual, "sip:bob@127.0.0.1"), [Udp, Tcp, Tls]);
        let named = "sip:bob@127.0.0.1;transport=ws";
        assert_eq!(transports(&usual, named), [Udp, Tcp, Tls, Ws]);
        let named = "sips:bob@127.0.0.1;transport=ws";
        assert_eq!(transports(&usual, named), [Udp, Tcp, Tls, Wss]);
        let by_wss = Client { transport: Some(Wss), ..Client::default() };
        assert_eq!(transports(&by_wss, "sip:bob@127.0.0.1"), [Udp, Tcp, Tls, Wss]);
        let listen = vec!["tcp:127.0.0.1:0".parse().unwrap()];
        let explicit = Client { listen, ..by_wss };
        assert_eq!(transports(&explicit, "sip:bob@127.0.0.1"), [Tcp]);
    }
}
