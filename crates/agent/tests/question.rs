//! A person who can be asked is asked, and what they say is done. Real sockets.

#![expect(clippy::unwrap_used, reason = "a test ends by panicking")]

use std::collections::{HashMap, VecDeque};
use std::io;
use std::time::Duration;

use antiphon_agent::{Call, Client, Ending, Form, Interrupt, Reporter, Session, call};
use antiphon_sip::StatusCode;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;

/// Longer than anything here takes.
const LIMIT: Duration = Duration::from_secs(20);

/// An INVITE that came.
struct Asked {
    uri: String,
    fields: HashMap<String, String>,
}

impl Asked {
    fn of(text: &str) -> Option<Self> {
        let uri = text.strip_prefix("INVITE ")?.split(' ').next()?.to_owned();
        let head = text.split("\r\n\r\n").next()?;
        let fields = head.lines().filter_map(|line| line.split_once(": "));
        let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Some(Self { uri, fields })
    }
}

/// A phone that answers each INVITE with the next of these, and tells what was asked for.
async fn phone(socket: UdpSocket, answers: &'static [&'static str]) -> Vec<Asked> {
    let own = socket.local_addr().unwrap().to_string();
    let mut all: Vec<Asked> = Vec::new();
    let mut buffer = vec![0; 65_536];
    for answer in answers {
        loop {
            let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
            let text = String::from_utf8(buffer[..length].to_vec()).unwrap();
            let Some(asked) = Asked::of(&text) else { continue };
            let is_same = |name: &str, before: &Asked| before.fields[name] == asked.fields[name];
            if all.iter().any(|before| is_same("CSeq", before) && is_same("Call-ID", before)) {
                // The same once more.
                continue;
            }
            let copied = ["Via", "From", "Call-ID", "CSeq"];
            let copied = copied.map(|name| format!("{name}: {}\r\n", asked.fields[name])).concat();
            let to = &asked.fields["To"];
            let response = format!(
                "SIP/2.0 {}{copied}To: {to};tag=p\r\nContent-Length: 0\r\n\r\n",
                answer.replace("ADDRESS", &own)
            );
            socket.send_to(response.as_bytes(), from).await.unwrap();
            all.push(asked);
            break;
        }
    }
    all
}

/// Types one line for each question, when it is shown, and goes when there is none left to type.
struct Typist {
    lines: VecDeque<String>,
    sender: Option<mpsc::Sender<String>>,
}

impl io::Write for Typist {
    fn write(&mut self, shown: &[u8]) -> io::Result<usize> {
        if shown.contains(&b'?') {
            match (self.lines.pop_front(), &self.sender) {
                (Some(line), Some(sender)) => sender.try_send(line).unwrap(),
                _ => self.sender = None,
            }
        }
        Ok(shown.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Calls a phone that answers so. `before` is typed before anything is asked, `typed` when it is.
async fn asked(
    answers: &'static [&'static str],
    before: &[&str],
    typed: &[&str],
) -> (Vec<Asked>, Ending) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let target = format!("sip:0441@{}", socket.local_addr().unwrap()).parse().unwrap();
    let (sender, lines) = mpsc::channel(8);
    for line in before {
        sender.send((*line).to_owned()).await.unwrap();
    }
    let lines_to_type = typed.iter().map(|line| (*line).to_owned()).collect();
    let typist = Typist { lines: lines_to_type, sender: Some(sender) };
    let form = Form::Text { colour: false };
    let reporter = Reporter::new(form, Box::new(io::sink()), Box::new(typist));
    let session = Session::new(reporter, Interrupt::never()).asking(lines);
    let placed = Call { target, duration: None, headers: Vec::new() };
    let client = Client::default();
    let both = async { tokio::join!(phone(socket, answers), call(&client, &placed, session)) };
    let (asked, ending) = tokio::time::timeout(LIMIT, both).await.unwrap();
    (asked, ending.unwrap())
}

/// The user parts of whom was called.
fn users(asked: &[Asked]) -> Vec<&str> {
    asked.iter().map(|asked| asked.uri.split('@').next().unwrap()).collect()
}

const INCOMPLETE: &str = "484 Address Incomplete\r\n";
const BUSY: &str = "486 Busy Here\r\n";

const SEVERAL: &str = "300 Multiple Choices\r\nContact: <sip:low@ADDRESS>;q=0.2, \
    <sip:high@ADDRESS>;q=0.9\r\n";

#[tokio::test]
async fn digits_are_added_as_long_as_somebody_types_some_rfc3261_21_4_22() {
    let (asked_for, ending) = asked(&[INCOMPLETE, INCOMPLETE, BUSY], &[], &["6", "32"]).await;
    assert_eq!(users(&asked_for), ["sip:0441", "sip:04416", "sip:0441632"]);
    assert_eq!(ending, Ending::Refused(StatusCode::BUSY_HERE));
    // They are the same call, with the next number each.
    for (cseq, asked) in (1..).zip(&asked_for) {
        assert_eq!(asked.fields["CSeq"], format!("{cseq} INVITE"));
        for same in ["Call-ID", "From"] {
            assert_eq!(asked.fields[same], asked_for[0].fields[same]);
        }
        assert_eq!(asked.fields["To"], format!("<{}>", asked.uri));
    }
    let (asked_for, ending) = asked(&[INCOMPLETE], &[], &[""]).await;
    assert_eq!((asked_for.len(), ending), (1, Ending::Refused(StatusCode::ADDRESS_INCOMPLETE)));
}

#[tokio::test]
async fn digits_are_asked_for_twenty_times_rfc3261_21_4_22() {
    let (asked_for, ending) = asked(&[INCOMPLETE; 21], &[], &["1"; 25]).await;
    assert_eq!(users(&asked_for).last(), Some(&"sip:044111111111111111111111"));
    assert_eq!(ending, Ending::Refused(StatusCode::ADDRESS_INCOMPLETE));
}

#[tokio::test]
async fn nobody_is_waited_for_when_the_lines_have_ended() {
    let (asked_for, ending) = asked(&[INCOMPLETE], &[], &[]).await;
    assert_eq!((asked_for.len(), ending), (1, Ending::Refused(StatusCode::ADDRESS_INCOMPLETE)));
    let (asked_for, _) = asked(&[SEVERAL, BUSY, BUSY], &[], &[]).await;
    assert_eq!(users(&asked_for), ["sip:0441", "sip:high", "sip:low"]);
}

#[tokio::test]
async fn the_persons_pick_of_several_goes_first_rfc3261_21_3_1() {
    for (typed, order) in [
        (vec!["2"], ["sip:0441", "sip:low", "sip:high"]),
        (vec![""], ["sip:0441", "sip:high", "sip:low"]),
        // What names none of them is asked again.
        (vec!["3", "x", "2"], ["sip:0441", "sip:low", "sip:high"]),
    ] {
        let (asked_for, ending) = asked(&[SEVERAL, BUSY, BUSY], &[], &typed).await;
        assert_eq!(users(&asked_for), order, "{typed:?}");
        assert_eq!(ending, Ending::Refused(StatusCode::BUSY_HERE));
    }
}

#[tokio::test]
async fn what_was_typed_before_a_question_is_no_answer_to_it() {
    let (asked_for, _) = asked(&[INCOMPLETE, BUSY], &["9", "9"], &["6"]).await;
    assert_eq!(users(&asked_for), ["sip:0441", "sip:04416"]);
    let (asked_for, _) = asked(&[SEVERAL, BUSY, BUSY], &["2"], &[""]).await;
    assert_eq!(users(&asked_for), ["sip:0441", "sip:high", "sip:low"]);
}
