//! The server as a node: inputs in, outputs out.

use std::time::Duration;

use antiphon_core::endpoint::{Endpoint, Event};
use antiphon_core::node::{Input, Node, Output, Urgency};
use antiphon_core::time::Time;

use super::media::Passing;
use super::offence::{is_own_answer, is_response};
use super::{Answer, Command, Question, Server, ServerEvent};

impl Node for Server {
    type Question = Question;
    type Answer = Answer;
    type Command = Command;
    type Event = ServerEvent;

    fn handle(&mut self, now: Time, input: Input<Answer, Self::Command>) {
        match input {
            Input::Datagram { flow, octets }
                if self.is_shut_out(now, &flow, is_response(&octets)) => {}
            Input::Frame { flow, frame } if self.is_shut_out(now, &flow, is_own_answer(&frame)) => {
                self.closes.push_back(flow);
            }
            Input::Datagram { flow, octets } => self.endpoint.handle_datagram(now, flow, octets),
            Input::Frame { flow, frame } => self.endpoint.handle_frame(now, flow, frame),
            Input::Undelivered { ticket, fault } => {
                self.endpoint.handle_undelivered(now, ticket, fault);
            }
            Input::Closed { flow } => self.endpoint.handle_closed(now, flow),
            Input::Resolved { id, answer } if self.endpoint.handle_resolved(id, &answer) => {}
            Input::Resolved { id, answer } => {
                self.know_trunk(now, id, &answer);
                self.proxy.resolved(now, &mut self.endpoint, id, &answer);
            }
            Input::Answer(answer) => self.answered(now, answer),
            Input::Command(Command::TakeOver { service, guard }) => {
                self.take_over(*service, guard);
            }
            Input::Command(Command::Hear(testimony)) => self.guard.hear(now, &testimony),
            Input::Command(Command::LiftBan(source)) => {
                self.guard.lift(source);
            }
            Input::Deadline => {
                self.endpoint.handle_deadline(now);
                self.proxy.handle_deadline(now, &mut self.endpoint);
                self.release(now);
            }
        }
        self.drain(now);
    }

    fn next_output(&mut self) -> Option<Output<Question, ServerEvent>> {
        if let Some(transmit) = self.endpoint.next_transmit() {
            return Some(Output::Transmit(transmit));
        }
        if let Some(question) = self.questions.pop_front() {
            return Some(Output::Question(question));
        }
        if let Some((flow, address)) = self.endpoint.next_alias() {
            return Some(Output::Alias { flow, address });
        }
        if let Some((id, question)) = self.endpoint.next_resolve() {
            return Some(Output::Resolve { id, question });
        }
        if let Some((id, question, host)) = self.proxy.next_resolve() {
            self.note_lookup(id, &host);
            return Some(Output::Resolve { id, question });
        }
        if let Some(flow) = self.endpoint.next_close().or_else(|| self.closes.pop_front()) {
            return Some(Output::Close(flow));
        }
        self.events.pop_front().map(Output::Event)
    }

    fn deadline(&self) -> Option<Time> {
        let deadlines = self.endpoint.deadline().into_iter().chain(self.proxy.deadline());
        deadlines.chain(self.held.deadline()).min()
    }

    fn latest_deadline(&self) -> Option<Time> {
        let endpoint = self.endpoint.latest_deadline().into_iter();
        let deadlines = endpoint.chain(self.proxy.latest_deadline());
        deadlines.chain(self.held.deadline()).min()
    }

    fn urgency(&self, octets: &[u8]) -> Urgency {
        Endpoint::urgency(octets)
    }

    fn call_id<'a>(&self, octets: &'a [u8]) -> Option<&'a [u8]> {
        Endpoint::call_id(octets)
    }

    fn set_delay(&mut self, delay: Duration) {
        self.endpoint.set_delay(delay);
    }
}

impl Server {
    /// Until nothing more follows from what has happened.
    fn drain(&mut self, now: Time) {
        loop {
            if let Some(event) = self.endpoint.next_event() {
                self.happened(now, event);
            } else if let Some(notice) = self.proxy.next_notice() {
                self.noticed(now, notice);
            } else {
                return;
            }
        }
    }

    fn happened(&mut self, now: Time, event: Event) {
        match event {
            Event::Request { id, request, flow } => self.arrive(now, id, request, flow),
            Event::Ack { request, flow } => self.acknowledge(now, request, flow),
            Event::Cancelled { id, cancel } => {
                self.cancel(now, id, &cancel);
            }
            Event::Response { id, mut response, .. } => {
                self.bind_route(&mut response);
                self.returned(now, Passing::Response(id, response));
            }
            Event::Failed { id, failure } => self.returned(now, Passing::Failed(id, failure)),
            Event::StrayCancel { request, flow } => self.cancel_statelessly(now, &request, flow),
            Event::StrayResponse { mut response, flow } => {
                self.bind_route(&mut response);
                let trust = &self.service.extensions.trust;
                self.proxy.pass_stray_response(&mut self.endpoint, response, &flow, trust);
            }
            Event::Acknowledged { .. } | Event::Unacknowledged { .. } => {}
        }
    }
}
