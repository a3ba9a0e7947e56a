//! SIPp scenarios made of a few words: a callee that refuses requests one after the other, and
//! looks at what it is asked next.

use std::fmt::Write as _;

/// What comes in, and what is said to it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Turn {
    /// The method that has to come.
    pub(crate) method: &'static str,
    /// What the request has to be like: part of the message and a regular expression. A part is a
    /// header field such as `Supported:`, or `msg` for all of it; with `!` before it the expression
    /// must not be found.
    pub(crate) checks: &'static [(&'static str, &'static str)],
    /// Code and phrase.
    pub(crate) status: &'static str,
    /// Header lines of the response.
    pub(crate) headers: &'static [&'static str],
    /// Content type and body.
    pub(crate) body: Option<(&'static str, &'static str)>,
}

impl Turn {
    /// A refusal of an INVITE.
    pub(crate) const fn refused(status: &'static str, headers: &'static [&'static str]) -> Self {
        Self { method: "INVITE", checks: &[], status, headers, body: None }
    }

    /// A request that is answered with 200.
    pub(crate) const fn taken(
        method: &'static str,
        checks: &'static [(&'static str, &'static str)],
        headers: &'static [&'static str],
    ) -> Self {
        Self { method, checks, status: "200 OK", headers, body: None }
    }

    pub(crate) const fn checking(
        mut self,
        checks: &'static [(&'static str, &'static str)],
    ) -> Self {
        self.checks = checks;
        self
    }

    pub(crate) const fn with_body(mut self, kind: &'static str, text: &'static str) -> Self {
        self.body = Some((kind, text));
        self
    }
}

/// The session description of the callee.
pub(crate) const SDP: (&str, &str) = (
    "application/sdp",
    "v=0\no=callee 1 1 IN IP4 [local_ip]\ns=-\nc=IN IP4 [media_ip]\nt=0 0\n\
     m=audio [media_port] RTP/AVP 0\na=rtpmap:0 PCMU/8000\n",
);

/// The turns as a scenario. An INVITE that is taken is followed by its ACK and the caller's BYE.
pub(crate) fn scenario(turns: &[Turn]) -> String {
    let mut text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE scenario SYSTEM \
                    \"sipp.dtd\">\n<scenario name=\"turns\">\n"
        .to_owned();
    let mut variables = Vec::new();
    for (number, turn) in turns.iter().enumerate() {
        receive(&mut text, turn, number, &mut variables);
        let takes_call = turn.method == "INVITE" && turn.status.starts_with('2');
        let body = if takes_call { Some(SDP) } else { turn.body };
        send(&mut text, turn, body);
        if turn.method == "INVITE" {
            text.push_str("<recv request=\"ACK\"/>\n");
        }
        if takes_call {
            let bye = Turn::taken("BYE", &[], &[]);
            text.push_str("<recv request=\"BYE\"/>\n");
            send(&mut text, &bye, None);
        }
    }
    if !variables.is_empty() {
        let _ = writeln!(text, "<Reference variables=\"{}\"/>", variables.join(","));
    }
    text.push_str("</scenario>\n");
    text
}

fn receive(text: &mut String, turn: &Turn, number: usize, variables: &mut Vec<String>) {
    let _ = writeln!(text, "<recv request=\"{}\">\n<action>", turn.method);
    for (index, (part, expression)) in turn.checks.iter().enumerate() {
        let variable = format!("v{number}x{index}");
        let (must, part) = match part.strip_prefix('!') {
            Some(part) => ("check_it_inverse", part),
            None => ("check_it", *part),
        };
        let place = match part {
            "msg" => "search_in=\"msg\"".to_owned(),
            header => format!("search_in=\"hdr\" header=\"{header}\""),
        };
        let expression = expression
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', "&quot;");
        let _ = writeln!(
            text,
            "<ereg regexp=\"{expression}\" {place} {must}=\"true\" assign_to=\"{variable}\"/>"
        );
        variables.push(variable);
    }
    text.push_str("</action>\n</recv>\n");
}

fn send(text: &mut String, turn: &Turn, body: Option<(&str, &str)>) {
    let again = if turn.method == "INVITE" { " retrans=\"500\"" } else { "" };
    let _ = write!(
        text,
        "<send{again}>\n<![CDATA[\n\nSIP/2.0 {}\n[last_Via:]\n[last_Record-Route:]\n[last_From:]\n\
         [last_To:];tag=[pid]u[call_number]\n[last_Call-ID:]\n[last_CSeq:]\n",
        turn.status
    );
    if turn.method == "INVITE" && turn.status.starts_with('2') {
        text.push_str("Contact: <sip:callee@[local_ip]:[local_port]>\n");
    }
    for header in turn.headers {
        let _ = writeln!(text, "{header}");
    }
    match body {
        Some((kind, body)) => {
            let _ = write!(text, "Content-Type: {kind}\nContent-Length: [len]\n\n{body}\n");
        }
        None => text.push_str("Content-Length: 0\n\n"),
    }
    text.push_str("]]>\n</send>\n");
}
