//! Rules as they are written.

use antiphon_sip::{Method, Transport};
use ipnet::IpNet;
use toml::de::DeValue;

use super::hours::{Days, Hours};
use super::on::On;
use super::pattern::Pattern;
use super::template::{Template, UriTemplate};
use crate::media::MediaUse;
use crate::reading::kinds::{FinalStatus, HostName, Role};
use crate::reading::reader::{FromValue, Item, Reader};
use crate::reading::section::section;
use crate::reading::suggest::nearest;
use crate::reading::value::{Count, Entries, Located, LongText, OneOf, Period, Preference, Whole};

section! {
    /// Rules say where requests go. They are looked at in the order of the file and the first
    /// whose conditions all hold decides; behind them stand the rules of
    /// [default-rules.toml](default-rules.toml), unless `default_rules` is `false`. A request that
    /// no rule takes is answered 404.
    pub(crate) struct RawRule: "rule" {
        /// The rule's name, by which `antiphon route` and other rules speak of it.
        "name" => name: Located<String>, Required, sample r#""sample of locate""#;
        /// The conditions. All must hold; without any, the rule takes every request.
        "when" => when: Whole<RawWhen>, Default("{}"), sample "";
        /// What is done: one action, or the word `"locate"`.
        "do" => action: Located<RawDo>, Required, sample "";
        /// What is done about which answer. A key is a status code (`"486"`), a class (`"4xx"`)
        /// or a time without an answer to INVITE (`"no-answer 20s"`); the code goes before its
        /// class. A value is `"next"` (the next target, if there is one), `"forward"` (the answer
        /// goes to the caller), `{ rule = "name" }` (another rule's action, if its conditions hold)
        /// or an action. After a 6xx nobody else is called (RFC 3261 §16.7): only an answer or a
        /// redirection can follow it.
        "on" => on: Entries<Located<On>, Located<RawThen>>, Default("{}"),
            sample r#"{ "503" = "next", "4xx" = "forward", "486" = { rule = "sample of voicemail" }, "no-answer 20s" = { voicemail = "sip:$user@voicemail.example.org" } }"#;
        /// Which of the calls that it sends on have their media relayed, in the place of what
        /// `[media]` says.
        "media" => media: Option<MediaUse>, Optional, sample r#""always""#;
        /// Whether strangers may use the rule: senders that neither signed in nor come from a
        /// trusted network. Without it, they are asked to sign in before the rule takes them
        /// through a trunk or to a URI in which they have a say.
        "open" => is_open: bool, Default("false"), sample "false",
            danger "With `true`, whoever can reach the server can call through the trunk, and you pay.";
    }
}

section! {
    /// The conditions of a rule. Patterns are regular expressions as in
    /// [the regex crate](https://docs.rs/regex/latest/regex/#syntax), which are matched in linear
    /// time; a pattern must match the whole text.
    pub(crate) struct RawWhen: "rule.when" {
        /// The method.
        "method" => method: Option<OneOf<Method>>, Optional, sample r#"["INVITE", "MESSAGE"]"#;
        /// Whether the Request-URI is in a domain of ours.
        "local" => local: Option<bool>, Optional, sample "true";
        /// Whether the sender signed in.
        "authenticated" => authenticated: Option<bool>, Optional, sample "true";
        /// Whether the request came from one of the `trusted` networks.
        "trusted" => trusted: Option<bool>, Optional, sample "false";
        /// The role of the Request-URI's domain.
        "role" => role: Option<Role>, Optional, sample r#""proxy""#;
        /// The transport that the request came over.
        "transport" => transport: Option<OneOf<Transport>>, Optional, sample r#"["tcp", "tls"]"#;
        /// The network that the request came from.
        "source" => source: Option<OneOf<IpNet>>, Optional, sample r#""203.0.113.0/24""#;
        /// The host of the Request-URI.
        "callee_domain" => callee_domain: Option<OneOf<HostName>>, Optional,
            sample r#""example.org""#;
        /// The host of From.
        "caller_domain" => caller_domain: Option<OneOf<HostName>>, Optional,
            sample r#"["example.org", "example.com"]"#;
        /// The hours of the day, in the server's time zone. The end does not belong to them, and
        /// they may go over midnight.
        "hours" => hours: Option<OneOf<Hours>>, Optional,
            sample r#"["08:00-12:00", "13:00-18:00"]"#;
        /// The days of the week, in the server's time zone.
        "weekdays" => weekdays: Option<OneOf<Days>>, Optional, sample r#""mon-fri""#;
        /// The trunk that the request came from: over the registration there, or from one of its
        /// targets. What came for the registered address-of-record is then for the user of that name
        /// in the first domain of ours, and so is what came for a number at an address of ours.
        "from_trunk" => from_trunk: Option<OneOf<Located<String>>>, Optional,
            sample r#""carrier""#;
        /// Trunks that must all be up. A trunk that is not probed counts as up.
        "trunk_up" => trunk_up: Option<OneOf<Located<String>>>, Optional, sample r#""carrier""#;
        /// Trunks that must all be down.
        "trunk_down" => trunk_down: Option<OneOf<Located<String>>>, Optional,
            sample r#""other carrier""#;
        /// A pattern for the Request-URI as it is written.
        "uri" => uri: Option<Pattern>, Optional, sample r"'sips?:.*'";
        /// A pattern for the user of the Request-URI, escapes undone, or for the digits of a `tel`
        /// URI.
        "callee" => callee: Option<Pattern>, Optional, sample r"'00(?<abroad>[1-9]\d+)'";
        /// A pattern for the user of From.
        "caller" => caller: Option<Pattern>, Optional, sample r"'2\d\d|alice'";
        /// Header fields and patterns for their values. Of a field that stands in several lines,
        /// one must match.
        "header" => header: Entries<Located<String>, Pattern>, Default("{}"),
            sample r"{ Subject = '(?i).*urgent.*' }";
    }
}

section! {
    /// One action: one of `locate`, `trunk`, `send`, `fork`, `redirect`, `answer` and `voicemail`,
    /// and the keys that belong to it. In its texts `$1`, `$2` stand for what the groups of the
    /// rule's patterns captured, counted through the patterns in the order `uri`, `callee`,
    /// `caller`, `header`; `$name` for a group `(?<name>...)`; `$uri`, `$user` and `$host` for the
    /// Request-URI and its parts, `$caller` for the user of From.
    pub(crate) struct RawAction: "rule.do" {
        /// Looks up where the user is, and goes there. The word `"locate"` in place of the table
        /// looks up the Request-URI itself.
        "locate" => locate: Option<UriTemplate>, Optional, sample r#""sip:$1@example.org""#;
        /// Goes out through a trunk.
        "trunk" => trunk: Option<Located<String>>, Optional, sample r#""carrier""#;
        /// With `trunk`: the user or number that is called there. Without it, that of the
        /// Request-URI.
        "user" => user: Option<Located<Template>>, Optional, sample r#""+$abroad""#;
        /// Goes to a URI.
        "send" => send: Option<UriTemplate>, Optional, sample r#""sip:$user@gateway.example.net""#;
        /// With `trunk` or `send`: whether nothing is kept of the request (RFC 3261 §16.11). There is
        /// no 100, no second server when the first fails, and no answer of this server when nobody
        /// answers; sent again, the request takes the same way again. What needs state has it all
        /// the same: requests that came over a stream or that are too large for UDP, those whose
        /// sender signed in, those that go to a user of ours or by way of the media relay, and
        /// everything within the dialog.
        "stateless" => stateless: Option<Located<bool>>, Optional, sample "false";
        /// Goes to several at once, or, where they differ in `q`, to one after the other.
        "fork" => fork: Option<Located<Vec<Located<RawHop>>>>, Optional,
            sample r#"["sip:alice@example.org", { trunk = "carrier", user = "+442079460123", q = 0.5 }]"#;
        /// Answers with a redirection: 300, 301, 302, 305 or 380.
        "redirect" => redirect: Option<Located<Count<300, 380>>>, Optional, sample "302";
        /// With `redirect`: where to go, or the word `"located"`: where the user is.
        "contacts" => contacts: Option<Located<RawContacts>>, Optional,
            sample r#"[{ uri = "sip:$user@example.com", q = 1.0, expires = "1h" }]"#;
        /// With `redirect`: a body.
        "body" => body: Option<Located<LongText>>, Optional,
            sample r#""The office has moved.""#;
        /// With `body`: its Content-Type. Without it, `text/plain`.
        "body_type" => body_type: Option<Located<String>>, Optional, sample r#""text/plain""#;
        /// Answers with a final status code.
        "answer" => answer: Option<Located<FinalStatus>>, Optional, sample "480";
        /// With `answer`: the reason phrase. Without it, that of the code.
        "reason" => reason: Option<Located<String>>, Optional, sample r#""Closed for today""#;
        /// With `answer`: header fields that are added.
        "headers" => headers: Option<Located<Entries<Located<String>, String>>>, Optional,
            sample r#"{ "Retry-After" = "3600" }"#;
        /// Hands over to a voicemail system, which is told whose call it is and why it comes
        /// (RFC 4458).
        "voicemail" => voicemail: Option<UriTemplate>, Optional,
            sample r#""sip:$user@voicemail.example.org""#;
    }
}

section! {
    /// A branch of a fork or a contact of a redirection. A text in place of the table is its URI.
    pub(crate) struct RawBranch: "rule.do.fork" {
        /// The URI.
        "uri" => uri: Option<UriTemplate>, Optional, sample r#""sip:$user@example.com""#;
        /// In place of `uri`, in a fork: the trunk.
        "trunk" => trunk: Option<Located<String>>, Optional, sample r#""carrier""#;
        /// With `trunk`: the user or number that is called there.
        "user" => user: Option<Located<Template>>, Optional, sample r#""$user""#;
        /// The preference, the highest first; equals at once.
        "q" => q: Preference, Default("1.0"), sample "0.7";
        /// In a redirection: how long the contact holds.
        "expires" => expires: Option<Located<Period<0, 31_536_000>>>, Optional, sample r#""1h""#;
    }
}

section! {
    /// Another rule takes over.
    pub(crate) struct RawHandOver: "rule.on" {
        /// The rule.
        "rule" => rule: Located<String>, Required, sample r#""closed""#;
    }
}

/// The keys that say what to do, and those that belong to each.
pub(crate) const ACTIONS: [(&str, &[&str]); 7] = [
    ("locate", &[]),
    ("trunk", &["user", "stateless"]),
    ("send", &["stateless"]),
    ("fork", &[]),
    ("redirect", &["contacts", "body", "body_type"]),
    ("answer", &["reason", "headers"]),
    ("voicemail", &[]),
];

/// An action, or a word that says all.
#[derive(Debug, Clone)]
pub(crate) enum RawDo {
    Locate,
    Action(Box<Whole<RawAction>>),
}

impl FromValue for RawDo {
    const TABLE: Option<&'static crate::reading::section::SectionInfo> = Some(&RawAction::INFO);

    fn kind() -> String {
        "\"locate\" or a table that says what to do".to_owned()
    }

    fn from_value(item: &Item<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        match item.get_ref() {
            DeValue::String(text) if text == "locate" => Some(Self::Locate),
            DeValue::String(text) => reader.not_a(item, Self::kind(), nearest(text, ["locate"])),
            DeValue::Table(_) => {
                Whole::from_value(item, reader).map(|action| Self::Action(Box::new(action)))
            }
            _ => reader.wrong_kind(item, Self::kind()),
        }
    }
}

/// What is done about an answer.
#[derive(Debug, Clone)]
pub(crate) enum RawThen {
    Next,
    Forward,
    Rule(Located<String>),
    Do(RawDo),
}

impl FromValue for RawThen {
    fn kind() -> String {
        "\"next\", \"forward\", \"locate\", { rule = \"...\" } or an action".to_owned()
    }

    fn from_value(item: &Item<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        match item.get_ref() {
            DeValue::String(text) => match text.as_ref() {
                "next" => Some(Self::Next),
                "forward" => Some(Self::Forward),
                "locate" => Some(Self::Do(RawDo::Locate)),
                other => {
                    let meant = nearest(other, ["next", "forward", "locate"]);
                    reader.not_a(item, Self::kind(), meant)
                }
            },
            DeValue::Table(table) if table.contains_key("rule") => {
                RawHandOver::from_value(item, reader).map(|over| Self::Rule(over.rule))
            }
            DeValue::Table(_) => RawDo::from_value(item, reader).map(Self::Do),
            _ => reader.wrong_kind(item, Self::kind()),
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) enum RawContacts {
    Located,
    List(Vec<Located<RawHop>>),
}

impl FromValue for RawContacts {
    const TABLE: Option<&'static crate::reading::section::SectionInfo> = Some(&RawBranch::INFO);

    fn kind() -> String {
        "\"located\" or a list of contacts".to_owned()
    }

    fn from_value(item: &Item<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        match item.get_ref() {
            DeValue::String(text) if text == "located" => Some(Self::Located),
            DeValue::String(text) => reader.not_a(item, Self::kind(), nearest(text, ["located"])),
            _ => Vec::from_value(item, reader).map(Self::List),
        }
    }
}

/// A branch or a contact.
#[derive(Debug, Clone)]
pub(crate) enum RawHop {
    Uri(UriTemplate),
    Table(Box<Whole<RawBranch>>),
}

impl FromValue for RawHop {
    const TABLE: Option<&'static crate::reading::section::SectionInfo> = Some(&RawBranch::INFO);

    fn kind() -> String {
        "a URI or a table with one".to_owned()
    }

    fn from_value(item: &Item<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        match item.get_ref() {
            DeValue::String(_) => UriTemplate::from_value(item, reader).map(Self::Uri),
            DeValue::Table(_) => {
                Whole::from_value(item, reader).map(|table| Self::Table(Box::new(table)))
            }
            _ => reader.wrong_kind(item, Self::kind()),
        }
    }
}
