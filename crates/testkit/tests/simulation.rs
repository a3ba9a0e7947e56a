//! The simulated network, held to what it promises.

use std::time::Duration;

use antiphon_core::flow::{Fault, Flow, Ticket, Transmit};
use antiphon_core::locate::{Question, RecordKind};
use antiphon_core::node::{Input, Node, Output, ResolveId};
use antiphon_core::time::Time;
use antiphon_sip::{StatusCode, Transport};
use antiphon_testkit::{Conditions, Handle, RawPeer, Send, Setup, Simulation, for_seeds};
use antiphon_trace::Fate;

const MILLISECOND: Duration = Duration::from_millis(1);

fn options(number: u32) -> String {
    format!(
        "OPTIONS sip:bob@192.0.2.2 SIP/2.0\r\n\
         Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK{number}\r\n\
         From: <sip:alice@192.0.2.1>;tag=1\r\n\
         To: <sip:bob@192.0.2.2>\r\n\
         Call-ID: 1@192.0.2.1\r\n\
         CSeq: {number} OPTIONS\r\n\
         Max-Forwards: 70\r\n\
         Content-Length: 0\r\n\r\n"
    )
}

fn pair(sim: &mut Simulation) -> (Handle<RawPeer>, Handle<RawPeer>) {
    let alice = Setup::new("alice", RawPeer::silent()).udp("192.0.2.1:5060").tcp("192.0.2.1:5060");
    let bob = Setup::new("bob", RawPeer::silent()).udp("192.0.2.2:5060").tcp("192.0.2.2:5060");
    (sim.add(alice), sim.add(bob))
}

fn send_numbered(sim: &mut Simulation, alice: Handle<RawPeer>, bob: Handle<RawPeer>, count: u32) {
    let flow = sim.flow(alice, bob);
    for number in 0..count {
        sim.send(alice, flow, number.to_string());
    }
}

fn numbers(peer: &RawPeer) -> Vec<u32> {
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    peer.heard().iter().filter_map(|heard| text(&heard.octets).parse().ok()).collect()
}

#[test]
fn a_datagram_arrives_after_its_latency() {
    let mut sim = Simulation::new(1);
    sim.conditions(Conditions::ideal().latency(30 * MILLISECOND, 30 * MILLISECOND));
    let (alice, bob) = pair(&mut sim);
    let start = sim.now();
    let flow = sim.flow(alice, bob);
    sim.send(alice, flow, "hello");
    sim.run_until_idle();
    let [heard] = sim.node(bob).heard() else { panic!("one datagram") };
    assert_eq!(heard.at.since(start), 30 * MILLISECOND);
    assert_eq!(heard.octets, "hello");
    assert_eq!((heard.flow.local, heard.flow.remote), (flow.remote, flow.local));
}

#[test]
fn as_many_datagrams_are_lost_as_was_asked_for() {
    for_seeds(0..5, |seed| {
        let mut sim = Simulation::new(seed);
        sim.conditions(Conditions::lan().loss(0.25));
        let (alice, bob) = pair(&mut sim);
        send_numbered(&mut sim, alice, bob, 4000);
        sim.run_until_idle();
        let arrived = sim.node(bob).heard().len();
        assert!((2900..3100).contains(&arrived), "{arrived} of 4000 arrived");
        let lost = sim.capture().iter().filter(|record| record.fate == Fate::Lost).count();
        assert_eq!(arrived + lost, 4000);
    });
}

#[test]
fn conditions_hold_for_one_direction() {
    let mut sim = Simulation::new(1);
    let (alice, bob) = pair(&mut sim);
    sim.link(alice, bob, Conditions::lan().loss(1.0));
    send_numbered(&mut sim, alice, bob, 10);
    send_numbered(&mut sim, bob, alice, 10);
    sim.run_until_idle();
    assert_eq!(sim.node(bob).heard().len(), 0);
    assert_eq!(sim.node(alice).heard().len(), 10);
}

#[test]
fn datagrams_keep_their_order_unless_reordering_is_asked_for() {
    for_seeds(0..20, |seed| {
        let mut sim = Simulation::new(seed);
        sim.conditions(Conditions::ideal().latency(MILLISECOND, 50 * MILLISECOND));
        let (alice, bob) = pair(&mut sim);
        send_numbered(&mut sim, alice, bob, 100);
        sim.run_until_idle();
        assert!(numbers(sim.node(bob)).is_sorted());
    });
}

#[test]
fn reordered_datagrams_arrive_all_and_out_of_order() {
    let mut sim = Simulation::new(3);
    sim.conditions(Conditions::lan().reordering(0.2));
    let (alice, bob) = pair(&mut sim);
    send_numbered(&mut sim, alice, bob, 100);
    sim.run_until_idle();
    let mut arrived = numbers(sim.node(bob));
    assert!(!arrived.is_sorted());
    arrived.sort_unstable();
    assert_eq!(arrived, (0..100).collect::<Vec<_>>());
}

#[test]
fn doubled_datagrams_arrive_twice() {
    let mut sim = Simulation::new(3);
    sim.conditions(Conditions::lan().doubling(1.0));
    let (alice, bob) = pair(&mut sim);
    send_numbered(&mut sim, alice, bob, 3);
    sim.run_until_idle();
    assert_eq!(numbers(sim.node(bob)), [0, 0, 1, 1, 2, 2]);
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    let run = |seed| {
        let mut sim = Simulation::new(seed);
        sim.conditions(Conditions::rough().loss(0.3));
        let (alice, bob) = pair(&mut sim);
        sim.with(bob, |bob, _| {
            bob.answer_with(|heard| {
                heard.response(StatusCode::OK).into_iter().map(|ok| heard.reply(ok)).collect()
            });
        });
        let flow = sim.flow(alice, bob);
        for number in 0..50 {
            sim.send(alice, flow, options(number));
        }
        sim.run_until_idle();
        let records: Vec<_> = sim.capture().iter().cloned().collect();
        (records, sim.ladder().to_string())
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
}

#[test]
fn a_datagram_larger_than_the_mtu_fails() {
    let mut sim = Simulation::new(1);
    let (alice, bob) = pair(&mut sim);
    sim.link(alice, bob, Conditions::lan().mtu(1300));
    let flow = sim.flow(alice, bob);
    sim.send_this(alice, Send::new(flow, vec![b'x'; 1300]).ticket(Ticket(1)));
    sim.send_this(alice, Send::new(flow, vec![b'x'; 1301]).ticket(Ticket(2)));
    sim.run_until_idle();
    assert_eq!(faults(&sim, alice), [(Ticket(2), Fault::TooLarge)]);
    assert_eq!(sim.node(bob).heard().len(), 1);
}

fn faults(sim: &Simulation, peer: Handle<RawPeer>) -> Vec<(Ticket, Fault)> {
    sim.node(peer).faults().iter().map(|(_, ticket, fault)| (*ticket, *fault)).collect()
}

#[test]
fn a_cut_network_delivers_nothing_until_it_is_healed() {
    let mut sim = Simulation::new(1);
    let (alice, bob) = pair(&mut sim);
    sim.cut(alice, bob);
    send_numbered(&mut sim, alice, bob, 1);
    sim.after(Duration::from_secs(5), move |sim| sim.heal(alice, bob));
    sim.run_for(Duration::from_secs(6));
    assert_eq!(sim.node(bob).heard().len(), 0);
    send_numbered(&mut sim, alice, bob, 1);
    sim.run_until_idle();
    assert_eq!(sim.node(bob).heard().len(), 1);
}

#[test]
fn a_stream_is_opened_once_and_carries_whole_messages_both_ways() {
    let mut sim = Simulation::new(1);
    sim.conditions(Conditions::ideal().latency(10 * MILLISECOND, 10 * MILLISECOND));
    let (alice, bob) = pair(&mut sim);
    sim.with(bob, |bob, _| {
        bob.answer_with(|heard| {
            heard.response(StatusCode::OK).into_iter().map(|ok| heard.reply(ok)).collect()
        });
    });
    let flow = sim.flow_over(Transport::Tcp, alice, bob);
    let (one, two) = (options(1), options(2));
    // Cut in the middle of a message: a stream does not keep the borders of what was written.
    let (head, tail) = one.split_at(100);
    sim.send(alice, flow, head.to_owned());
    sim.send(alice, flow, format!("{tail}{two}"));
    let took = sim.run_until_idle();

    // Two ways to connect, one there, one back.
    assert_eq!(took, 40 * MILLISECOND);
    let requests = sim.node(bob).requests();
    assert_eq!(requests.iter().map(antiphon_sip::Request::cseq).collect::<Vec<_>>(), [1, 2]);
    let bob_sees = sim.node(bob).heard()[0].flow;
    assert_eq!(bob_sees.local, flow.remote);
    assert_ne!(bob_sees.remote, flow.local, "the port of a caller is not its listener's");
    let responses = sim.node(alice).heard();
    assert_eq!(responses.len(), 2);
    assert_eq!((responses[0].flow.local, responses[0].flow.remote), (flow.local, flow.remote));
    assert_ne!(responses[0].flow.connection, None);
}

#[test]
fn a_stream_keeps_its_order_whatever_the_latency() {
    for_seeds(0..20, |seed| {
        let mut sim = Simulation::new(seed);
        sim.conditions(Conditions::rough().latency(Duration::ZERO, 90 * MILLISECOND));
        let (alice, bob) = pair(&mut sim);
        let flow = sim.flow_over(Transport::Tcp, alice, bob);
        for number in 1..50 {
            sim.send(alice, flow, options(number));
        }
        sim.run_until_idle();
        let arrived: Vec<_> =
            sim.node(bob).requests().iter().map(antiphon_sip::Request::cseq).collect();
        assert_eq!(arrived, (1..50).collect::<Vec<_>>());
    });
}

#[test]
fn a_connection_is_refused_where_nobody_listens() {
    let mut sim = Simulation::new(1);
    let (alice, bob) = pair(&mut sim);
    let mut flow = sim.flow_over(Transport::Tcp, alice, bob);
    flow.remote.set_port(5070);
    sim.send_this(alice, Send::new(flow, options(1)).ticket(Ticket(1)));
    assert_eq!(sim.run_until_idle(), 2 * MILLISECOND);
    assert_eq!(faults(&sim, alice), [(Ticket(1), Fault::Refused)]);
    assert_eq!(sim.node(alice).closed().len(), 1, "as a driver of real sockets tells it");
}

#[test]
fn a_connection_to_nowhere_times_out() {
    let mut sim = Simulation::new(1);
    sim.connect_timeout(Duration::from_secs(4));
    let (alice, bob) = pair(&mut sim);
    let mut flow = sim.flow_over(Transport::Tcp, alice, bob);
    flow.remote = "192.0.2.99:5060".parse().unwrap();
    sim.send_this(alice, Send::new(flow, options(1)).ticket(Ticket(1)));
    assert_eq!(sim.run_until_idle(), Duration::from_secs(4));
    assert_eq!(faults(&sim, alice), [(Ticket(1), Fault::TimedOut)]);
}

#[test]
fn a_transport_without_a_listener_cannot_send() {
    let mut sim = Simulation::new(1);
    let (alice, bob) = pair(&mut sim);
    let mut flow = sim.flow_over(Transport::Tcp, alice, bob);
    flow.transport = Transport::Tls;
    sim.send_this(alice, Send::new(flow, options(1)).ticket(Ticket(1)));
    sim.run_until_idle();
    assert_eq!(faults(&sim, alice), [(Ticket(1), Fault::NoListener)]);
}

#[test]
fn a_closed_connection_is_told_to_the_other_side_behind_what_was_sent() {
    let mut sim = Simulation::new(1);
    let (alice, bob) = pair(&mut sim);
    let flow = sim.flow_over(Transport::Tcp, alice, bob);
    sim.send(alice, flow, options(1));
    sim.close(alice, flow);
    sim.run_until_idle();
    assert_eq!(sim.node(bob).requests().len(), 1);
    let [(_, closed)] = sim.node(bob).closed() else { panic!("one connection is closed") };
    let closed = *closed;
    assert_eq!(sim.node(alice).closed().len(), 1, "who closes is told when it is done");
    sim.send_this(bob, Send::new(closed, options(2)).ticket(Ticket(9)));
    sim.run_until_idle();
    assert_eq!(faults(&sim, bob), [(Ticket(9), Fault::Closed)]);
}

#[test]
fn a_stopped_node_closes_its_connections_and_hears_nothing() {
    let mut sim = Simulation::new(1);
    let (alice, bob) = pair(&mut sim);
    let stream = sim.flow_over(Transport::Tcp, alice, bob);
    sim.send(alice, stream, options(1));
    sim.run_until_idle();
    sim.stop(bob);
    sim.run_until_idle();
    assert_eq!(sim.node(alice).closed().len(), 1);
    sim.send_this(alice, Send::new(stream, options(2)).ticket(Ticket(1)));
    send_numbered(&mut sim, alice, bob, 1);
    sim.run_until_idle();
    assert_eq!(faults(&sim, alice), [(Ticket(1), Fault::Refused)]);

    sim.restart(bob, RawPeer::silent());
    sim.send(alice, stream, options(3));
    sim.run_until_idle();
    assert_eq!(sim.node(bob).requests().len(), 1);
    assert_eq!(sim.node(bob).closed().len(), 0, "what the one before had is no concern of it");
}

#[test]
fn a_cut_stream_waits_and_goes_on() {
    let mut sim = Simulation::new(1);
    let (alice, bob) = pair(&mut sim);
    let flow = sim.flow_over(Transport::Tcp, alice, bob);
    sim.send(alice, flow, options(1));
    sim.run_until_idle();
    sim.cut(alice, bob);
    sim.send(alice, flow, options(2));
    sim.close(alice, flow);
    sim.run_until_idle();
    assert_eq!(sim.node(bob).heard().len(), 1);
    sim.heal(alice, bob);
    sim.run_until_idle();
    assert_eq!(sim.node(bob).heard().len(), 2);
    assert_eq!(sim.node(bob).closed().len(), 1);
}

#[test]
fn a_web_socket_carries_one_message_each_without_content_length_rfc7118_5() {
    let mut sim = Simulation::new(1);
    let alice = sim.add(Setup::new("alice", RawPeer::silent()).ws("192.0.2.1:80"));
    let bob = sim.add(Setup::new("bob", RawPeer::silent()).ws("192.0.2.2:80"));
    let flow = sim.flow_over(Transport::Ws, alice, bob);
    sim.send(alice, flow, options(1).replace("Content-Length: 0\r\n", ""));
    sim.run_until_idle();
    assert_eq!(sim.node(bob).requests().len(), 1);
}

/// A node of its own kind: it retransmits a question to the network until it is told to stop.
#[derive(Default)]
struct Ticker {
    next: Option<Time>,
    interval: Duration,
    outputs: Vec<Output<&'static str, u32>>,
    ticks: u32,
}

impl Node for Ticker {
    type Question = &'static str;
    type Answer = u32;
    type Command = Duration;
    type Event = u32;

    fn handle(&mut self, now: Time, input: Input<u32, Duration>) {
        match input {
            Input::Command(interval) => {
                self.interval = interval;
                self.next = Some(now + interval);
            }
            Input::Deadline => {
                self.interval *= 2;
                self.next = Some(now + self.interval);
                self.outputs.push(Output::Question("more?"));
            }
            Input::Answer(0) => self.next = None,
            Input::Answer(_) => {
                self.ticks += 1;
                self.outputs.push(Output::Event(self.ticks));
            }
            Input::Resolved { id, answer } => {
                let records = answer.unwrap_or_default();
                self.outputs.push(Output::Event(records.iter().map(|_| 1).sum()));
                assert_eq!(id, ResolveId(4));
            }
            _ => {}
        }
    }

    fn next_output(&mut self) -> Option<Output<&'static str, u32>> {
        (!self.outputs.is_empty()).then(|| self.outputs.remove(0))
    }

    fn deadline(&self) -> Option<Time> {
        self.next
    }
}

#[test]
fn questions_are_answered_and_deadlines_kept() {
    let mut sim = Simulation::new(1);
    let mut left = 6;
    let ticker = sim.add(Setup::new("ticker", Ticker::default()).answering(move |_, question| {
        assert_eq!(*question, "more?");
        left -= 1;
        Some(left)
    }));
    let start = sim.now();
    sim.command(ticker, 500 * MILLISECOND);
    // 0.5 s, then 1, 2, 4, 8, 16 s later: and not to the deadline that was taken back.
    assert_eq!(sim.run_until_idle(), 31_500 * MILLISECOND);
    let times: Vec<_> =
        sim.events(ticker).iter().map(|(at, _)| at.since(start).as_millis()).collect();
    assert_eq!(times, [500, 1500, 3500, 7500, 15_500]);
}

#[test]
fn an_unserved_question_waits_for_the_test() {
    let mut sim = Simulation::new(1);
    let ticker = sim.add(Setup::new("ticker", Ticker::default()));
    sim.command(ticker, MILLISECOND);
    sim.wait_for("a question", Duration::from_secs(1), |sim| !sim.questions(ticker).is_empty());
    assert_eq!(sim.take_questions(ticker)[0].question, "more?");
    sim.answer(ticker, 1);
    sim.answer(ticker, 0);
    sim.run_until_idle();
    assert_eq!(sim.take_events(ticker).len(), 1);
}

#[test]
fn reactions_give_commands_and_reach_the_node() {
    let mut sim = Simulation::new(1);
    let setup = Setup::new("ticker", Ticker::default())
        .answering(|_, _| Some(1))
        .answer_after(5 * MILLISECOND)
        .reacting(|ticks, turn| match ticks {
            3.. => turn.node.next = None,
            _ => turn.command(MILLISECOND),
        });
    let ticker = sim.add(setup);
    sim.command(ticker, MILLISECOND);
    sim.run_until_idle();
    assert!(sim.events(ticker).len() >= 3);
    assert!(sim.elapsed() < Duration::from_secs(1));
}

#[test]
fn host_names_are_looked_up_in_the_table() {
    let mut sim = Simulation::new(1);
    sim.host("example.com", &["192.0.2.1", "2001:db8::1"]);
    sim.resolve_time(20 * MILLISECOND);
    let ticker = sim.add(Setup::new("ticker", Ticker::default()));
    for host in ["Example.COM", "example.org"] {
        let question = Question::new(RecordKind::A, host);
        let output = Output::Resolve { id: ResolveId(4), question };
        sim.with(ticker, |node, _| node.outputs.push(output));
    }
    sim.run_until_idle();
    let found: Vec<_> = sim.events(ticker).iter().map(|(_, count)| *count).collect();
    assert_eq!(found, [1, 0]);
    assert_eq!(sim.elapsed(), 20 * MILLISECOND);
}

#[test]
fn a_node_may_have_several_addresses_and_send_to_itself() {
    let mut sim = Simulation::new(1);
    let node = sim
        .add(Setup::new("both", RawPeer::silent()).udp("192.0.2.1:5060").udp("[2001:db8::1]:5060"));
    let there = Flow {
        transport: Transport::Udp,
        local: "[2001:db8::1]:5060".parse().unwrap(),
        remote: "[2001:db8::1]:5060".parse().unwrap(),
        connection: None,
    };
    sim.send(node, there, "to myself");
    let astray = Flow { remote: "192.0.2.1:5060".parse().unwrap(), ..there };
    sim.send_this(node, Send::new(astray, "wrong family").ticket(Ticket(1)));
    sim.run_until_idle();
    assert_eq!(sim.node(node).heard().len(), 1);
    assert_eq!(faults(&sim, node), [(Ticket(1), Fault::Unreachable)]);
}

#[test]
fn a_transmission_names_its_ladder_columns() {
    let mut sim = Simulation::new(1);
    let (alice, bob) = pair(&mut sim);
    sim.with(bob, |bob, _| *bob = RawPeer::responding(&[StatusCode::OK], Duration::ZERO));
    let flow = sim.flow_over(Transport::Tcp, alice, bob);
    sim.send(alice, flow, options(1));
    sim.run_until_idle();
    assert_eq!(sim.between(alice, bob).count(), 1);
    assert_eq!(sim.between(bob, alice).count(), 1);
    let ladder = sim.ladder();
    let names: Vec<_> = ladder.participants.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["alice", "bob"]);
}

/// Compiles only as long as a transmission can be made by hand.
#[test]
fn outputs_made_by_hand_are_sent() {
    let mut sim = Simulation::new(1);
    let (_, bob) = pair(&mut sim);
    let ticker = sim.add(Setup::new("ticker", Ticker::default()).udp("192.0.2.3:5060"));
    let flow = sim.flow(ticker, bob);
    let transmit = Transmit {
        flow,
        octets: "by hand".into(),
        ticket: None,
        server_name: None,
        is_open_flow: false,
        connect_within: None,
    };
    sim.with(ticker, |node, _| node.outputs.push(Output::Transmit(transmit)));
    sim.run_until_idle();
    assert_eq!(sim.node(bob).heard().len(), 1);
}
