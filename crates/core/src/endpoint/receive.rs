//! What arrives, and to whom it belongs.

use antiphon_sip::parse::stream::Frame;
use antiphon_sip::{Message, Method, parse};
use bytes::Bytes;

use super::Endpoint;
use crate::flow::Flow;
use crate::time::Time;

impl Endpoint {
    pub(super) fn take_datagram(&mut self, now: Time, flow: Flow, octets: Bytes) {
        self.counters.received += 1;
        if octets.iter().all(|octet| matches!(octet, b'\r' | b'\n')) {
            self.counters.keepalives += 1;
            return;
        }
        match parse::datagram(octets, &self.config.limits) {
            Ok(message) => self.take_message(now, flow, message),
            Err(rejected) => self.take_rejected(flow, &rejected),
        }
    }

    pub(super) fn take_frame(&mut self, now: Time, flow: Flow, frame: Frame) {
        self.counters.received += 1;
        match frame {
            Frame::Message(message) => self.take_message(now, flow, message),
            Frame::Rejected(rejected) => self.take_rejected(flow, &rejected),
            Frame::Broken(rejected) => {
                self.take_rejected(flow, &rejected);
                self.closes.push_back(flow);
            }
            Frame::Pong => self.counters.keepalives += 1,
            Frame::Ping => {
                self.counters.keepalives += 1;
                self.transmit(flow, Bytes::from_static(b"\r\n"), None);
            }
        }
    }

    fn take_message(&mut self, now: Time, flow: Flow, message: Message) {
        match message {
            Message::Response(response) => self.take_response(now, flow, Box::new(response)),
            Message::Request(request) => {
                let request = Box::new(request);
                match request.method() {
                    Method::Ack => self.take_ack(now, flow, request),
                    Method::Cancel => self.take_cancel(now, flow, request),
                    _ => self.take_request(now, flow, request),
                }
            }
        }
    }
}
