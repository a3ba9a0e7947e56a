//! TLS: who is believed, and who has to prove what.

use antiphon_core::flow::{Fault, Ticket, Untrusted};
use antiphon_net::{Certificate, ClientCertificates, Refusal, Settings, TlsConfig, self_signed};
use antiphon_sip::Transport::{Tls as TLS, Wss};

use crate::certificates::{Authority, Valid, layers, of_openssl};
use crate::common::{Command, Seen, Setup, with_two};
use crate::tls::{arrived, setup, to};

#[test]
fn a_server_that_cannot_prove_its_name_gets_nothing_rfc5922_7_3() {
    let authority = Authority::new();
    let stranger = Authority::new();
    let names = ["example.org", "sip:example.org"];
    let rows = [
        (authority.issue(&names, Valid::NotAnyMore), Untrusted::Expired),
        (authority.issue(&names, Valid::NotYet), Untrusted::NotYetValid),
        (authority.issue(&["sip:example.net", "example.net"], Valid::Now), Untrusted::OtherName),
        (stranger.issue(&names, Valid::Now), Untrusted::UnknownIssuer),
        (self_signed(&["example.org"]).unwrap(), Untrusted::SelfSigned),
    ];
    let client = authority.config(Vec::new());
    for (certificate, reason) in rows {
        for transport in [TLS, Wss] {
            let listen = &[(transport, "127.0.0.1:0")];
            let settings = Settings::default();
            let server = authority.config(vec![certificate.clone()]);
            let client = Setup { listen, settings, layers: layers(&client) };
            let server = Setup { listen, settings, layers: layers(&server) };
            with_two(client, server, async |client, server| {
                let flow = client.flow(0, server.at(0));
                client.command(Command::Send(vec![to(flow, "example.org", 7)])).await;
                let fault = Fault::Untrusted(reason);
                assert_eq!(client.seen().await, Seen::Undelivered(Ticket(7), fault));
                assert!(matches!(client.seen().await, Seen::Closed(_)));
                let refused = (server.at(0).ip(), Refusal::Untrusted(reason));
                assert_eq!(client.refused().await, refused);
                assert_eq!(client.counts().peers_untrusted, 1);
                assert_eq!(client.counts().connections_failed, 1);
                // The server is told by an alert, and notes it.
                assert_eq!(server.refused().await.1, Refusal::NotTls);
            });
        }
    }
}

#[test]
fn wildcards_are_for_browsers_and_not_for_sip_rfc5922_7_2() {
    let authority = Authority::new();
    let config = authority.config(vec![authority.issue(&["*.example.org"], Valid::Now)]);
    let listen = &[(TLS, "127.0.0.1:0"), (Wss, "127.0.0.1:0")];
    let settings = Settings::default();
    let setup = || Setup { listen, settings, layers: layers(&config) };
    with_two(setup(), setup(), async |client, server| {
        client.command(Command::OnlyListen).await;
        let over_tls = client.flow(0, server.at(0));
        client.command(Command::Send(vec![to(over_tls, "sip.example.org", 1)])).await;
        let fault = Fault::Untrusted(Untrusted::OtherName);
        assert_eq!(client.seen().await, Seen::Undelivered(Ticket(1), fault));
        let over_wss = client.flow(1, server.at(1));
        client.command(Command::Send(vec![to(over_wss, "sip.example.org", 2)])).await;
        assert!(matches!(client.seen().await, Seen::Closed(_)));
        assert_eq!(arrived(client).await.transport, Wss);
    });
}

#[test]
fn a_self_signed_certificate_is_believed_by_those_who_were_given_it() {
    let certificate = self_signed(&["example.org", "127.0.0.1", "::1"]).unwrap();
    let server = TlsConfig {
        certificates: vec![certificate.clone()],
        trust_system: false,
        ..TlsConfig::default()
    };
    let client =
        TlsConfig { certificates: Vec::new(), trusted: certificate.chain, ..server.clone() };
    with_two(setup(&client), setup(&server), async |client, server| {
        client.command(Command::OnlyListen).await;
        let flow = client.flow(0, server.at(0));
        client.command(Command::Send(vec![to(flow, "example.org", 1)])).await;
        arrived(client).await;
        client.command(Command::Send(vec![to(flow, "127.0.0.1", 2)])).await;
        arrived(client).await;
    });
    // Another of the same name is another.
    let renewed =
        TlsConfig { certificates: vec![self_signed(&["example.org"]).unwrap()], ..server.clone() };
    with_two(setup(&client), setup(&renewed), async |client, server| {
        let flow = client.flow(0, server.at(0));
        client.command(Command::Send(vec![to(flow, "example.org", 1)])).await;
        let fault = Fault::Untrusted(Untrusted::SelfSigned);
        assert_eq!(client.seen().await, Seen::Undelivered(Ticket(1), fault));
    });
}

#[test]
fn a_certificate_that_calls_itself_an_authority_is_believed_by_those_who_were_given_it() {
    let rows = [
        (Valid::Now, "example.org", None),
        (Valid::Now, "example.net", Some(Untrusted::OtherName)),
        (Valid::NotAnyMore, "example.org", Some(Untrusted::Expired)),
        (Valid::NotYet, "example.org", Some(Untrusted::NotYetValid)),
    ];
    for (valid, name, expected) in rows {
        let certificate = of_openssl(&["example.org"], valid);
        let other = of_openssl(&["example.org"], valid);
        for (is_given, trusted) in [(true, &certificate.chain), (false, &other.chain)] {
            let server = TlsConfig {
                certificates: vec![certificate.clone()],
                trust_system: false,
                ..TlsConfig::default()
            };
            let client =
                TlsConfig { certificates: Vec::new(), trusted: trusted.clone(), ..server.clone() };
            with_two(setup(&client), setup(&server), async |client, server| {
                client.command(Command::OnlyListen).await;
                let flow = client.flow(0, server.at(0));
                client.command(Command::Send(vec![to(flow, name, 1)])).await;
                let in_time = valid == Valid::Now;
                let expected = match expected {
                    // Nobody looks at the name of what is not believed.
                    _ if in_time && !is_given => Some(Untrusted::SelfSigned),
                    expected => expected,
                };
                match expected {
                    None => drop(arrived(client).await),
                    Some(reason) => {
                        let undelivered = Seen::Undelivered(Ticket(1), Fault::Untrusted(reason));
                        assert_eq!(client.seen().await, undelivered);
                    }
                }
            });
        }
    }
}

#[test]
fn a_connection_to_one_domain_is_none_to_another_at_its_address_rfc5922_7_3() {
    let authority = Authority::new();
    let certificates = ["one.example", "two.example"]
        .map(|name| authority.issue(&[&format!("sip:{name}"), name], Valid::Now));
    let config = authority.config(certificates.to_vec());
    with_two(setup(&config), setup(&config), async |client, server| {
        client.command(Command::OnlyListen).await;
        let flow = client.flow(0, server.at(0));
        let mut ways = Vec::new();
        for name in ["one.example", "two.example", "one.example", "TWO.example"] {
            client.command(Command::Send(vec![to(flow, name, 1)])).await;
            ways.push(arrived(client).await);
        }
        assert_eq!(client.counts().connections_made, 2);
        assert_ne!(ways[0], ways[1]);
        assert_eq!(ways[..2], ways[2..]);
        // Whom neither certificate is for has no connection, though two are open.
        client.command(Command::Send(vec![to(flow, "three.example", 9)])).await;
        let fault = Fault::Untrusted(Untrusted::OtherName);
        assert_eq!(client.seen().await, Seen::Undelivered(Ticket(9), fault));
    });
}

#[test]
fn clients_prove_who_they_are_when_they_have_to_rfc5922_7_4() {
    let authority = Authority::new();
    let stranger = Authority::new();
    let names = ["sip:example.org", "127.0.0.1"];
    let mut server = authority.config(vec![authority.issue(&names, Valid::Now)]);
    server.clients = ClientCertificates::Required(authority.pem.clone());
    let client = |certificates| authority.config(certificates);
    let rows: [(Vec<Certificate>, Option<Untrusted>); 3] = [
        (vec![authority.issue(&["sip:example.net"], Valid::Now)], None),
        (Vec::new(), Some(Untrusted::Missing)),
        // One that the server's authorities do not vouch for is not even shown.
        (vec![stranger.issue(&["sip:example.net"], Valid::Now)], Some(Untrusted::Missing)),
    ];
    for (certificates, refusal) in rows {
        with_two(setup(&client(certificates)), setup(&server), async |client, server| {
            client.command(Command::OnlyListen).await;
            let flow = client.flow(0, server.at(0));
            client.command(Command::Send(vec![to(flow, "example.org", 1)])).await;
            match refusal {
                None => {
                    assert_eq!(arrived(client).await.remote, server.at(0));
                    let Seen::Authenticated(flow, domains) = server.seen().await else {
                        panic!("not told")
                    };
                    assert_eq!(domains, ["example.net"]);
                    assert_eq!(arrived(server).await, flow);
                }
                Some(reason) => {
                    assert_eq!(server.refused().await.1, Refusal::Untrusted(reason));
                    assert_eq!(server.counts().peers_untrusted, 1);
                    while !matches!(client.seen().await, Seen::Closed(_)) {}
                }
            }
        });
    }
    server.clients = ClientCertificates::Asked(authority.pem.clone());
    with_two(setup(&client(Vec::new())), setup(&server), async |client, server| {
        client.command(Command::OnlyListen).await;
        let flow = client.flow(0, server.at(0));
        client.command(Command::Send(vec![to(flow, "example.org", 1)])).await;
        arrived(client).await;
    });
}
