//! tshark as a judge of what is sent over the loopback device.

use std::net::UdpSocket;
use std::process::Command;
use std::time::Duration;

use super::process::Running;
use super::wait;

const LIMIT: Duration = Duration::from_secs(20);
/// Wireshark's severity of an expert item that means "this is wrong" (`PI_ERROR`).
const ERROR_SEVERITY: u32 = 0x0080_0000;

/// A capture that is going on, dissected as it comes.
pub(crate) struct Capture {
    running: Running,
    ports: Vec<u16>,
}

/// What tshark made of one frame that holds SIP.
#[derive(Debug)]
pub(crate) struct Frame {
    /// Method or status code; of each message, when a frame holds several.
    pub(crate) what: String,
    /// Everything tshark said, for a failing test to show.
    pub(crate) line: String,
    /// What is malformed or an error, in tshark's words; empty for a good frame.
    pub(crate) faults: String,
}

impl Capture {
    /// Captures all UDP and TCP on the loopback device; `sip_ports` hold SIP whatever it looks
    /// like, on the other ports tshark finds it by its looks.
    pub(crate) fn start(sip_ports: &[u16]) -> Self {
        let mut command = Command::new("tshark");
        command.args(["-l", "-n", "-i", "lo", "-f", "udp or tcp", "-T", "fields"]);
        command.args(["-E", "separator=|", "-E", "occurrence=a", "-E", "aggregator=,"]);
        for field in [
            "udp.srcport",
            "tcp.srcport",
            "sip.Method",
            "sip.Status-Code",
            "sip.Call-ID",
            "_ws.malformed",
            "_ws.expert.severity",
            "_ws.expert.message",
        ] {
            command.args(["-e", field]);
        }
        for port in sip_ports {
            for transport in ["udp", "tcp"] {
                command.args(["-d", &format!("{transport}.port=={port},sip")]);
            }
        }
        let running = Running::start("tshark", command);
        let mut capture = Self { running, ports: sip_ports.to_vec() };
        capture.wait_for_marker();
        capture
    }

    /// Ends the capture, and gives the frames with SIP in the order in which they were sent.
    pub(crate) fn finish(mut self) -> Vec<Frame> {
        self.wait_for_marker();
        let frames = self.running.stdout();
        frames.iter().filter_map(|line| Frame::parse(line, &self.ports)).collect()
    }

    /// tshark says that it captures before it does; a datagram of our own that it shows is proof.
    /// At the end the same says that all before has been shown. Each time the datagrams come from
    /// another port, because late ones of the first time prove nothing at the end.
    fn wait_for_marker(&mut self) {
        let marker = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = marker.local_addr().unwrap();
        let shown = format!("{}|", address.port());
        wait::until("tshark to capture on lo (it needs root, or wireshark's group)", LIMIT, || {
            assert!(!self.running.has_ended(), "tshark ended:\n{}", self.running.output());
            marker.send_to(b"marker", address).unwrap();
            self.running.stdout().iter().any(|line| line.starts_with(&shown)).then_some(())
        });
    }
}

impl Frame {
    fn parse(line: &str, sip_ports: &[u16]) -> Option<Self> {
        let fields: Vec<&str> = line.split('|').collect();
        let field = |index: usize| fields.get(index).copied().unwrap_or_default();
        let source_port = format!("{}{}", field(0), field(1));
        let what = format!("{}{}", field(2), field(3));
        let malformed = field(5);
        // A frame so broken that no start line was found is one of ours if it came from our port.
        let is_ours = sip_ports.iter().any(|port| port.to_string() == source_port);
        let is_broken_sip = is_ours && !malformed.is_empty();
        if what.is_empty() && !is_broken_sip {
            return None;
        }
        let is_error = field(6)
            .split(',')
            .filter_map(|severity| severity.parse::<u32>().ok())
            .any(|severity| severity >= ERROR_SEVERITY);
        let faults = if is_error || !malformed.is_empty() {
            format!("{malformed} {}", field(7)).trim().to_owned()
        } else {
            String::new()
        };
        Some(Self { what, faults, line: line.to_owned() })
    }
}
