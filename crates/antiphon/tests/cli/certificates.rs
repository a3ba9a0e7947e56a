//! Certificates that are replaced while a server runs.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tempfile::TempDir;

use crate::program::Running;

/// Longer than anything here takes.
const LIMIT: Duration = Duration::from_secs(30);

type Stream = StreamOwned<ClientConnection, TcpStream>;

/// A client that believes the certificates of this file alone.
fn client(file: &Path) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).unwrap() {
        roots.add(certificate.unwrap()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

/// A connection that has said something and was answered; `None` if the server is not believed.
fn connect(address: &str, client: &Arc<ClientConfig>) -> Option<Stream> {
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    let connection = ClientConnection::new(Arc::clone(client), name).unwrap();
    let mut stream = StreamOwned::new(connection, socket);
    ask(&mut stream).then_some(stream)
}

/// Whether a request is answered.
fn ask(stream: &mut Stream) -> bool {
    let request = "OPTIONS sip:127.0.0.1 SIP/2.0\r\n\
         Via: SIP/2.0/TLS 127.0.0.1;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n\
         From: <sip:a@a.example>;tag=1\r\nTo: <sip:127.0.0.1>\r\nCall-ID: 1\r\n\
         CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";
    if stream.write_all(request.as_bytes()).is_err() {
        return false;
    }
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let mut octet = [0];
        if stream.read_exact(&mut octet).is_err() {
            return false;
        }
        answer.extend(octet);
    }
    answer.starts_with(b"SIP/2.0 ")
}

#[test]
fn certificates_are_replaced_and_none_of_two_hundred_connections_drops() {
    let home = TempDir::new().unwrap();
    let mut serving =
        Running::start(home.path(), &["serve", "--listen", "tls:127.0.0.1:0", "--json"]);
    let ready = serving.object();
    let address = ready["listeners"][0].as_str().unwrap().strip_prefix("tls:").unwrap();
    let chain = Path::new(ready["self_signed"]["file"].as_str().unwrap());
    let old = client(chain);
    let mut streams: Vec<_> = (0..200).map(|_| connect(address, &old).unwrap()).collect();

    let other = antiphon_net::self_signed(&["127.0.0.1"]).unwrap();
    std::fs::write(chain, &other.chain).unwrap();
    std::fs::write(chain.with_extension("key"), &other.key).unwrap();
    let new = client(chain);
    assert!(connect(address, &new).is_none(), "not before it is told to");
    let told = Command::new("kill").args(["-HUP", &serving.id().to_string()]).status().unwrap();
    assert!(told.success());
    // The signal comes when it comes; each try takes a handshake.
    assert!((0..10_000).any(|_| connect(address, &new).is_some()));
    assert!(connect(address, &old).is_none());
    assert!(streams.iter_mut().all(ask));

    // What cannot be used changes nothing.
    std::fs::write(chain, "no certificate").unwrap();
    let told = Command::new("kill").args(["-HUP", &serving.id().to_string()]).status().unwrap();
    assert!(told.success());
    assert!((0..20).all(|_| connect(address, &new).is_some()));
    assert!(streams.iter_mut().all(ask));
}
