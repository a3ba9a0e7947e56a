//! Who may open a connection: load balancers tell for whom they do, then limits are applied, and
//! only then is anything else read.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};

use antiphon_core::flow::Flow;
use antiphon_sip::Transport;
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use super::{Peer, Streams, connection, proxied, source};
use crate::refusal::Refusal;

/// A load balancer's connection, at the end of its PROXY header.
pub(super) struct Proxied {
    transport: Transport,
    local: SocketAddr,
    load_balancer: SocketAddr,
    /// The stream and the source.
    told: Result<(TcpStream, SocketAddr), Refusal>,
    permit: OwnedSemaphorePermit,
}

impl Streams {
    /// Accepts connections that wait, at most a few; says whether there may be more.
    pub(crate) fn poll_accept(&mut self, cx: &mut Context<'_>) -> bool {
        /// Connections accepted in one turn, so that a flood of them does not hold up the rest.
        const TURN: usize = 16;
        let mut any = false;
        for index in 0..self.listeners.len() {
            for _ in 0..TURN {
                let Some(listener) = self.listeners.get_mut(index) else { break };
                let transport = listener.transport;
                let Poll::Ready((stream, remote)) = listener.poll(cx, &self.counters) else {
                    break;
                };
                let local = listener.address_of(&stream);
                any = true;
                if self.layers.is_load_balancer(remote.ip()) {
                    self.ask_for_whom(transport, local, remote, stream);
                } else {
                    self.arrive(transport, local, remote, stream, None);
                }
            }
        }
        for _ in 0..TURN {
            let Poll::Ready(Some(proxied)) = self.proxied.poll_join_next(cx) else { break };
            any = true;
            let Ok(Proxied { transport, local, load_balancer, told, permit }) = proxied else {
                continue;
            };
            match told {
                Ok((stream, remote)) => {
                    self.arrive(transport, local, remote, stream, Some(permit));
                }
                Err(refusal) => self.refuse(load_balancer.ip(), transport, refusal),
            }
        }
        any
    }

    /// Reads the PROXY header of a load balancer's connection.
    fn ask_for_whom(
        &mut self,
        transport: Transport,
        local: SocketAddr,
        load_balancer: SocketAddr,
        mut stream: TcpStream,
    ) {
        let Some(permit) = self.permit() else {
            return self.refuse(load_balancer.ip(), transport, Refusal::TooManyHandshakes);
        };
        let time = self.settings.handshake_timeout;
        self.proxied.spawn(async move {
            let told = match timeout(time, proxied::source(&mut stream)).await {
                Ok(Ok(source)) => Ok((stream, source.unwrap_or(load_balancer))),
                Ok(Err(proxied::NoHeader)) => Err(Refusal::NoProxyHeader),
                Err(_) => Err(Refusal::NoHandshake),
            };
            Proxied { transport, local, load_balancer, told, permit }
        });
    }

    /// Takes a connection from a source, if it may have one more. Nothing is read before that.
    fn arrive(
        &mut self,
        transport: Transport,
        local: SocketAddr,
        remote: SocketAddr,
        stream: TcpStream,
        permit: Option<OwnedSemaphorePermit>,
    ) {
        if !self.has_room_for(remote.ip()) {
            return self.refuse(remote.ip(), transport, Refusal::TooManyConnections);
        }
        let has_handshake = transport != Transport::Tcp;
        let permit = permit.or_else(|| self.permit()).filter(|_| has_handshake);
        if permit.is_none() && has_handshake {
            return self.refuse(remote.ip(), transport, Refusal::TooManyHandshakes);
        }
        self.counters.connections_accepted.one();
        *self.per_source.entry(source(remote.ip())).or_default() += 1;
        let flow = Flow { transport, local, remote, connection: None };
        let (_, task) = self.register(flow, Peer::new(&flow, None), true);
        self.tasks.spawn(connection::incoming(task, stream, permit));
    }

    fn permit(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.handshakes).try_acquire_owned().ok()
    }

    fn has_room_for(&self, peer: IpAddr) -> bool {
        self.open.len() < self.settings.connections
            && self.per_source.get(&source(peer)).copied().unwrap_or(0)
                < self.settings.connections_per_source
    }
}
