//! The floor of registrations: takes each REGISTER, answers it with challenges that are always the
//! same, and says 200 to one with credentials when so many octets are on disk as a binding has. It
//! reads nothing of what it carries.

use std::fs::File;
use std::io;
use std::net::{SocketAddrV4, UdpSocket};
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use memchr::memmem::find;

use crate::arguments::Arguments;
use crate::fault::Fault;
use crate::udp::{self, Inbox, Patience};

/// As long as the server's location service gathers changes.
const GATHER: Duration = Duration::from_millis(5);

/// Octets of a binding in its journal.
const RECORD: usize = 200;

/// Answers that may wait for the disk: two seconds of them.
const WAITING: usize = 8192;

const CHALLENGES: &[u8] = b"\
WWW-Authenticate: Digest realm=\"127.0.0.1\", nonce=\"0\", algorithm=MD5, qop=\"auth\"\r\n\
WWW-Authenticate: Digest realm=\"127.0.0.1\", nonce=\"0\", algorithm=SHA-256, qop=\"auth\"\r\n";

/// An answer, and to whom.
type Answer = (SocketAddrV4, Vec<u8>);

/// Answers until it is killed.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Fault> {
    let socket = udp::bind(arguments.address("listen")?)?;
    let keeper = Keeper {
        socket: socket.try_clone()?,
        journal: File::create(arguments.required::<PathBuf>("journal")?)?,
    };
    let (kept, to_keep) = mpsc::sync_channel(WAITING);
    let keeping = thread::spawn(move || keeper.run(&to_keep));
    println!("ready 1");
    let mut inbox = Inbox::new();
    while !keeping.is_finished() {
        inbox.fill(&socket, Patience::Wait)?;
        let mut challenges: Vec<Answer> = Vec::new();
        for (from, request) in inbox.iter() {
            if find(request, b"\nAuthorization:").is_none() {
                challenges.push((from, answer(request, b"401 Unauthorized", CHALLENGES)));
            } else {
                // One too many is sent again.
                let _ = kept.try_send((from, answer(request, b"200 OK", b"")));
            }
        }
        send(&socket, &challenges)?;
    }
    Err(Fault::usage("the journal cannot be written"))
}

/// Makes answers durable, all that wait with one write and one sync, and sends them.
struct Keeper {
    socket: UdpSocket,
    journal: File,
}

impl Keeper {
    fn run(self, to_keep: &Receiver<Answer>) -> io::Result<()> {
        // A sync of octets that are there already writes nothing else.
        self.journal.write_all_at(&vec![0; RECORD * WAITING], 0)?;
        self.journal.sync_all()?;
        while let Ok(first) = to_keep.recv() {
            thread::sleep(GATHER);
            let group: Vec<Answer> =
                std::iter::once(first).chain(to_keep.try_iter().take(WAITING - 1)).collect();
            self.journal.write_all_at(&vec![1; RECORD * group.len()], 0)?;
            self.journal.sync_data()?;
            send(&self.socket, &group)?;
        }
        Ok(())
    }
}

fn send(socket: &UdpSocket, answers: &[Answer]) -> io::Result<()> {
    udp::send(socket, answers.iter().map(|(to, octets)| (*to, octets.as_slice())))
}

/// The request with another first line and with these lines behind the others.
fn answer(request: &[u8], status: &[u8], lines: &[u8]) -> Vec<u8> {
    let start = find(request, b"\r\n").unwrap_or_default();
    let end = request.len().saturating_sub(2);
    let copied = request.get(start..end).unwrap_or_default();
    [b"SIP/2.0 ", status, copied, lines, b"\r\n"].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text;

    #[test]
    fn an_answer_is_the_request_with_a_status_and_more_lines() {
        let request = b"REGISTER sip:a SIP/2.0\r\nCSeq: 1 REGISTER\r\n\r\n";
        let answer = answer(request, b"401 Unauthorized", CHALLENGES);
        assert_eq!(text::status(&answer), Some(401));
        assert_eq!(text::lines(&answer).count(), 4);
        assert!(answer.ends_with(b"\r\n\r\n"));
    }
}
