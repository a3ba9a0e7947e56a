//! To which answers a rule has something follow.

use std::fmt;

use antiphon_sip::StatusCode;

use crate::reading::reader::{FromValue, Item, Reader};
use crate::reading::value::{seconds, written};

/// The longest that a rule may wait for an answer: Timer C ends an INVITE without one after three
/// minutes (RFC 3261 §16.6 step 11).
const LONGEST_WAIT: u32 = 180;

/// Which answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum On {
    /// This one.
    Status(StatusCode),
    /// Any of a class, 3 to 6, that has no entry of its own.
    Class(u8),
    /// None to INVITE after so many seconds.
    NoAnswer(u32),
}

impl On {
    fn parse(text: &str) -> Option<Self> {
        if let Some(wait) = text.strip_prefix("no-answer ") {
            let wait = seconds(wait.trim())?;
            return (1..=LONGEST_WAIT).contains(&wait).then_some(Self::NoAnswer(wait));
        }
        match text.as_bytes() {
            [class @ b'3'..=b'6', b'x' | b'X', b'x' | b'X'] => Some(Self::Class(class - b'0')),
            // What ends well or is not the end yet is never a rule's business.
            digits => {
                StatusCode::from_bytes(digits).filter(|code| code.as_u16() >= 300).map(Self::Status)
            }
        }
    }
}

impl fmt::Display for On {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(code) => code.as_u16().fmt(f),
            Self::Class(class) => write!(f, "{class}xx"),
            Self::NoAnswer(wait) => write!(f, "no-answer {}", written(*wait)),
        }
    }
}

impl FromValue for On {
    fn kind() -> String {
        format!(
            "a status code from \"300\" to \"699\", a class such as \"4xx\", or \"no-answer 20s\" \
             with {} at most",
            written(LONGEST_WAIT)
        )
    }

    fn from_value(item: &Item<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let text = reader.text(item, Self::kind)?;
        Self::parse(text).or_else(|| {
            let meant = meant(text);
            reader.not_a(item, Self::kind(), meant.as_deref())
        })
    }
}

fn meant(text: &str) -> Option<String> {
    let squeezed: String =
        text.chars().map(|letter| if matches!(letter, '_' | ' ') { '-' } else { letter }).collect();
    if let Some(wait) = squeezed.to_ascii_lowercase().strip_prefix("no-answer") {
        let digits: String = wait.chars().filter(char::is_ascii_digit).collect();
        let wait = if digits.is_empty() { "20".to_owned() } else { digits };
        return Some(format!("no-answer {wait}s")).filter(|meant| On::parse(meant).is_some());
    }
    match text.as_bytes() {
        [class @ b'3'..=b'6', _, b'x' | b'X' | b'*'] => Some(format!("{}xx", char::from(*class))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_codes_classes_and_silence() {
        assert_eq!(On::parse("486"), Some(On::Status(StatusCode::BUSY_HERE)));
        assert_eq!(On::parse("4xx"), Some(On::Class(4)));
        assert_eq!(On::parse("no-answer 20s"), Some(On::NoAnswer(20)));
        for bad in ["200", "180", "2xx", "7xx", "700", "48", "no-answer", "no-answer 4m", ""] {
            assert_eq!(On::parse(bad), None, "{bad}");
        }
        assert_eq!(meant("48x").as_deref(), Some("4xx"));
        assert_eq!(meant("no-answer").as_deref(), Some("no-answer 20s"));
        assert_eq!(meant("no_answer 15").as_deref(), Some("no-answer 15s"));
    }
}
