//! The server as a node: inputs in, outputs out.

use std::time::Duration;

use antiphon_core::endpoint::{ClientId, Endpoint, Event};
use antiphon_core::flow::Flow;
use antiphon_core::id_map::give_back;
use antiphon_core::node::{Input, Node, Output, TurnedAway, Urgency};
use antiphon_core::time::Time;
use antiphon_sip::{Response, StatusCode};

use super::media::Passing;
use super::moved::refreshed;
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
                self.errand_resolved(now, id, &answer);
                self.proxy.resolved(now, &mut self.endpoint, id, &answer);
            }
            Input::Answer(answer) => self.answered(now, answer),
            Input::Command(Command::TakeOver { service, guard }) => {
                self.take_over(*service, guard);
            }
            Input::Command(Command::Hear(testimony)) => self.guard.hear(now, &testimony),
            Input::Command(Command::HearTrunks(states)) => self.hear_trunks(&states),
            Input::Command(Command::LeaveTrunks) => self.leave_trunks(now),
            Input::Command(Command::SetClock(ahead)) => self.clock_ahead = ahead,
            Input::Command(Command::LiftBan(source)) => {
                self.guard.lift(source);
            }
            Input::Deadline => {
                self.endpoint.handle_deadline(now);
                self.proxy.handle_deadline(now, &mut self.endpoint);
                self.release(now);
                self.tend_trunks(now);
                give_back(&mut self.waiting);
                give_back(&mut self.courses);
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
        let asked = self.proxy.next_resolve().or_else(|| self.trunks.next_resolve());
        if let Some((id, question, host)) = asked {
            self.trunks.note_lookup(id, &host);
            return Some(Output::Resolve { id, question });
        }
        if let Some(flow) = self.endpoint.next_close().or_else(|| self.closes.pop_front()) {
            return Some(Output::Close(flow));
        }
        self.events.pop_front().map(Output::Event)
    }

    fn deadline(&self) -> Option<Time> {
        let deadlines = self.endpoint.deadline().into_iter().chain(self.proxy.deadline());
        deadlines.chain(self.own_deadline()).min()
    }

    fn latest_deadline(&self) -> Option<Time> {
        let endpoint = self.endpoint.latest_deadline().into_iter();
        let deadlines = endpoint.chain(self.proxy.latest_deadline());
        deadlines.chain(self.own_deadline()).min()
    }

    fn urgency(&self, octets: &[u8]) -> Urgency {
        Endpoint::urgency(octets)
    }

    fn call_id<'a>(&self, octets: &'a [u8]) -> Option<&'a [u8]> {
        Endpoint::call_id(octets)
    }

    fn own_calls(&self) -> &str {
        &self.endpoint.config().own_calls
    }

    fn set_delay(&mut self, delay: Duration) {
        self.endpoint.set_delay(delay);
    }

    fn set_wait(&mut self, now: Time, wait: Duration) -> bool {
        self.endpoint.set_wait(now, wait)
    }

    fn turn_away(&mut self, now: Time, flow: &Flow, octets: &[u8]) -> Option<TurnedAway> {
        if self.is_shut_out(now, flow, is_response(octets)) {
            return Some(TurnedAway::Dropped);
        }
        self.endpoint.turn_away(now, flow, octets)
    }
}

impl Server {
    /// When this node itself has something to do that cannot wait.
    fn own_deadline(&self) -> Option<Time> {
        self.held.deadline().into_iter().chain(self.trunks.deadline()).min()
    }

    /// Until nothing more follows from what has happened.
    fn drain(&mut self, now: Time) {
        loop {
            if let Some(event) = self.endpoint.next_event() {
                self.happened(now, event);
            } else if let Some(notice) = self.proxy.next_notice() {
                self.noticed(now, notice);
            } else {
                return self.tell_trunks(now);
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
            Event::Response { id, response, flow } => self.responded(now, id, response, &flow),
            Event::Failed { id, failure } if self.trunks.has(id) => {
                self.errand_failed(now, id, failure);
            }
            Event::Failed { id, failure } => self.returned(now, Passing::Failed(id, failure)),
            Event::StrayCancel { request, flow } => self.cancel_statelessly(now, &request, flow),
            Event::StrayResponse { mut response, flow } => {
                self.bind_route(&mut response);
                let trust = &self.service.extensions.trust;
                self.proxy.pass_stray_response(&mut self.endpoint, *response, &flow, trust);
            }
            Event::Acknowledged { .. } | Event::Unacknowledged { .. } => {}
        }
    }

    fn responded(&mut self, now: Time, id: ClientId, response: Box<Response>, flow: &Flow) {
        if self.trunks.has(id) {
            return self.errand_answered(now, id, *response, flow);
        }
        if self.trunks.has_resting() {
            self.note_working(now, id, &response);
        }
        if !self.answers_challenge(now, id, &response, flow) {
            let mut response = response;
            self.bind_route(&mut response);
            if response.status().is_success()
                && let Some(place) =
                    self.proxy.request_of(id).and_then(|it| refreshed(it, &response))
            {
                self.moved.note(place);
            }
            self.returned(now, Passing::Response(id, response));
        }
    }

    /// A server of a trunk that has answered is there.
    fn note_working(&mut self, now: Time, id: ClientId, response: &Response) {
        let is_there = response.status() != StatusCode::SERVICE_UNAVAILABLE;
        if let Some(name) = self.proxy.server_of(id).filter(|_| is_there) {
            self.trunks.works(now, &name);
        }
    }
}
