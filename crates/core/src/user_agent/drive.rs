//! The inputs of a user agent, given to the steps that they are for, and its outputs.

use super::UserAgent;
use super::state::{HangUp, Resolving, Subject};
use super::words::{Answer, Command, Conclusion, Event, Question, Side};
use crate::endpoint;
use crate::locate;
use crate::node::{Input, Node, Output, ResolveId};
use crate::time::Time;

impl Node for UserAgent {
    type Question = Question;
    type Answer = Answer;
    type Command = Command;
    type Event = Event;

    fn handle(&mut self, now: Time, input: Input<Answer, Command>) {
        match input {
            Input::Datagram { flow, octets } => self.endpoint.handle_datagram(now, flow, octets),
            Input::Frame { flow, frame } => self.endpoint.handle_frame(now, flow, frame),
            Input::Undelivered { ticket, fault } => {
                self.endpoint.handle_undelivered(now, ticket, fault);
            }
            Input::Closed { flow } => {
                self.endpoint.handle_closed(now, flow);
                self.take_endpoint_events(now);
                self.flow_closed(now, &flow);
            }
            Input::Resolved { id, answer } if self.endpoint.handle_resolved(id, &answer) => {}
            Input::Resolved { id, answer } => self.resolved(now, id, answer),
            Input::Command(command) => self.command(now, command),
            Input::Answer(Answer::Signed { id, signature }) => self.signed(now, id, signature),
            Input::Deadline => {
                self.endpoint.handle_deadline(now);
                self.take_endpoint_events(now);
                self.run_timers(now);
            }
        }
        self.take_endpoint_events(now);
        self.tell_idle();
    }

    fn next_output(&mut self) -> Option<Output<Question, Event>> {
        if let Some(transmit) = self.endpoint.next_transmit() {
            return Some(Output::Transmit(transmit));
        }
        if let Some((flow, address)) = self.endpoint.next_alias() {
            return Some(Output::Alias { flow, address });
        }
        if let Some((id, question)) = self.endpoint.next_resolve() {
            return Some(Output::Resolve { id, question });
        }
        if let Some(flow) = self.endpoint.next_close() {
            return Some(Output::Close(flow));
        }
        self.events.pop_front()
    }

    fn deadline(&self) -> Option<Time> {
        [self.endpoint.deadline(), self.timers.earliest()].into_iter().flatten().min()
    }
}

impl UserAgent {
    fn command(&mut self, now: Time, command: Command) {
        match command {
            Command::Call(place) => self.place_call(now, place),
            Command::Register(register) => self.register(now, register),
            Command::Unregister(unregister) => self.unregister(now, unregister),
            Command::Publish(publish) => self.publish(now, publish),
            Command::Subscribe(subscribe) => self.subscribe(now, subscribe),
            Command::Options(ask) => self.options(now, ask),
            Command::Message(message) => self.message(now, message),
            Command::InCall(request) => self.request_in_call(now, request),
            Command::Reinvite(reinvite) => self.reinvite(now, reinvite),
            Command::Remember(entry) => self.memory.remember(entry),
            Command::Forget(old) => {
                self.memory.forget(&old);
            }
            Command::Choose { action, pick } => self.chosen(now, action, pick),
            Command::Stop(action) => self.stop(now, action, Conclusion::Stopped),
            Command::Respond { call, reply } => self.respond(now, call, reply),
            Command::Play { call, script } => self.play(now, call, script),
            Command::Media { call, address } => self.media_known(now, call, address),
            Command::Hangup(call) => self.hang_up(now, call, Side::Local, HangUp::Asked),
            Command::Shutdown => self.shut_down(now),
        }
    }

    fn shut_down(&mut self, now: Time) {
        self.shutting_down = true;
        let mut actions: Vec<_> = self.names.keys().copied().collect();
        actions.sort_unstable();
        for action in actions {
            self.stop(now, action, Conclusion::Stopped);
        }
        let mut calls: Vec<_> = self.calls.keys().copied().collect();
        calls.sort_unstable();
        for call in calls {
            self.hang_up(now, call, Side::Local, HangUp::Asked);
        }
    }

    fn tell_idle(&mut self) {
        if self.shutting_down && self.actions.is_empty() && self.calls.is_empty() {
            self.shutting_down = false;
            self.tell(Event::Idle);
        }
    }

    fn resolved(&mut self, now: Time, id: ResolveId, answer: locate::Answer) {
        match self.resolving.remove(&id) {
            Some((Resolving::Action(key), question, asked)) => {
                self.action_answered(now, key, (question, asked), answer);
            }
            Some((Resolving::Ack(call), question, _)) => {
                self.ack_answered(now, call, &question, &answer);
            }
            None => {}
        }
    }

    fn run_timers(&mut self, now: Time) {
        while let Some(subject) = self.timers.take_due(now) {
            match subject {
                Subject::Action(key) => self.action_due(now, key),
                Subject::Call(call) => self.call_due(now, call),
                Subject::Performance(server) => self.performance_due(now, server),
                Subject::Flow(key) => self.flow_due(now, key),
                Subject::Answered(client) => {
                    self.answered.remove(&client);
                }
            }
        }
    }

    fn take_endpoint_events(&mut self, now: Time) {
        while let Some(event) = self.endpoint.next_event() {
            match event {
                endpoint::Event::Request { id, request, flow } => {
                    self.request_came(now, id, *request, flow);
                }
                endpoint::Event::Ack { request, .. } => self.ack_came(now, &request),
                endpoint::Event::Cancelled { id, cancel } => self.cancelled(now, id, &cancel),
                endpoint::Event::Response { id, response, flow } => {
                    self.response_came(now, id, &response, &flow);
                }
                endpoint::Event::Failed { id, failure } => self.request_failed(now, id, failure),
                // Not asked for.
                endpoint::Event::StrayCancel { .. } | endpoint::Event::StrayResponse { .. } => {}
                endpoint::Event::Acknowledged { .. } => {}
                endpoint::Event::Unacknowledged { .. } => {}
            }
        }
    }
}
