//! A person who can be asked is asked, and what they say is done. Real sockets.

#![expect(clippy::unwrap_used, reason = "a test ends by panicking")]

use std::io;
use std::time::Duration;

use antiphon_agent::{Call, Client, Ending, Form, Interrupt, Reporter, Session, call};
use antiphon_sip::StatusCode;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;

/// Longer than anything here takes.
const LIMIT: Duration = Duration::from_secs(20);

/// A phone that answers each INVITE with the next of these, and tells what was asked for.
async fn phone(socket: UdpSocket, answers: &'static [&'static str]) -> Vec<String> {
    let mut asked = Vec::new();
    let mut buffer = vec![0; 65_536];
    for answer in answers {
        loop {
            let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
            let text = String::from_utf8(buffer[..length].to_vec()).unwrap();
            let Some(uri) = text.strip_prefix("INVITE ") else { continue };
            let head = text.split("\r\n\r\n").next().unwrap();
            let copied = ["Via", "From", "Call-ID", "CSeq"];
            let lines: Vec<&str> = head
                .lines()
                .filter(|line| copied.iter().any(|name| line.starts_with(&format!("{name}:"))))
                .collect();
            let to = head.lines().find(|line| line.starts_with("To:")).unwrap();
            let response = format!(
                "SIP/2.0 {answer}{}\r\n{to};tag=p\r\nContent-Length: 0\r\n\r\n",
                lines.join("\r\n")
            );
            socket.send_to(response.as_bytes(), from).await.unwrap();
            asked.push(uri.split(' ').next().unwrap().to_owned());
            break;
        }
    }
    asked
}

async fn asked(answers: &'static [&'static str], typed: &[&str]) -> (Vec<String>, Ending) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let target = format!("sip:0441@{}", socket.local_addr().unwrap()).parse().unwrap();
    let (sender, lines) = mpsc::channel(8);
    for line in typed {
        sender.send((*line).to_owned()).await.unwrap();
    }
    drop(sender);
    let form = Form::Text { colour: false };
    let reporter = Reporter::new(form, Box::new(io::sink()), Box::new(io::sink()));
    let session = Session::new(reporter, Interrupt::never()).asking(lines);
    let placed = Call { target, duration: None, headers: Vec::new() };
    let client = Client::default();
    let both = async { tokio::join!(phone(socket, answers), call(&client, &placed, session)) };
    let (uris, ending) = tokio::time::timeout(LIMIT, both).await.unwrap();
    let users = uris.iter().map(|uri| uri.split('@').next().unwrap().to_owned()).collect();
    (users, ending.unwrap())
}

const INCOMPLETE: &str = "484 Address Incomplete\r\n";
const BUSY: &str = "486 Busy Here\r\n";

#[tokio::test]
async fn digits_are_added_as_long_as_somebody_types_some_rfc3261_21_4_22() {
    let (users, ending) = asked(&[INCOMPLETE, INCOMPLETE, BUSY], &["6", "32"]).await;
    assert_eq!(users, ["sip:0441", "sip:04416", "sip:0441632"]);
    assert_eq!(ending, Ending::Refused(StatusCode::BUSY_HERE));
    let (users, ending) = asked(&[INCOMPLETE], &[""]).await;
    assert_eq!((users.len(), ending), (1, Ending::Refused(StatusCode::ADDRESS_INCOMPLETE)));
}

#[tokio::test]
async fn nobody_is_waited_for_when_the_lines_have_ended() {
    let (users, ending) = asked(&[INCOMPLETE], &[]).await;
    assert_eq!((users.len(), ending), (1, Ending::Refused(StatusCode::ADDRESS_INCOMPLETE)));
}
