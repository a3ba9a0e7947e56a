//! Script files: what is answered to whom, by method and by turn. The format is told in
//! `docs/scripts.md`.

use std::fmt;
use std::time::Duration;

use antiphon_core::user_agent::{Part, Playbook, Reply, Script, Step};
use antiphon_sip::{HeaderName, Method, StatusCode};

/// Reads a script.
///
/// # Errors
/// Every line that is not understood.
pub fn parse(text: &str) -> Result<Playbook, Faults> {
    let mut reader = Reader::default();
    for (index, line) in text.lines().enumerate() {
        if let Err(what) = reader.take(line.trim()) {
            reader.faults.push(Fault { line: index + 1, what });
        }
    }
    if reader.faults.is_empty() { Ok(reader.playbook) } else { Err(Faults(reader.faults)) }
}

/// All that is wrong with a script, in the order of its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

/// What is wrong with one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub what: Wrong,
}

/// Why a line is no part of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Wrong {
    /// It is none of the lines that there are.
    Unknown,
    /// A method in capitals is needed, with nothing or `within` behind it.
    NoMethod,
    /// ACK has no response, CANCEL is answered by the transaction (RFC 3261 §9.2).
    NotPlayed,
    /// A code of 101 to 699 is needed.
    NoCode,
    /// A pause is written as `+500ms` or `+2s`, an hour at most.
    NoPause,
    /// A word that means nothing behind a code.
    NoOption(String),
    /// A response outside of a method's script.
    NoScript,
    /// A header field or a line of a body without a response.
    NoResponse,
    /// A response behind a final one.
    AfterFinal,
    /// More than 64 responses to one request.
    TooMany,
    /// `user` needs a name and a password, `realm` a name.
    NoName,
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "; " };
            write!(f, "{comma}line {}: {}", fault.line, fault.what)?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "neither a method nor a response, a header field or a body",
            Self::NoMethod => "write a method in capitals, with nothing or \"within\" behind it",
            Self::NotPlayed => "ACK and CANCEL are not answered by a script",
            Self::NoCode => "write a code of 101 to 699",
            Self::NoPause => "write a pause such as +500ms or +2s, an hour at most",
            Self::NoOption(word) => return write!(f, "{word:?} means nothing behind a code"),
            Self::NoScript => "a response needs a method above it",
            Self::NoResponse => "a header field or a body needs a response above it",
            Self::AfterFinal => "nothing can follow a final response but 401 and 407",
            Self::TooMany => "write 64 responses to one request at most",
            Self::NoName => "write \"user NAME PASSWORD\" or \"realm NAME\"",
        })
    }
}

#[derive(Debug, Default)]
struct Reader {
    playbook: Playbook,
    /// The part whose last script is being read.
    part: Option<usize>,
    faults: Vec<Fault>,
}

impl Reader {
    /// More than any test wants, and what a user agent plays.
    const MAX_STEPS: usize = 64;

    fn take(&mut self, line: &str) -> Result<(), Wrong> {
        match line.chars().next() {
            None | Some('#') => Ok(()),
            Some('+' | '0'..='9') => self.response(line),
            Some('|') => self.body(line.get(1..).unwrap_or_default()),
            Some(_) => self.words(line),
        }
    }

    fn words(&mut self, line: &str) -> Result<(), Wrong> {
        let words: Vec<_> = line.split_whitespace().collect();
        match words[..] {
            ["user", name, password] => {
                self.playbook.users.push((name.to_owned(), password.to_owned()));
                Ok(())
            }
            ["realm", name] => {
                name.clone_into(&mut self.playbook.realm);
                Ok(())
            }
            ["user" | "realm", ..] => Err(Wrong::NoName),
            _ => match line.split_once(':') {
                Some((name, value)) => self.header(name.trim(), value.trim()),
                None => self.method(&words),
            },
        }
    }

    /// `METHOD [within]`: a script for the next request of that method.
    fn method(&mut self, words: &[&str]) -> Result<(), Wrong> {
        // What follows is not to be taken for a part of the script before.
        self.part = None;
        let (name, within) = match *words {
            [name] => (name, false),
            [name, "within"] => (name, true),
            _ => return Err(Wrong::NoMethod),
        };
        if name.bytes().any(|octet| octet.is_ascii_lowercase()) {
            return Err(Wrong::NoMethod);
        }
        let method = match Method::from_bytes(name.as_bytes()) {
            None => return Err(Wrong::NoMethod),
            Some(Method::Ack | Method::Cancel) => return Err(Wrong::NotPlayed),
            Some(method) => method,
        };
        let parts = &mut self.playbook.parts;
        let same = |part: &Part| part.method == method && part.within == within;
        let index = match parts.iter().position(same) {
            Some(index) => index,
            None => {
                parts.push(Part { method, within, scripts: Vec::new() });
                parts.len() - 1
            }
        };
        if let Some(part) = parts.get_mut(index) {
            part.scripts.push(Script::default());
        }
        self.part = Some(index);
        Ok(())
    }

    /// `[+PAUSE] CODE [sdp | nosdp] [reliable] ["REASON"]`
    fn response(&mut self, line: &str) -> Result<(), Wrong> {
        let script = self.script().ok_or(Wrong::NoScript)?;
        if script.steps.last().is_some_and(|last| ends(last.reply.code)) {
            return Err(Wrong::AfterFinal);
        }
        if script.steps.len() >= Self::MAX_STEPS {
            return Err(Wrong::TooMany);
        }
        let (line, reason) = match line.split_once('"') {
            None => (line, None),
            Some((line, reason)) => (line, Some(reason.trim_end_matches('"').to_owned())),
        };
        let mut words = line.split_whitespace().peekable();
        let after = match words.next_if(|word| word.starts_with('+')) {
            Some(word) => pause(word).ok_or(Wrong::NoPause)?,
            None => Duration::ZERO,
        };
        let mut reply = Reply::new(words.next().and_then(code).ok_or(Wrong::NoCode)?);
        // 183 is there for early media; a 2xx always has an answer or an offer.
        reply.session = reply.code == StatusCode::SESSION_PROGRESS || reply.code.is_success();
        reply.reason = reason;
        for word in words {
            match word {
                "sdp" => reply.session = true,
                "nosdp" => reply.session = false,
                "reliable" => reply.reliable = true,
                other => return Err(Wrong::NoOption(other.to_owned())),
            }
        }
        script.steps.push(Step { after, reply });
        Ok(())
    }

    fn header(&mut self, name: &str, value: &str) -> Result<(), Wrong> {
        if !name.bytes().all(is_token) || name.is_empty() {
            return Err(Wrong::Unknown);
        }
        let reply = self.reply().ok_or(Wrong::NoResponse)?;
        if HeaderName::from_bytes(name.as_bytes()) == Some(HeaderName::ContentType) {
            let body = reply.body.take().map(|(_, body)| body).unwrap_or_default();
            reply.body = Some((value.to_owned(), body));
        } else {
            reply.headers.push((name.to_owned(), value.to_owned()));
        }
        Ok(())
    }

    /// `| a line of the body`
    fn body(&mut self, line: &str) -> Result<(), Wrong> {
        let reply = self.reply().ok_or(Wrong::NoResponse)?;
        let (kind, body) =
            reply.body.take().unwrap_or_else(|| ("text/plain".to_owned(), bytes::Bytes::new()));
        let mut longer = body.to_vec();
        longer.extend_from_slice(line.strip_prefix(' ').unwrap_or(line).as_bytes());
        longer.extend_from_slice(b"\r\n");
        reply.body = Some((kind, longer.into()));
        Ok(())
    }

    fn script(&mut self) -> Option<&mut Script> {
        self.playbook.parts.get_mut(self.part?)?.scripts.last_mut()
    }

    fn reply(&mut self) -> Option<&mut Reply> {
        self.script()?.steps.last_mut().map(|step| &mut step.reply)
    }
}

/// Whether nothing can follow a code: 401 and 407 are followed by what those get who have
/// credentials.
fn ends(code: StatusCode) -> bool {
    code.is_final()
        && !matches!(code, StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED)
}

fn code(word: &str) -> Option<StatusCode> {
    // 100 is sent by the transaction itself (RFC 3261 §17.2.1).
    word.parse().ok().filter(|code| *code > 100).and_then(StatusCode::new)
}

fn pause(word: &str) -> Option<Duration> {
    const HOUR: Duration = Duration::from_secs(3600);
    let word = word.strip_prefix('+')?;
    let pause = match (word.strip_suffix("ms"), word.strip_suffix('s')) {
        (Some(millis), _) => Duration::from_millis(millis.parse().ok()?),
        (None, Some(seconds)) => Duration::from_secs(seconds.parse().ok()?),
        (None, None) => return None,
    };
    (pause <= HOUR).then_some(pause)
}

/// `token` (RFC 3261 §25.1).
const fn is_token(octet: u8) -> bool {
    octet.is_ascii_alphanumeric()
        || matches!(octet, b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~')
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "\
# A phone that wants credentials, then rings and answers.
user alice secret
realm example.org

INVITE
    407
    +500ms 180 reliable
    +2s 183 nosdp
    200

INVITE
    486 \"Gone fishing\"
        Retry-After: 120
        | Until Monday.
        | Or later.

INVITE within
    491

MESSAGE
    415
        Accept: text/html
        Content-Type: application/problem
        | {}
";

    #[test]
    fn a_script_is_read_as_documented() {
        let playbook = parse(WHOLE).unwrap();
        assert_eq!(playbook.realm, "example.org");
        assert_eq!(playbook.users, [("alice".to_owned(), "secret".to_owned())]);
        let kinds: Vec<_> = playbook
            .parts
            .iter()
            .map(|part| (part.method.to_string(), part.within, part.scripts.len()))
            .collect();
        assert_eq!(
            kinds,
            [("INVITE".into(), false, 2), ("INVITE".into(), true, 1), ("MESSAGE".into(), false, 1)]
        );
        let first = &playbook.parts[0].scripts[0].steps;
        let told: Vec<_> = first
            .iter()
            .map(|Step { after, reply }| {
                (after.as_millis(), reply.code.as_u16(), reply.session, reply.reliable)
            })
            .collect();
        assert_eq!(
            told,
            [
                (0, 407, false, false),
                (500, 180, false, true),
                (2000, 183, false, false),
                (0, 200, true, false)
            ]
        );
        let busy = &playbook.parts[0].scripts[1].steps[0].reply;
        assert_eq!(busy.reason.as_deref(), Some("Gone fishing"));
        assert_eq!(busy.headers, [("Retry-After".to_owned(), "120".to_owned())]);
        assert_eq!(
            busy.body,
            Some(("text/plain".to_owned(), "Until Monday.\r\nOr later.\r\n".into()))
        );
        let refused = &playbook.parts[2].scripts[0].steps[0].reply;
        assert_eq!(refused.body, Some(("application/problem".to_owned(), "{}\r\n".into())));
    }

    #[test]
    fn every_fault_is_told_with_its_line() {
        for (text, what) in [
            ("180", Wrong::NoScript),
            ("INVITE\n99", Wrong::NoCode),
            ("INVITE\n100", Wrong::NoCode),
            ("INVITE\n700", Wrong::NoCode),
            ("INVITE\n+1h 180", Wrong::NoPause),
            ("INVITE\n+7200s 180", Wrong::NoPause),
            ("INVITE\n180 loud", Wrong::NoOption("loud".to_owned())),
            ("INVITE\nSubject: x", Wrong::NoResponse),
            ("INVITE\n| x", Wrong::NoResponse),
            ("INVITE\n486\n200", Wrong::AfterFinal),
            ("invite", Wrong::NoMethod),
            ("INVITE sometimes", Wrong::NoMethod),
            ("ACK", Wrong::NotPlayed),
            ("user alice", Wrong::NoName),
            ("two words: x", Wrong::Unknown),
        ] {
            let faults = parse(text).unwrap_err();
            assert_eq!(faults.0, [Fault { line: text.lines().count(), what }], "{text:?}");
        }
        let faults = parse("180\nINVITE\n42\n").unwrap_err();
        assert_eq!(
            faults.to_string(),
            "line 1: a response needs a method above it; line 3: write a code of 101 to 699"
        );
        let many = format!("INVITE\n{}", "180\n".repeat(65));
        assert_eq!(parse(&many).unwrap_err().0, [Fault { line: 66, what: Wrong::TooMany }]);
    }

    #[test]
    fn whatever_is_in_a_file_it_is_read_to_its_end() {
        for text in
            ["", "\n\n", "+", "|", ":", "\"", "180 \"", "INVITE\n180 \"\u{e9}", "+\u{b5}s 1"]
        {
            let _ = parse(text);
        }
    }
}
