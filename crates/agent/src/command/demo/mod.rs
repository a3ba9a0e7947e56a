//! `demo`: two agents around a server, a call of each kind, and the ladder of each.

mod picture;
mod scenes;

use std::net::SocketAddr;

use antiphon_core::user_agent::Identity;
use antiphon_sip::uri::SipUri;
use antiphon_sip::{Host, Uri, UriBuf};
use serde::Serialize;
use tokio::sync::oneshot;

use super::answer::{Answer, answer_telling};
use super::call::{Call, call};
use crate::client::Client;
use crate::ending::{Ending, Failure};
use crate::interrupt::Interrupt;
use crate::report::{Paint, Reporter};
use crate::session::{Kept, Session};
use picture::Picture;
use scenes::{SCENES, Scene};

/// A server to play before, with two accounts.
#[derive(Debug, Clone)]
pub struct Demo {
    /// Where it listens for UDP. Its IP address is its domain.
    pub server: SocketAddr,
    /// Who calls.
    pub caller: DemoAccount,
    /// Who is called.
    pub callee: DemoAccount,
    /// Whether the whole messages are shown beneath each ladder.
    pub messages: bool,
    /// Columns of text.
    pub width: usize,
}

/// An account of the server.
#[derive(Debug, Clone)]
pub struct DemoAccount {
    /// The user.
    pub user: String,
    /// The password.
    pub password: String,
}

/// A scene that was played.
#[derive(Debug)]
struct Played {
    scene: &'static Scene,
    ending: Ending,
}

impl Played {
    fn as_expected(&self) -> bool {
        self.ending == self.scene.expected()
    }
}

/// Plays every scene, shows its ladder, and tells whether all ended as they should.
///
/// # Errors
/// See [`Failure`].
pub async fn demo(demo: &Demo, reporter: &Reporter) -> Result<Ending, Failure> {
    let kept = Kept::around(demo.server);
    let (ready, is_ready) = oneshot::channel();
    let (interrupter, interrupt) = Interrupt::channel();
    let callee = callee(demo, ready, Session::new(Reporter::silent(), interrupt).keeping(&kept));
    let caller = async {
        // Without the callee's registration the calls end otherwise, which is told.
        let _ = is_ready.await;
        let played = play(demo, &kept).await;
        interrupter.interrupt();
        played
    };
    let (answered, played) = tokio::join!(callee, caller);
    answered?;
    Ok(tell(demo, &played?, &kept, reporter))
}

async fn play(demo: &Demo, kept: &Kept) -> Result<Vec<Played>, Failure> {
    let mut played = Vec::new();
    for scene in SCENES {
        let session = Session::new(Reporter::silent(), Interrupt::never()).keeping(kept);
        let target = address(demo, scene.calls.unwrap_or(&demo.callee.user));
        let placed = Call { target, duration: Some(scenes::TALK), headers: Vec::new() };
        let password = if scene.knows_password { &demo.caller.password } else { "wrong" };
        let client = client(demo, &demo.caller.user, password);
        let ending = call(&client, &placed, session).await?;
        played.push(Played { scene, ending });
    }
    Ok(played)
}

async fn callee(
    demo: &Demo,
    ready: oneshot::Sender<()>,
    session: Session,
) -> Result<Ending, Failure> {
    let client = client(demo, &demo.callee.user, &demo.callee.password);
    let answer = Answer { playbook: scenes::playbook(), count: None };
    answer_telling(&client, &answer, Some(ready), session).await
}

fn client(demo: &Demo, user: &str, password: &str) -> Client {
    Client {
        from: Some(Identity::new(address(demo, user))),
        password: Some(password.to_owned()),
        timeout: Some(scenes::LIMIT),
        ..Client::default()
    }
}

/// The address of a user of the server; of nobody if the name cannot stand in a URI.
fn address(demo: &Demo, user: &str) -> UriBuf {
    uri(user, demo.server).unwrap_or_else(|| UriBuf::from(Uri::Sip(server_uri(demo.server))))
}

fn uri(user: &str, address: SocketAddr) -> Option<UriBuf> {
    UriBuf::parse(&format!("sip:{user}@{address}")).ok()
}

fn server_uri(address: SocketAddr) -> SipUri<'static> {
    let host = match address {
        SocketAddr::V4(address) => Host::V4(*address.ip()),
        SocketAddr::V6(address) => Host::V6(*address.ip()),
    };
    SipUri { port: Some(address.port()), ..SipUri::new(host) }
}

fn tell(demo: &Demo, played: &[Played], kept: &Kept, reporter: &Reporter) -> Ending {
    let pictures = picture::of(demo, kept, played.len());
    for (number, played) in played.iter().enumerate() {
        let picture = pictures.get(number);
        reporter.plain(&shown(number + 1, played, picture, demo, reporter.colour()));
        reporter.object(&object(played, picture));
    }
    let right = played.iter().filter(|played| played.as_expected()).count();
    let person = format!("{right} of {} calls ended as they should.", played.len());
    let ending = if right == played.len() { Ending::Succeeded } else { Ending::Stopped };
    let paint = if ending == Ending::Succeeded { Paint::Good } else { Paint::Bad };
    reporter.plain(&paint.on(&person, reporter.colour()));
    let exit = ending.exit_status();
    reporter.object(&Finale { event: "outcome", command: "demo", exit, person: &person });
    ending
}

fn shown(
    number: usize,
    played: &Played,
    picture: Option<&Picture>,
    demo: &Demo,
    colour: bool,
) -> String {
    let Played { scene, ending } = played;
    let head = format!("{number}. {}", scene.title);
    let ladder = picture.map_or_else(String::new, |picture| picture.text(demo));
    let verdict = if played.as_expected() {
        Paint::Good.on(&format!("{}, as it should.", ended(*ending)), colour)
    } else {
        let expected = ended(scene.expected());
        Paint::Bad.on(&format!("{}. Expected: {expected}", ended(*ending)), colour)
    };
    format!("{}\n\n{ladder}\n{verdict}\n\n", Paint::Strong.on(&head, colour))
}

fn ended(ending: Ending) -> String {
    match ending {
        Ending::Succeeded => "Answered with 200".to_owned(),
        Ending::Refused(code) => format!("Refused with {}", code.as_u16()),
        Ending::NoAnswer => "Not answered".to_owned(),
        Ending::Stopped | Ending::Misused(_) => "Ended without an answer".to_owned(),
    }
}

#[derive(Serialize)]
struct PlayedObject<'a> {
    event: &'static str,
    title: &'static str,
    expected: u16,
    code: Option<u16>,
    as_expected: bool,
    call_id: Option<&'a str>,
    messages: Vec<picture::MessageObject<'a>>,
}

#[derive(Serialize)]
struct Finale<'a> {
    event: &'static str,
    command: &'static str,
    exit: u8,
    person: &'a str,
}

fn object<'a>(played: &Played, picture: Option<&'a Picture>) -> PlayedObject<'a> {
    PlayedObject {
        event: "demo_call",
        title: played.scene.title,
        expected: played.scene.code,
        code: match played.ending {
            Ending::Succeeded => Some(200),
            Ending::Refused(code) => Some(code.as_u16()),
            Ending::NoAnswer | Ending::Stopped | Ending::Misused(_) => None,
        },
        as_expected: played.as_expected(),
        call_id: picture.map(Picture::call_id),
        messages: picture.map_or_else(Vec::new, Picture::messages),
    }
}
