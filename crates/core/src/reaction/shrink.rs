//! 513: Shrink (RFC 3261 §21.5.7).

use antiphon_sip::{HeaderName, Method};

use super::body;
use super::change::Change;
use super::decision::Reaction;
use super::inputs::Inputs;
use super::limit::{Cause, Lack};

/// What a request can do without.
const OPTIONAL: [HeaderName; 9] = [
    HeaderName::UserAgent,
    HeaderName::Organization,
    HeaderName::Subject,
    HeaderName::CallInfo,
    HeaderName::AlertInfo,
    HeaderName::InReplyTo,
    HeaderName::AcceptLanguage,
    HeaderName::AcceptEncoding,
    HeaderName::Timestamp,
];

/// Again without what is optional and with a smaller body; then as a stream instead of a datagram
/// if the server may have one.
pub(super) fn shrink(inputs: &Inputs<'_>) -> Result<Reaction, Cause> {
    let headers = inputs.request.headers();
    let gone: Vec<_> = OPTIONAL.into_iter().filter(|name| headers.has(*name)).collect();
    let smaller = body::smaller(inputs);
    let datagram = inputs.server.is_none_or(|server| !server.transport.is_reliable());
    let stream = inputs.means.stream.filter(|stream| datagram && stream.transport.is_reliable());
    // Whether the server has a stream is a guess: it comes when saying less did not help.
    let says_all = gone.is_empty() && smaller.is_none();
    let stream = stream.filter(|_| says_all || inputs.history.uses(inputs.row().key) > 0);
    let mut change = match smaller {
        Some(body) => Change::body(body),
        // An INVITE may leave the offer to the other side (RFC 3261 §13.2.1), which is the last
        // thing to give up.
        None if gone.is_empty() && stream.is_none() && can_go_bare(inputs) => Change::no_body(),
        None => Change::default(),
    };
    for name in gone {
        change = change.and_remove(name);
    }
    if change.is_empty() && stream.is_none() {
        return Err(Lack::Ballast.into());
    }
    Ok(Reaction::Shrink { change, compact: true, stream })
}

fn can_go_bare(inputs: &Inputs<'_>) -> bool {
    *inputs.method() == Method::Invite && !inputs.request.body().is_empty()
}

#[cfg(test)]
mod tests {
    use antiphon_sip::Transport;

    use super::super::Kind;
    use super::super::failure::Server;
    use super::super::testing::{Bench, invite, message, offering};
    use super::*;

    #[test]
    fn a_request_gets_smaller_twice_and_then_is_reported_rfc3261_21_5_7() {
        let mut request = offering("v=0\r\n");
        request.headers_mut().push(HeaderName::Subject, "a long story");
        let mut bench = Bench::new(request);
        let before = bench.request.to_bytes().len();
        assert!(bench.step(513, &[]).reaction.goes_on());
        assert!(!bench.request.headers().has(HeaderName::Subject));
        assert!(bench.step(513, &[]).reaction.goes_on());
        assert!(bench.request.body().is_empty() && bench.request.to_bytes().len() < before);
        assert_eq!(bench.step(513, &[]).reaction.kind(), Kind::Report);
    }

    #[test]
    fn a_stream_is_taken_where_there_is_one_rfc3261_18_1_1() {
        let mut bench = Bench::new(message());
        let stream = Server::new(Transport::Tcp, "192.0.2.9:5060".parse().unwrap());
        bench.means.stream = Some(stream);
        let decided = bench.to(513, &[]);
        let Reaction::Shrink { stream: Some(taken), .. } = decided.reaction else { panic!() };
        assert_eq!(taken, stream);
        bench.server = Some(stream);
        assert_eq!(bench.to(513, &[]).stopped[0].cause, Lack::Ballast.into());
        assert_eq!(Bench::new(invite()).to(513, &[]).reaction.kind(), Kind::Report);
    }
}
