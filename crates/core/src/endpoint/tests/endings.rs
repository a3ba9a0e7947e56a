//! Whatever happens in whatever order, nothing panics and every transaction ends.

use super::*;
use crate::endpoint::alarms::Armed;
use crate::endpoint::chance::Chance;
use crate::flow::{Fault, Ticket};

struct Storm {
    endpoint: Endpoint,
    chance: Chance,
    now: u64,
    requested: Vec<(ServerId, Request)>,
    sent: Vec<(ClientId, Request)>,
    tickets: Vec<Ticket>,
}

impl Storm {
    fn new(seed: u8) -> Self {
        let config = EndpointConfig {
            max_transactions: 30,
            refuse_merged: seed.is_multiple_of(2),
            ..config()
        };
        Self {
            endpoint: Endpoint::new(config, [seed; 32]),
            chance: Chance::new([seed; 32]),
            now: 0,
            requested: Vec::new(),
            sent: Vec::new(),
            tickets: Vec::new(),
        }
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.chance.number() % limit as u64).unwrap()
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }

    fn flow(&mut self) -> Flow {
        self.pick(&[udp(), tcp(), Flow { connection: Some(ConnectionId(8)), ..tcp() }])
    }

    fn code(&mut self) -> u16 {
        self.pick(&[100, 180, 200, 302, 408, 487, 503, 603])
    }

    fn step(&mut self) {
        match self.below(9) {
            0..=2 => self.receive_request(),
            3 => self.respond(),
            4 => self.send(),
            5 => self.receive_response(),
            6 => self.cancel_or_abandon(),
            7 => self.lose(),
            _ => self.pass_time(),
        }
        self.drain();
    }

    fn receive_request(&mut self) {
        let method = self.pick(&["INVITE", "ACK", "CANCEL", "BYE", "OPTIONS"]);
        let branch = self.pick(&["z9hG4bK1", "z9hG4bK2", "z9hG4bK3", "old"]);
        let tag = self.pick(&["", ";tag=314159"]);
        let flow = self.flow();
        let octets = octets(method, &format!("{} pc.example;branch={branch}", flow.transport), tag);
        if flow.connection.is_some() {
            self.endpoint.handle_frame(at(self.now), flow, frame(&octets));
        } else {
            self.endpoint.handle_datagram(at(self.now), flow, octets);
        }
    }

    fn respond(&mut self) {
        if !self.requested.is_empty() {
            let (id, request) = self.pick(&self.requested.clone());
            let response = answer(&request, self.code());
            let _ = self.endpoint.respond(at(self.now), id, response);
        }
    }

    fn send(&mut self) {
        let method = self.pick(&[Method::Invite, Method::Options]);
        let flow = self.flow();
        self.drain();
        if let Ok(id) = self.endpoint.request(at(self.now), ours(method), flow, None) {
            self.sent.push((id, sent_request(&mut self.endpoint).0));
        }
    }

    fn receive_response(&mut self) {
        if !self.sent.is_empty() {
            let (_, request) = self.pick(&self.sent.clone());
            let response = answer(&request, self.code()).to_bytes();
            self.endpoint.handle_datagram(at(self.now), udp(), response);
        }
    }

    fn cancel_or_abandon(&mut self) {
        if !self.sent.is_empty() {
            let (id, _) = self.pick(&self.sent.clone());
            let _ = self.endpoint.cancel(at(self.now), id, None);
        }
        if !self.requested.is_empty() && self.below(4) == 0 {
            let (id, _) = self.pick(&self.requested.clone());
            self.endpoint.abandon(id);
        }
    }

    fn lose(&mut self) {
        if self.below(3) == 0 {
            let flow = self.flow();
            self.endpoint.handle_closed(at(self.now), flow);
        } else if !self.tickets.is_empty() {
            let ticket = self.pick(&self.tickets.clone());
            self.endpoint.handle_undelivered(at(self.now), ticket, Fault::Refused);
        }
    }

    fn pass_time(&mut self) {
        self.now += self.pick(&[1, 50, 500, 4_000, 40_000]);
        self.endpoint.handle_deadline(at(self.now));
        assert!(self.endpoint.deadline().is_none_or(|next| next > at(self.now)));
    }

    fn drain(&mut self) {
        self.tickets.extend(transmits(&mut self.endpoint).iter().filter_map(|sent| sent.ticket));
        for event in events(&mut self.endpoint) {
            if let Event::Request { id, request, .. } = event {
                self.requested.push((id, *request));
            }
        }
        let endpoint = &self.endpoint;
        let live = endpoint.clients.len() + endpoint.servers.len();
        assert!(live <= 60, "each INVITE may add a CANCEL beyond the limit of 30");
        assert_eq!(endpoint.alarms.len(), live - self.at_rest());
    }

    /// Transactions that wait for the role alone, and have no timer.
    fn at_rest(&self) -> usize {
        let armed = |armed: Option<Armed>| usize::from(armed.is_none());
        let endpoint = &self.endpoint;
        let clients = self.sent.iter().filter_map(|(id, _)| endpoint.clients.get(id.handle()));
        let servers = self.requested.iter().filter_map(|(id, _)| endpoint.servers.get(id.handle()));
        clients.map(|client| armed(client.armed())).sum::<usize>()
            + servers.map(|server| armed(server.armed())).sum::<usize>()
    }

    /// The role ends what only it can end; time ends the rest.
    fn end(mut self) {
        for (id, request) in &self.requested {
            let _ = self.endpoint.respond(at(self.now), *id, answer(request, 500));
        }
        for (id, _) in &self.sent {
            let _ = self.endpoint.cancel(at(self.now), *id, None);
        }
        run_out(&mut self.endpoint);
        assert_empty(&self.endpoint);
    }
}

#[test]
fn every_transaction_ends_whatever_happens() {
    for seed in 0..50 {
        let mut storm = Storm::new(seed);
        for _ in 0..400 {
            storm.step();
        }
        storm.end();
    }
}
