//! The targets that a request had on its way (History-Info, RFC 7044).
//!
//! Entries are added when the request asks for them: by entries of its own or by `histinfo` in
//! Supported. Every other request goes without: the field tells the callee by which names and
//! telephones a caller came, which nobody who did not ask is to be told.

use antiphon_sip::header::HistoryInfo;
use antiphon_sip::name::PrivacyValue;
use antiphon_sip::uri::{SipUri, escape_header};
use antiphon_sip::{HeaderName, Headers, OptionTag, Request, Response, StatusCode, Uri, UriBuf};

use crate::registrar::supports;

/// Entries at most. A request that has more is passed on as it came: each forward adds one, and
/// with each redirection all of them are sent again.
const MAX_ENTRIES: usize = 64;

/// Numbers in an index at most: more hops than Max-Forwards lets a request take.
const MAX_DEPTH: usize = 80;

/// The URI that nobody is found by (RFC 3323 §4.1.1.3).
const ANONYMOUS: &str = "sip:anonymous@anonymous.invalid";

/// How a target came about, as History-Info tells it (RFC 7044 §10.4).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Origin {
    /// It was chosen here for the Request-URI, or is the Request-URI itself.
    #[default]
    Chosen,
    /// It is a contact of this user, who may be another than that of the Request-URI.
    ContactOf(UriBuf),
    /// A redirection named it, with this parameter (`mp=1.2`) or none.
    Redirection(Option<Box<str>>),
}

/// What is known of the way of one request.
#[derive(Debug)]
pub(super) struct History {
    /// The entries that are complete, in the order of their indexes.
    cache: Vec<Entry>,
    /// The index of the Request-URI that came here.
    parent: Index,
    /// How many places it was sent to from there.
    children: u32,
    /// What was added for a branch that nobody has answered yet.
    open: Vec<(usize, Entry)>,
    /// Whether the caller is to hear of it (§9.4).
    is_told: bool,
}

/// A place in the tree of targets.
type Index = Vec<u32>;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    index: Index,
    /// The URI without its headers.
    uri: Box<str>,
    /// The headers of the URI, escaped: Reason and Privacy among them.
    headers: String,
    /// All parameters, the index among them.
    params: String,
    /// Made here, so that hiding it is for us.
    is_own: bool,
}

impl History {
    /// The history of a request that wants one.
    pub(super) fn of(request: &Request) -> Option<Self> {
        let has_entries = request.headers().has(HeaderName::HistoryInfo);
        if request.to_tag().is_some() || !(has_entries || supports(request, &OptionTag::HistInfo)) {
            return None;
        }
        let mut cache = entries(request.headers())?;
        let uri = request.uri();
        let is_last = |entry: &Entry| {
            UriBuf::parse(&entry.uri).is_ok_and(|last| last.as_uri().is_equivalent(&uri))
        };
        // §9.1, §10.3: the element before us did not say where it sent the request.
        let parent = match cache.last() {
            Some(last) if is_last(last) => last.index.clone(),
            last => {
                let index = last.map_or(vec![1], |last| child(&last.index, 0));
                cache.push(Entry::own(index.clone(), &uri, ""));
                index
            }
        };
        (cache.len() < MAX_ENTRIES && parent.len() < MAX_DEPTH).then_some(Self {
            cache,
            parent,
            children: 0,
            open: Vec::new(),
            is_told: true,
        })
    }

    /// Writes the history into the copy of a branch, with its own entry (§9.2).
    pub(super) fn add(
        &mut self,
        branch: usize,
        received: &Uri<'_>,
        copy: &mut Request,
        origin: &Origin,
    ) {
        if self.cache.len() + self.open.len() >= MAX_ENTRIES {
            return;
        }
        self.children += 1;
        let (mut index, mut parent) = (child(&self.parent, self.children), self.parent.clone());
        let cause = match origin {
            Origin::Redirection(param) => param.as_deref().map(|param| format!(";{param}")),
            Origin::ContactOf(user) => {
                if !is_same_user(&user.as_uri(), received) {
                    // §7: what it was made into before it left.
                    let cause = format!(";mp={}", write(&parent));
                    self.insert(Entry::own(index.clone(), &user.as_uri(), &cause));
                    parent.clone_from(&index);
                    index = child(&index, 1);
                }
                Some(format!(";rc={}", write(&parent)))
            }
            Origin::Chosen if copy.uri().is_equivalent(received) => {
                Some(format!(";np={}", write(&parent)))
            }
            Origin::Chosen => Some(format!(";mp={}", write(&parent))),
        };
        let entry = Entry::own(index, &copy.uri(), &cause.unwrap_or_default());
        write_entries(copy.headers_mut(), self.cache.iter().chain([&entry]));
        self.open.push((branch, entry));
    }

    /// A branch has an answer (§9.3): its entry is complete, with the reason if it failed, and
    /// what the answer tells beside it is known.
    pub(super) fn answered(&mut self, branch: usize, response: &Response) {
        if response.status() == StatusCode::TRYING {
            return;
        }
        let at = self.open.iter().position(|(open, _)| *open == branch);
        let is_success = response.status().is_success() || response.status().is_provisional();
        if let Some(at) = at {
            let mut entry = self.open[at].1.clone();
            if !is_success {
                self.open.swap_remove(at);
                entry.explain(response);
            }
            // Where it rings, or was taken, more may be told later.
            self.cache.retain(|known| !(known.is_own && known.index == entry.index));
            self.insert(entry);
        }
        for entry in entries(response.headers()).unwrap_or_default() {
            let is_known = |known: &Entry| known.index == entry.index && known.uri == entry.uri;
            if !self.cache.iter().any(is_known) {
                self.insert(entry);
            }
        }
    }

    /// What the caller hears (§9.4).
    pub(super) fn tell(&self, response: &mut Response) {
        if self.is_told && response.status() != StatusCode::TRYING {
            write_entries(response.headers_mut(), self.cache.iter());
        }
    }

    fn insert(&mut self, entry: Entry) {
        if self.cache.len() < MAX_ENTRIES {
            let at = self.cache.partition_point(|known| known.index <= entry.index);
            self.cache.insert(at, entry);
        }
    }

    /// Hides what is not for the outside (§10.1.2), as far as it was added here: the whole if the
    /// message asks for it, else each entry that asks for it itself.
    pub(super) fn hide(&self, headers: &mut Headers) {
        let Some(listed) = entries(headers).filter(|listed| !listed.is_empty()) else { return };
        let privacy = headers.field::<antiphon_sip::header::Privacy<'_>>();
        let is_wished = match privacy {
            Ok(Some(privacy)) => {
                privacy.has(&PrivacyValue::History) || privacy.has(&PrivacyValue::Header)
            }
            Ok(None) => false,
            // What cannot be read may have been a wish for privacy.
            Err(_) => true,
        };
        if !is_wished {
            return;
        }
        let is_own = |entry: &Entry| {
            let mut known = self.cache.iter().chain(self.open.iter().map(|(_, entry)| entry));
            known.any(|known| known.is_own && known.index == entry.index)
        };
        let hidden = listed.into_iter().map(|entry| {
            if is_own(&entry) {
                return Entry { uri: ANONYMOUS.into(), headers: String::new(), ..entry };
            }
            entry
        });
        let hidden: Vec<Entry> = hidden.collect();
        write_entries(headers, hidden.iter());
        remove_wish(headers);
    }
}

impl Entry {
    fn own(index: Index, uri: &Uri<'_>, cause: &str) -> Self {
        let params = format!(";index={}{cause}", write(&index));
        let uri = match uri {
            Uri::Sip(sip) => UriBuf::from(Uri::Sip(SipUri { headers: None, ..*sip })),
            other => UriBuf::from(*other),
        };
        Self { index, uri: uri.as_str().into(), headers: String::new(), params, is_own: true }
    }

    /// §10.2: the code, and what the response itself gives as its reason.
    fn explain(&mut self, response: &Response) {
        if !self.uri.get(..3).is_some_and(|scheme| scheme.eq_ignore_ascii_case("sip")) {
            return;
        }
        let code = format!("SIP;cause={}", response.status().as_u16());
        let given = response.headers().values(HeaderName::Reason);
        let given = given.map(|value| String::from_utf8_lossy(value).into_owned());
        for reason in std::iter::once(code).chain(given.take(1)) {
            if !self.headers.is_empty() {
                self.headers.push('&');
            }
            self.headers += &format!("Reason={}", escape_header(&reason));
        }
    }
}

/// The entries of a message; `None` when there are too many, or one that cannot be placed.
fn entries(headers: &Headers) -> Option<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in headers.list::<HistoryInfo<'_>>() {
        let entry = entry.ok()?;
        if entries.len() >= MAX_ENTRIES {
            return None;
        }
        let (uri, headers) = match entry.uri {
            Uri::Sip(sip) => (
                UriBuf::from(Uri::Sip(SipUri { headers: None, ..sip })).as_str().into(),
                sip.headers.unwrap_or_default().to_owned(),
            ),
            _ => (entry.uri_text.into(), String::new()),
        };
        let params = entry.params.to_string();
        entries.push(Entry { index: read(entry.index()?)?, uri, headers, params, is_own: false });
    }
    Some(entries)
}

fn write_entries<'a>(headers: &mut Headers, entries: impl Iterator<Item = &'a Entry>) {
    headers.remove(HeaderName::HistoryInfo);
    for Entry { uri, headers: of_uri, params, .. } in entries {
        let mark = if of_uri.is_empty() { "" } else { "?" };
        headers.push(HeaderName::HistoryInfo, format_args!("<{uri}{mark}{of_uri}>{params}"));
    }
}

/// Takes the wish that has been granted off a message (§10.1.2).
fn remove_wish(headers: &mut Headers) {
    let Some(wishes) = headers.text(HeaderName::Privacy) else { return };
    let is_other = |wish: &&str| !wish.is_empty() && !wish.eq_ignore_ascii_case("history");
    let others: Vec<&str> = wishes.split(';').map(str::trim).filter(is_other).collect();
    let others = others.join(";");
    headers.remove(HeaderName::Privacy);
    if !others.is_empty() {
        headers.push(HeaderName::Privacy, others);
    }
}

fn is_same_user(one: &Uri<'_>, other: &Uri<'_>) -> bool {
    match (one, other) {
        (Uri::Sip(one), Uri::Sip(other)) => {
            one.user_unescaped() == other.user_unescaped()
                && one.host.to_string().eq_ignore_ascii_case(&other.host.to_string())
        }
        _ => one.is_equivalent(other),
    }
}

fn child(parent: &[u32], number: u32) -> Index {
    parent.iter().copied().chain([number]).collect()
}

fn write(index: &[u32]) -> String {
    let numbers: Vec<String> = index.iter().map(ToString::to_string).collect();
    numbers.join(".")
}

fn read(text: &str) -> Option<Index> {
    let index: Index = text.split('.').map(|number| number.parse().ok()).collect::<Option<_>>()?;
    (index.len() <= MAX_DEPTH).then_some(index)
}

#[cfg(test)]
mod tests {
    use antiphon_sip::{Limits, Message, parse};

    use super::*;

    fn request(headers: &str) -> Request {
        let text = format!(
            "INVITE sip:bob@example.org SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n\
             From: <sip:a@a.example>;tag=1\r\nTo: <sip:bob@example.org>\r\nCall-ID: 1\r\n\
             CSeq: 1 INVITE\r\n{headers}Content-Length: 0\r\n\r\n"
        );
        match parse::datagram(text.into(), &Limits::default()) {
            Ok(Message::Request(request)) => request,
            other => panic!("{other:?}"),
        }
    }

    fn listed(headers: &Headers) -> Vec<String> {
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        headers.values(HeaderName::HistoryInfo).map(text).collect()
    }

    /// The entries of the copy to a URI.
    fn sent(history: &mut History, branch: usize, to: &str, origin: &Origin) -> Vec<String> {
        let received = request("");
        let mut copy = request("");
        copy.set_uri(UriBuf::parse(to).unwrap());
        history.add(branch, &received.uri(), &mut copy, origin);
        listed(copy.headers())
    }

    fn answer(history: &mut History, branch: usize, status: u16) -> Vec<String> {
        let status = StatusCode::new(status).unwrap();
        let mut response = Response::builder(&request(""), status).to_tag("t").build();
        history.answered(branch, &response);
        history.tell(&mut response);
        listed(response.headers())
    }

    fn contact() -> Origin {
        Origin::ContactOf(UriBuf::parse("sip:bob@example.org").unwrap())
    }

    const WANTED: &str = "Supported: histinfo\r\n";

    #[test]
    fn nobody_who_did_not_ask_gets_a_history() {
        assert!(History::of(&request("")).is_none());
        assert!(History::of(&request(WANTED)).is_some());
        assert!(History::of(&request("History-Info: <sip:bob@example.org>;index=1\r\n")).is_some());
    }

    #[test]
    fn the_first_entry_is_made_for_the_element_before_rfc7044_9_1() {
        let mut history = History::of(&request(WANTED)).unwrap();
        let sent = sent(&mut history, 0, "sip:bob@example.org", &Origin::Chosen);
        assert_eq!(sent, ["<sip:bob@example.org>;index=1", "<sip:bob@example.org>;index=1.1;np=1"]);
    }

    #[test]
    fn a_gap_is_shown_by_a_zero_rfc7044_10_3() {
        let before = "History-Info: <sip:x@example.com>;index=1.1.2\r\n";
        let mut history = History::of(&request(before)).unwrap();
        let sent = sent(&mut history, 0, "sip:bob@192.0.2.2", &contact());
        assert_eq!(
            sent,
            [
                "<sip:x@example.com>;index=1.1.2",
                "<sip:bob@example.org>;index=1.1.2.0",
                "<sip:bob@192.0.2.2>;index=1.1.2.0.1;rc=1.1.2.0"
            ]
        );
    }

    #[test]
    fn a_fork_tells_of_the_branches_that_failed_before_it_rfc7044_9_3() {
        let before = "History-Info: <sip:bob@example.org>;index=1\r\n";
        let mut history = History::of(&request(before)).unwrap();
        let first = sent(&mut history, 0, "sip:bob@192.0.2.2", &contact());
        assert_eq!(first[1], "<sip:bob@192.0.2.2>;index=1.1;rc=1");
        let second = sent(&mut history, 1, "sip:bob@192.0.2.3", &contact());
        assert_eq!(second[1..], ["<sip:bob@192.0.2.3>;index=1.2;rc=1"], "1.1 has no answer yet");
        answer(&mut history, 0, 486);
        let third = sent(&mut history, 2, "sip:mail@example.org", &Origin::Chosen);
        assert_eq!(
            third[1..],
            [
                "<sip:bob@192.0.2.2?Reason=SIP%3Bcause%3D486>;index=1.1;rc=1",
                "<sip:mail@example.org>;index=1.3;mp=1"
            ]
        );
        assert_eq!(answer(&mut history, 2, 200).len(), 3);
        let all = answer(&mut history, 1, 487);
        assert_eq!(all[2], "<sip:bob@192.0.2.3?Reason=SIP%3Bcause%3D487>;index=1.2;rc=1");
        assert_eq!(all[3], "<sip:mail@example.org>;index=1.3;mp=1");
    }

    #[test]
    fn another_user_on_the_way_has_an_entry_of_its_own_rfc7044_7() {
        let mut history = History::of(&request(WANTED)).unwrap();
        let carol = Origin::ContactOf(UriBuf::parse("sip:carol@example.org").unwrap());
        let sent = sent(&mut history, 0, "sip:carol@192.0.2.4", &carol);
        assert_eq!(
            sent[1..],
            ["<sip:carol@example.org>;index=1.1;mp=1", "<sip:carol@192.0.2.4>;index=1.1.1;rc=1.1"]
        );
    }

    #[test]
    fn a_redirection_says_itself_what_it_was_rfc7044_10_4() {
        let mut history = History::of(&request(WANTED)).unwrap();
        let named = Origin::Redirection(Some("mp=1".into()));
        assert_eq!(
            sent(&mut history, 0, "sip:c@b.example", &named)[1],
            "<sip:c@b.example>;index=1.1;mp=1"
        );
        let unnamed = Origin::Redirection(None);
        assert_eq!(
            sent(&mut history, 1, "sip:d@b.example", &unnamed)[1],
            "<sip:d@b.example>;index=1.2"
        );
    }

    #[test]
    fn what_was_added_here_is_hidden_outside_when_it_is_wished_rfc7044_10_1_2() {
        let before = "History-Info: <sip:x@example.com>;index=1\r\nPrivacy: id;history\r\n";
        let mut history = History::of(&request(before)).unwrap();
        let mut copy = request(before);
        let received = request("");
        history.add(0, &received.uri(), &mut copy, &Origin::Chosen);
        history.hide(copy.headers_mut());
        assert_eq!(
            listed(copy.headers()),
            [
                "<sip:x@example.com>;index=1",
                "<sip:anonymous@anonymous.invalid>;index=1.0",
                "<sip:anonymous@anonymous.invalid>;index=1.0.1;np=1.0"
            ]
        );
        assert_eq!(copy.headers().text(HeaderName::Privacy), Some("id"));
    }

    #[test]
    fn what_cannot_be_placed_or_is_too_much_is_passed_on_as_it_is() {
        for odd in ["<sip:a@b>".to_owned(), "<sip:a@b>;index=1, ".repeat(70) + "<sip:a@b>;index=1"]
        {
            assert!(History::of(&request(&format!("History-Info: {odd}\r\n"))).is_none());
        }
    }
}
