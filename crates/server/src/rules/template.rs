//! Texts with captures: `sip:+44$1@carrier.example`.

use std::fmt;

use antiphon_sip::{Uri, UriBuf};
use toml::de::DeValue;

use super::captures::{Captures, Word};
use crate::reading::reader::{FromValue, Item, Reader};
use crate::reading::value::Located;

/// What a capture may stand for: letters may be a host, digits a port, and both a user part.
const PLACEHOLDERS: [[&str; 2]; 2] = [["a", "b"], ["1", "2"]];

/// A text in which captures are put: `$1`, `${1}`, `$name`, `${name}`; `$$` is a dollar sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template {
    text: Box<str>,
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(Box<str>),
    Capture(Word),
}

impl Template {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            push_text(&mut pieces, before);
            if let Some(after) = after.strip_prefix('$') {
                push_text(&mut pieces, "$");
                rest = after;
                continue;
            }
            let (word, after) = word(after)?;
            pieces.push(Piece::Capture(Word::new(word)));
            rest = after;
        }
        push_text(&mut pieces, rest);
        Some(Self { text: text.into(), pieces })
    }

    /// The captures that it wants.
    pub(crate) fn words(&self) -> impl Iterator<Item = &Word> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Text(_) => None,
            Piece::Capture(word) => Some(word),
        })
    }

    /// Whether the request has a say in what it makes.
    pub(crate) fn depends_on_the_request(&self) -> bool {
        self.words().next().is_some()
    }

    /// Whether the request has a say in the host of the URI that it makes.
    pub(crate) fn lets_the_request_choose_the_host(&self) -> bool {
        let hosts = PLACEHOLDERS.map(|pair| pair.map(|text| host_of(&self.filled(text))));
        let readable = hosts.into_iter().find(|[one, _]| one.is_some());
        readable.is_none_or(|[one, other]| one != other)
    }

    /// The host of the URI that it makes for every request, if it is that of a domain alone: without
    /// a port or `maddr`, which would lead elsewhere.
    pub(crate) fn fixed_host(&self) -> Option<String> {
        if self.lets_the_request_choose_the_host() {
            return None;
        }
        let texts = PLACEHOLDERS.map(|[text, _]| self.filled(text));
        let uri = texts.iter().find_map(|text| Uri::parse(text).ok())?;
        let sip = uri.as_sip().filter(|sip| sip.port.is_none() && sip.maddr().is_none())?;
        Some(sip.host.to_string())
    }

    /// Whether it makes a URI, as far as that can be told without a request.
    pub(crate) fn makes_a_uri(&self) -> bool {
        matches!(self.pieces.as_slice(), [Piece::Capture(Word::Uri)])
            || PLACEHOLDERS.iter().any(|[text, _]| Uri::parse(&self.filled(text)).is_ok())
    }

    fn filled(&self, placeholder: &str) -> String {
        self.made(|_| Some(placeholder))
    }

    /// The text for a request.
    pub(crate) fn text(&self, captures: &Captures<'_>) -> String {
        self.made(|word| captures.get(word))
    }

    /// The URI for a request; a request may be such that none comes out.
    pub(crate) fn uri(&self, captures: &Captures<'_>) -> Option<UriBuf> {
        UriBuf::parse(&self.text(captures)).ok()
    }

    fn made<'a, T: AsRef<str>>(&'a self, value: impl Fn(&'a Word) -> Option<T>) -> String {
        let mut made = String::with_capacity(self.text.len() + 16);
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => made.push_str(text),
                Piece::Capture(word) => {
                    made.push_str(value(word).as_ref().map_or("", AsRef::as_ref));
                }
            }
        }
        made
    }
}

fn push_text(pieces: &mut Vec<Piece>, text: &str) {
    if !text.is_empty() {
        pieces.push(Piece::Text(text.into()));
    }
}

/// The word behind a dollar sign, and what follows it.
fn word(text: &str) -> Option<(&str, &str)> {
    if let Some(braced) = text.strip_prefix('{') {
        let (word, rest) = braced.split_once('}')?;
        let is_word = !word.is_empty() && word.bytes().all(is_word_octet);
        return is_word.then_some((word, rest));
    }
    // `$1234` is `$1` and then 234 for nobody: as many digits as there are belong to the number.
    let is_number = text.starts_with(|first: char| first.is_ascii_digit());
    let belongs = |octet: u8| {
        if is_number { octet.is_ascii_digit() } else { is_word_octet(octet) }
    };
    let end = text.bytes().position(|octet| !belongs(octet)).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

const fn is_word_octet(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || octet == b'_'
}

fn host_of(uri: &str) -> Option<String> {
    let uri = Uri::parse(uri).ok()?;
    uri.as_sip().map(|sip| sip.host.to_string())
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromValue for Template {
    fn kind() -> String {
        "a text in which $1, $name or ${name} stand for captures and $$ for a dollar sign"
            .to_owned()
    }

    fn from_value(item: &Item<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let text = String::from_value(item, reader)?;
        Self::parse(&text).or_else(|| reader.not_a(item, Self::kind(), None))
    }
}

/// A template that makes a URI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UriTemplate(pub(crate) Located<Template>);

impl FromValue for UriTemplate {
    fn kind() -> String {
        "a URI in which $1, $name or ${name} stand for captures".to_owned()
    }

    fn from_value(item: &Item<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let DeValue::String(text) = item.get_ref() else {
            return reader.wrong_kind(item, Self::kind());
        };
        let template = Located::<Template>::from_value(item, reader)?;
        if template.value.makes_a_uri() {
            return Some(Self(template));
        }
        let meant = format!("sip:{text}");
        let is_right = Template::parse(&meant).is_some_and(|template| template.makes_a_uri());
        let problem = crate::reading::fault::Problem::NotAUri(text.as_ref().into());
        reader.fault_meaning(&item.span(), problem, is_right.then_some(meant.as_str()));
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let template = Template::parse(text).unwrap();
        template.words().map(ToString::to_string).collect()
    }

    #[test]
    fn captures_are_found_in_a_text() {
        assert_eq!(words("sip:+44$1@${host};x=$area_code"), ["1", "host", "area_code"]);
        assert_eq!(words("$12"), ["12"]);
        assert_eq!(words("${1}2"), ["1"]);
        assert_eq!(words("no $$ money"), [""; 0]);
        for bad in ["$", "a$ b", "${", "${}", "${a b}", "$-"] {
            assert_eq!(Template::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn who_chooses_the_host_is_known_before_any_request() {
        let chooses = |text| Template::parse(text).unwrap().lets_the_request_choose_the_host();
        assert!(!chooses("sip:$1@example.org"));
        assert!(chooses("sip:a@$host"));
        assert!(chooses("sip:a@$1.example.org"));
        assert!(chooses("$uri"));
        assert!(!chooses("sip:a@example.org:$1"));
    }
}
