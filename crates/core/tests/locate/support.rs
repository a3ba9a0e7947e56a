//! A search that is answered from zone files.

use antiphon_core::endpoint::Listener;
use antiphon_core::locate::{Hop, Next, Question, Reach, Search, Server, Silence, Why};
use antiphon_sip::{Transport, UriBuf};
use antiphon_testkit::Zones;

/// Who searches, and what the DNS knows.
pub(crate) struct Locator {
    pub(crate) zones: Zones,
    listeners: Vec<Listener>,
    pub(crate) random: u64,
    /// Every question that was asked.
    pub(crate) asked: Vec<String>,
}

impl Locator {
    /// With listeners such as `udp:192.0.2.100:5060`.
    pub(crate) fn new(zones: &str, listeners: &[&str]) -> Self {
        let listener = |text: &&str| {
            let (transport, local) = text.split_once(':').unwrap();
            Listener {
                transport: Transport::from_bytes(transport.as_bytes()).unwrap(),
                local: local.parse().unwrap(),
                sent_by: local.into(),
            }
        };
        let listeners = listeners.iter().map(listener).collect();
        let mut locator = Self { zones: Zones::default(), listeners, random: 1, asked: Vec::new() };
        locator.zones.add(zones);
        locator
    }

    /// The same that speaks UDP, TCP and TLS over IPv4.
    pub(crate) fn v4(zones: &str) -> Self {
        let listeners = ["udp:192.0.2.100:5060", "tcp:192.0.2.100:5060", "tls:192.0.2.100:5061"];
        Self::new(zones, &listeners)
    }

    /// The same that speaks both families.
    pub(crate) fn dual(zones: &str) -> Self {
        Self::new(
            zones,
            &["udp:192.0.2.100:5060", "udp:[2001:db8::100]:5060", "tcp:192.0.2.100:5060"],
        )
    }

    pub(crate) fn search(&self, uri: &str) -> Search {
        let hop = Hop::of(&UriBuf::parse(uri).unwrap().as_uri()).unwrap();
        assert!(hop.place().is_none(), "{uri} needs no search");
        Search::new(hop, Reach::of(&self.listeners), self.random)
    }

    /// All servers of a URI, in order, as `udp:192.0.2.1:5060`.
    pub(crate) fn servers(&mut self, uri: &str) -> Vec<String> {
        self.all(uri).0
    }

    /// Why a URI leads nowhere.
    pub(crate) fn why(&mut self, uri: &str) -> Why {
        let (servers, search) = self.all(uri);
        assert_eq!(servers, [""; 0], "{uri}");
        search.why()
    }

    pub(crate) fn all(&mut self, uri: &str) -> (Vec<String>, Search) {
        let mut search = self.search(uri);
        let mut servers = Vec::new();
        loop {
            self.answer(&mut search);
            match search.next(&self.listeners, |_| false) {
                Next::Server(server) => servers.push(server.to_string()),
                Next::Wait => {}
                Next::Over => return (servers, search),
            }
        }
    }

    /// Answers what was asked.
    pub(crate) fn answer(&mut self, search: &mut Search) {
        while let Some(question) = search.next_question() {
            self.asked.push(question.to_string());
            search.answered(&question, &self.zones.answer(&question));
        }
    }

    pub(crate) fn next_server(&self, search: &mut Search) -> Next {
        search.next(&self.listeners, |_| false)
    }

    pub(crate) fn next(
        &self,
        search: &mut Search,
        rests: impl Fn(&Server) -> bool,
    ) -> Option<String> {
        match search.next(&self.listeners, rests) {
            Next::Server(server) => Some(server.to_string()),
            Next::Wait | Next::Over => None,
        }
    }
}

/// What was asked, and is not answered yet.
pub(crate) fn questions(search: &mut Search) -> Vec<Question> {
    std::iter::from_fn(|| search.next_question()).collect()
}

/// The answer that says nothing of a service.
pub(crate) const NOTHING: Result<Vec<antiphon_core::locate::Record>, Silence> =
    Err(Silence::NoRecord);
