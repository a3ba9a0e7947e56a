//! What an agent listens on, and what it shows and believes over TLS.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use antiphon_net::{
    Certificate, Layers, ListenSpec, Net, Notice, Settings, Tls, TlsConfig, read_pem,
};
use antiphon_sip::{Transport, UriBuf};

use super::address;
use crate::client::Client;
use crate::ending::Failure;
use crate::report::Reporter;

/// Opens the listeners. `towards` is what will be asked first.
pub(super) async fn open(
    client: &Client,
    towards: Option<&UriBuf>,
    reporter: &Reporter,
) -> Result<Net, Failure> {
    let specs = listeners(client, towards).await;
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
async fn listeners(client: &Client, towards: Option<&UriBuf>) -> Vec<ListenSpec> {
    if !client.listen.is_empty() {
        let spec = |listen: &crate::Listen| ListenSpec {
            transport: listen.transport,
            addr: listen.address,
        };
        return client.listen.iter().map(spec).collect();
    }
    let next_hop = client.proxy.as_ref().or(towards);
    let local = match next_hop {
        Some(uri) => address::towards(uri).await,
        None => None,
    };
    let any = SocketAddr::new(local.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)), 0);
    let named = [Some(client.transport), next_hop.and_then(transport_of)];
    let is_named = |transport| named.contains(&Some(transport));
    let mut specs = vec![ListenSpec::udp(any), ListenSpec::tcp(any), ListenSpec::tls(any)];
    specs.extend(is_named(Transport::Ws).then(|| ListenSpec::ws(any)));
    specs.extend(is_named(Transport::Wss).then(|| ListenSpec::wss(any)));
    specs
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
        Notice::NoTrustAnchor => client.transport.is_secure(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn transports(client: &Client, towards: &str) -> Vec<Transport> {
        let towards = towards.parse().unwrap();
        let specs = listeners(client, Some(&towards)).await;
        specs.iter().map(|spec| spec.transport).collect()
    }

    #[tokio::test(flavor = "current_thread")]
    async fn what_may_be_needed_is_listened_on() {
        use Transport::{Tcp, Tls, Udp, Ws, Wss};
        let usual = Client::default();
        assert_eq!(transports(&usual, "sip:bob@127.0.0.1").await, [Udp, Tcp, Tls]);
        let named = "sip:bob@127.0.0.1;transport=ws";
        assert_eq!(transports(&usual, named).await, [Udp, Tcp, Tls, Ws]);
        let named = "sips:bob@127.0.0.1;transport=ws";
        assert_eq!(transports(&usual, named).await, [Udp, Tcp, Tls, Wss]);
        let by_wss = Client { transport: Wss, ..Client::default() };
        assert_eq!(transports(&by_wss, "sip:bob@127.0.0.1").await, [Udp, Tcp, Tls, Wss]);
        let listen = vec!["tcp:127.0.0.1:0".parse().unwrap()];
        let explicit = Client { listen, ..by_wss };
        assert_eq!(transports(&explicit, "sip:bob@127.0.0.1").await, [Tcp]);
    }
}
