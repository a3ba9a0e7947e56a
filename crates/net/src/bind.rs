//! Opening the listeners, before there is a node: the node is told their real addresses.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use antiphon_core::endpoint::{Listener, SourceAddresses};
use antiphon_sip::Transport;
use socket2::{Domain, Protocol, Socket, Type};

use crate::advertise;
use crate::layers::{Layers, is_stream};
use crate::notice::Notice;
use crate::resolver::Dns;
use crate::settings::Settings;
use crate::sources::SystemSources;

/// Connections that the kernel completes before we accept them. As many as one turn of the loop
/// accepts many times over; the kernel caps it (`somaxconn`).
const BACKLOG: i32 = 1024;

/// Loops at most. The number of one has an octet in what it hands to others.
pub(crate) const MOST_LOOPS: usize = 255;

/// Whether the system deals out the datagrams of one port among several sockets.
const CAN_SHARE: bool = cfg!(unix);

/// Where to listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ListenSpec {
    /// The transport.
    pub transport: Transport,
    /// The address. Port 0 lets the system choose; an unspecified IP is every address of its
    /// family, and only of it. What comes to one of them is answered from it, and what is sent
    /// otherwise leaves from the one that the system's routing picks.
    pub addr: SocketAddr,
}

impl ListenSpec {
    /// Datagrams.
    #[must_use]
    pub const fn udp(addr: SocketAddr) -> Self {
        Self { transport: Transport::Udp, addr }
    }

    /// TCP connections.
    #[must_use]
    pub const fn tcp(addr: SocketAddr) -> Self {
        Self { transport: Transport::Tcp, addr }
    }

    /// TLS connections.
    #[must_use]
    pub const fn tls(addr: SocketAddr) -> Self {
        Self { transport: Transport::Tls, addr }
    }

    /// WebSocket connections.
    #[must_use]
    pub const fn ws(addr: SocketAddr) -> Self {
        Self { transport: Transport::Ws, addr }
    }

    /// WebSocket connections over TLS.
    #[must_use]
    pub const fn wss(addr: SocketAddr) -> Self {
        Self { transport: Transport::Wss, addr }
    }

    /// The address that peers will be told: its own, or for a wildcard the one from which the
    /// system sends to the outside.
    #[must_use]
    pub fn advertised(&self) -> IpAddr {
        advertise::usable(self.addr).ip()
    }
}

/// A listener that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Bound {
    /// The transport.
    pub transport: Transport,
    /// The address that is bound, with its real port. It is the `local` of every
    /// [`Flow`](antiphon_core::flow::Flow) over this listener, unless it stands for every address
    /// of a family: a flow then has the one that the peer talks to.
    pub local: SocketAddr,
    /// The address that is shown: `local`, or for a wildcard the one from which the system sends
    /// to the outside.
    pub advertised: SocketAddr,
    /// Whether peers may connect: a secure one without certificate only connects itself.
    pub accepts: bool,
}

impl Bound {
    /// The listener as the core wants it; the Via names the advertised address with its port.
    #[must_use]
    pub fn core_listener(&self) -> Listener {
        // Without the scope that a link-local IPv6 address may carry: it means nothing elsewhere,
        // and the grammar of a host has no place for it (RFC 3261 §25.1).
        let reachable = SocketAddr::new(self.advertised.ip(), self.advertised.port());
        Listener {
            transport: self.transport,
            local: self.local,
            sent_by: reachable.to_string().into_boxed_str(),
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.transport.as_uri_param(), self.local)
    }
}

/// The listeners, open but not read yet.
#[derive(Debug)]
pub struct Net {
    pub(crate) settings: Settings,
    pub(crate) layers: Layers,
    /// `None`: the system's, read when the driver starts.
    pub(crate) dns: Option<Dns>,
    pub(crate) sockets: Vec<Opened>,
    notices: Vec<Notice>,
}

/// A socket of a listener.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) bound: Bound,
    /// Of one that does not accept, it only keeps the port, which the Via names.
    pub(crate) socket: Socket,
    /// More at the same address, one for each further loop: of datagrams alone.
    more: Vec<Socket>,
}

impl Net {
    /// Opens every listener or none. Needs no runtime.
    ///
    /// # Errors
    /// The first listener that cannot be opened, and why.
    pub fn bind(specs: &[ListenSpec], settings: Settings) -> Result<Self, BindError> {
        Self::bind_with(specs, settings, Layers::default())
    }

    /// The same, with TLS, rules for WebSocket, or load balancers in front.
    ///
    /// # Errors
    /// The first listener that cannot be opened, and why.
    pub fn bind_with(
        specs: &[ListenSpec],
        settings: Settings,
        layers: Layers,
    ) -> Result<Self, BindError> {
        Self::bind_for(specs, settings, layers, 1)
    }

    /// The same for so many loops ([`drivers`](Self::drivers)), between 1 and 255.
    ///
    /// # Errors
    /// The first listener that cannot be opened, and why.
    pub fn bind_for(
        specs: &[ListenSpec],
        settings: Settings,
        layers: Layers,
        loops: usize,
    ) -> Result<Self, BindError> {
        let loops = if CAN_SHARE { loops.clamp(1, MOST_LOOPS) } else { 1 };
        let (sockets, notices) = (Vec::new(), Vec::new());
        let mut net = Self { settings, layers, dns: None, sockets, notices };
        for spec in specs {
            let accepts = net.accepts(*spec)?;
            let fail = |error| BindError::new(*spec, error);
            let mut socket = net.open(*spec, accepts)?;
            let local = local_of(&socket).map_err(fail)?;
            let mut more = Vec::new();
            if loops > 1 && spec.transport == Transport::Udp {
                // The first socket has found out that nobody else has the port, and gives it up to
                // those that share it.
                drop(socket);
                more = net.share(local, loops).map_err(fail)?;
                socket = more.pop().ok_or_else(|| fail(io::ErrorKind::Other.into()))?;
            }
            let advertised = advertise::usable(local);
            let bound = Bound { transport: spec.transport, local, advertised, accepts };
            if !accepts {
                net.notices.push(Notice::OnlyConnects { transport: spec.transport, local });
            }
            net.sockets.push(Opened { bound, socket, more });
        }
        if net.layers.tls.as_ref().is_some_and(|tls| tls.trust_anchors() == 0) {
            net.notices.push(Notice::NoTrustAnchor);
        }
        Ok(net)
    }

    /// The listeners in the order in which they were asked for.
    pub fn listeners(&self) -> impl Iterator<Item = &Bound> {
        self.sockets.iter().map(|opened| &opened.bound)
    }

    /// The listeners as the core's `EndpointConfig` wants them.
    #[must_use]
    pub fn core_listeners(&self) -> Vec<Listener> {
        self.listeners().map(Bound::core_listener).collect()
    }

    /// From where packets leave, as the core's `EndpointConfig` wants it, if a listener stands for
    /// every address of a family.
    #[must_use]
    pub fn sources(&self) -> Option<Arc<dyn SourceAddresses>> {
        let is_needed = self.listeners().any(|bound| bound.local.ip().is_unspecified());
        is_needed.then(|| Arc::new(SystemSources::default()) as Arc<dyn SourceAddresses>)
    }

    /// What works less well than asked for, to be shown to whoever runs the program.
    #[must_use]
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// The same, asking this DNS in place of the system's.
    #[must_use]
    pub fn with_dns(self, dns: Dns) -> Self {
        Self { dns: Some(dns), ..self }
    }

    /// A part for each loop: the first has the connections, and all have a socket of each port.
    pub(crate) fn parts(mut self, loops: usize) -> Vec<Self> {
        let further = (1..loops).map(|_| {
            let sockets = self.sockets.iter_mut().filter_map(|opened| {
                let socket = opened.more.pop()?;
                Some(Opened { bound: opened.bound, socket, more: Vec::new() })
            });
            Self {
                settings: self.settings,
                layers: self.layers.clone(),
                dns: self.dns.clone(),
                sockets: sockets.collect(),
                notices: Vec::new(),
            }
        });
        let further: Vec<_> = further.collect();
        std::iter::once(self).chain(further).collect()
    }

    /// Sockets that share a port, among which the kernel deals out what arrives.
    fn share(&mut self, local: SocketAddr, loops: usize) -> io::Result<Vec<Socket>> {
        // What the system grants less of to these was told of the first.
        let notices = self.notices.len();
        let sockets = (0..loops).map(|_| {
            let socket = socket(local, Type::DGRAM, Protocol::UDP)?;
            #[cfg(unix)]
            socket.set_reuse_port(true)?;
            socket.bind(&local.into())?;
            self.enlarge(&socket)?;
            Ok(socket)
        });
        let sockets = sockets.collect();
        self.notices.truncate(notices);
        sockets
    }

    /// Whether peers may connect to a listener.
    fn accepts(&self, spec: ListenSpec) -> Result<bool, BindError> {
        let ListenSpec { transport, addr } = spec;
        match &self.layers.tls {
            _ if !(is_stream(transport) && transport.is_secure()) => Ok(true),
            Some(tls) => Ok(tls.can_accept()),
            None => Err(BindError::NoTls { transport, addr }),
        }
    }

    fn open(&mut self, spec: ListenSpec, accepts: bool) -> Result<Socket, BindError> {
        let fail = |error| BindError::new(spec, error);
        match spec.transport {
            Transport::Udp => {
                let socket = udp(spec.addr).map_err(fail)?;
                self.enlarge(&socket).map_err(fail)?;
                Ok(socket)
            }
            transport if is_stream(transport) => tcp(spec.addr, accepts).map_err(fail),
            other => Err(BindError::Unsupported { transport: other }),
        }
    }

    /// Asks for large buffers, and notes when the system caps them.
    fn enlarge(&mut self, socket: &Socket) -> io::Result<()> {
        let local = local_of(socket)?;
        for (receive, asked) in
            [(true, self.settings.receive_buffer), (false, self.settings.send_buffer)]
        {
            // A system that refuses, instead of granting less, leaves the buffer as it was.
            let _ = if receive {
                socket.set_recv_buffer_size(asked)
            } else {
                socket.set_send_buffer_size(asked)
            };
            let granted = usable_part(if receive {
                socket.recv_buffer_size()
            } else {
                socket.send_buffer_size()
            }?);
            if granted < asked {
                self.notices.push(Notice::SmallBuffer { local, receive, asked, granted });
            }
        }
        Ok(())
    }
}

/// Linux grants twice what is asked for, and tells the double, the other half being for its own
/// bookkeeping (socket(7)).
const fn usable_part(told: usize) -> usize {
    if cfg!(target_os = "linux") { told / 2 } else { told }
}

fn udp(addr: SocketAddr) -> io::Result<Socket> {
    let socket = socket(addr, Type::DGRAM, Protocol::UDP)?;
    socket.bind(&addr.into())?;
    Ok(socket)
}

fn tcp(addr: SocketAddr, accepts: bool) -> io::Result<Socket> {
    let socket = socket(addr, Type::STREAM, Protocol::TCP)?;
    // A restart finds connections of the last run in TIME_WAIT, which must not keep it from its
    // port. On Windows the option means something else.
    if cfg!(unix) {
        socket.set_reuse_address(true)?;
    }
    socket.bind(&addr.into())?;
    if accepts {
        socket.listen(BACKLOG)?;
    }
    Ok(socket)
}

fn socket(addr: SocketAddr, kind: Type, protocol: Protocol) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(addr), kind, Some(protocol))?;
    if addr.is_ipv6() {
        // A listener has one family: otherwise IPv4 peers would show up as mapped addresses, which
        // no Via or Contact may carry.
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    Ok(socket)
}

fn local_of(socket: &Socket) -> io::Result<SocketAddr> {
    socket.local_addr()?.as_socket().ok_or_else(|| io::Error::from(io::ErrorKind::AddrNotAvailable))
}

/// Why a listener cannot be opened. Shown, it is one line that says what to do.
#[derive(Debug)]
#[non_exhaustive]
pub enum BindError {
    /// Another program, or another listener of ours, has the address.
    AddressInUse {
        /// The transport.
        transport: Transport,
        /// The address.
        addr: SocketAddr,
    },
    /// This machine has no such address.
    NotAvailable {
        /// The transport.
        transport: Transport,
        /// The address.
        addr: SocketAddr,
    },
    /// The system does not allow it to this user.
    PermissionDenied {
        /// The transport.
        transport: Transport,
        /// The address.
        addr: SocketAddr,
    },
    /// A secure transport, but nothing is said about TLS.
    NoTls {
        /// The transport.
        transport: Transport,
        /// The address.
        addr: SocketAddr,
    },
    /// This transport cannot be listened on.
    Unsupported {
        /// The transport.
        transport: Transport,
    },
    /// Something else that the system says.
    System {
        /// The transport.
        transport: Transport,
        /// The address.
        addr: SocketAddr,
        /// What it says.
        source: io::Error,
    },
}

impl BindError {
    fn new(spec: ListenSpec, source: io::Error) -> Self {
        let ListenSpec { transport, addr } = spec;
        match source.kind() {
            io::ErrorKind::AddrInUse => Self::AddressInUse { transport, addr },
            io::ErrorKind::AddrNotAvailable => Self::NotAvailable { transport, addr },
            io::ErrorKind::PermissionDenied => Self::PermissionDenied { transport, addr },
            _ => Self::System { transport, addr, source },
        }
    }
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddressInUse { transport, addr } => write!(
                f,
                "{}:{addr} is in use: another program listens there; end it, or choose another port \
                 (0 lets the system choose)",
                transport.as_uri_param(),
            ),
            Self::NotAvailable { transport, addr } => write!(
                f,
                "{}:{addr} cannot be listened on: this machine has no address {}; choose one that \
                 it has, or {} for all",
                transport.as_uri_param(),
                addr.ip(),
                if addr.is_ipv4() { "0.0.0.0" } else { "[::]" },
            ),
            Self::PermissionDenied { transport, addr } => write!(
                f,
                "{}:{addr} cannot be listened on: the system does not allow it to this user; ports \
                 below 1024 usually need more rights",
                transport.as_uri_param(),
            ),
            Self::Unsupported { transport } => {
                write!(f, "{transport} cannot be listened on; UDP, TCP, TLS, WS and WSS can")
            }
            Self::NoTls { transport, addr } => {
                write!(f, "{}:{addr} needs a certificate", transport.as_uri_param())
            }
            Self::System { transport, addr, source } => {
                write!(f, "{}:{addr} cannot be listened on: {source}", transport.as_uri_param())
            }
        }
    }
}

impl std::error::Error for BindError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::System { source, .. } => Some(source),
            _ => None,
        }
    }
}
