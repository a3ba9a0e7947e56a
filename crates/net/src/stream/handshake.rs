//! From a TCP connection to a line that carries SIP: TLS, then WebSocket (RFC 7118 §4.1).

use antiphon_core::flow::{Fault, Flow};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};
use tokio_tungstenite::tungstenite::ClientRequestBuilder;
use tokio_tungstenite::tungstenite::handshake::server::{
    Callback, ErrorResponse, Request, Response,
};
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode, Uri, header};
use tokio_tungstenite::{accept_hdr_async_with_config, client_async_with_config};

use super::carrier::Carrier;
use super::web_socket::{self, Pace, Paced, WebSocket};
use crate::layers::{Layers, is_web_socket};
use crate::refusal::Refusal;
use crate::settings::Settings;
use crate::tls;

/// The subprotocol (RFC 7118 §4.1).
const SIP: &str = "sip";

/// A connection that carries SIP.
pub(super) enum Line {
    Octets(Carrier),
    WebSocket(Box<WebSocket>),
}

/// Why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Failed {
    /// What is told to those who wanted to send.
    pub(super) fault: Fault,
    /// What is told to those who run the program.
    pub(super) refusal: Refusal,
}

/// A line to a peer, and the SIP domains that it has proved to be (RFC 5922 §7.4).
pub(super) struct Accepted {
    pub(super) line: Line,
    pub(super) identities: Vec<Box<str>>,
}

/// Answers the handshakes of a peer that has connected.
pub(super) async fn accept(
    stream: TcpStream,
    flow: Flow,
    layers: &Layers,
    settings: &Settings,
) -> Result<Accepted, Failed> {
    let (carrier, identities) = if flow.transport.is_secure() {
        accept_tls(stream, flow, layers).await?
    } else {
        (Carrier::Bare(stream), Vec::new())
    };
    let line = if is_web_socket(flow.transport) {
        accept_web_socket(carrier, layers, settings).await?
    } else {
        Line::Octets(carrier)
    };
    Ok(Accepted { line, identities })
}

async fn accept_web_socket(
    carrier: Carrier,
    layers: &Layers,
    settings: &Settings,
) -> Result<Line, Failed> {
    let pace = Pace::new();
    let carrier = Paced { carrier, pace: pace.clone() };
    let mut refusal = Refusal::NotWebSocket;
    let check = Check { origins: layers.web_socket.origins.as_deref(), refusal: &mut refusal };
    let config = Some(web_socket::config(settings));
    match accept_hdr_async_with_config(carrier, check, config).await {
        Ok(stream) => Ok(Line::WebSocket(Box::new(WebSocket { stream, pace }))),
        Err(_) => Err(Failed { fault: Fault::Handshake, refusal }),
    }
}

async fn accept_tls(
    stream: TcpStream,
    flow: Flow,
    layers: &Layers,
) -> Result<(Carrier, Vec<Box<str>>), Failed> {
    let config = layers.tls.as_ref().and_then(|tls| tls.server(flow.transport));
    // Without a certificate nobody is listening; after a reload that took the last one away, those
    // who connect learn it here.
    let config = config.ok_or(Failed { fault: Fault::NoListener, refusal: Refusal::NotTls })?;
    match TlsAcceptor::from(config).accept(stream).await {
        Ok(stream) => {
            let identities = tls::proved(stream.get_ref().1);
            Ok((Carrier::Tls(Box::new(stream.into())), identities))
        }
        Err(error) => Err(of_tls(tls::fault_of(&error))),
    }
}

/// Makes the handshakes with a peer that we have connected to.
pub(super) async fn connect(
    stream: TcpStream,
    flow: Flow,
    server_name: Option<&str>,
    layers: &Layers,
    settings: &Settings,
) -> Result<Line, Failed> {
    let carrier = if flow.transport.is_secure() {
        connect_tls(stream, flow, server_name, layers).await?
    } else {
        Carrier::Bare(stream)
    };
    if !is_web_socket(flow.transport) {
        return Ok(Line::Octets(carrier));
    }
    let failed = Failed { fault: Fault::Handshake, refusal: Refusal::NotWebSocket };
    let request = request(flow, server_name, layers).ok_or(failed)?;
    let pace = Pace::new();
    let carrier = Paced { carrier, pace: pace.clone() };
    let config = Some(web_socket::config(settings));
    // The library insists on the subprotocol that was asked for (RFC 7118 §4.1).
    match client_async_with_config(request, carrier, config).await {
        Ok((stream, _)) => Ok(Line::WebSocket(Box::new(WebSocket { stream, pace }))),
        Err(_) => Err(failed),
    }
}

async fn connect_tls(
    stream: TcpStream,
    flow: Flow,
    server_name: Option<&str>,
    layers: &Layers,
) -> Result<Carrier, Failed> {
    let config = layers.tls.as_ref().map(|tls| tls.client(flow.transport));
    let config = config.ok_or(Failed { fault: Fault::NoListener, refusal: Refusal::NotTls })?;
    let name = tls::name_to_prove(server_name, flow.remote).map_err(of_tls)?;
    match TlsConnector::from(config).connect(name, stream).await {
        Ok(stream) => Ok(Carrier::Tls(Box::new(stream.into()))),
        Err(error) => Err(of_tls(tls::fault_of(&error))),
    }
}

fn of_tls(fault: Fault) -> Failed {
    let refusal = match fault {
        Fault::Untrusted(reason) => Refusal::Untrusted(reason),
        _ => Refusal::NotTls,
    };
    Failed { fault, refusal }
}

/// The request of our handshake. `None` when the name is none that a URI could have.
fn request(flow: Flow, server_name: Option<&str>, layers: &Layers) -> Option<ClientRequestBuilder> {
    let scheme = if flow.transport.is_secure() { "wss" } else { "ws" };
    let authority = match server_name {
        Some(name) if flow.remote.port() == default_port(scheme) => name.to_owned(),
        Some(name) => format!("{name}:{}", flow.remote.port()),
        None => flow.remote.to_string(),
    };
    let uri = Uri::builder()
        .scheme(scheme)
        .authority(authority)
        .path_and_query(&*layers.web_socket.path)
        .build()
        .ok()?;
    Some(ClientRequestBuilder::new(uri).with_sub_protocol(SIP))
}

/// RFC 6455 §3.
fn default_port(scheme: &str) -> u16 {
    if scheme == "wss" { 443 } else { 80 }
}

/// Decides on the request of a peer's handshake.
struct Check<'a> {
    origins: Option<&'a [Box<str>]>,
    /// What is wrong, if the request is refused.
    refusal: &'a mut Refusal,
}

impl Callback for Check<'_> {
    fn on_request(
        self,
        request: &Request,
        mut response: Response,
    ) -> Result<Response, ErrorResponse> {
        if !offers_sip(request) {
            return Err(refuse(StatusCode::BAD_REQUEST, "the subprotocol is sip (RFC 7118)"));
        }
        let origin = request.headers().get(header::ORIGIN);
        if let (Some(origins), Some(origin)) = (self.origins, origin)
            && !origins.iter().any(|known| origin.as_bytes().eq_ignore_ascii_case(known.as_bytes()))
        {
            *self.refusal = Refusal::Origin;
            return Err(refuse(StatusCode::FORBIDDEN, "not from this origin"));
        }
        let headers = response.headers_mut();
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SIP));
        Ok(response)
    }
}

/// Whether the request has "sip" among its subprotocols (RFC 7118 §4.1, RFC 6455 §4.2.1).
fn offers_sip(request: &Request) -> bool {
    request
        .headers()
        .get_all(header::SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|protocol| protocol.trim() == SIP)
}

fn refuse(status: StatusCode, why: &str) -> ErrorResponse {
    let mut response = ErrorResponse::new(Some(why.to_owned()));
    *response.status_mut() = status;
    response
}
