use super::*;

fn binding(contact: &str) -> Binding {
    Binding {
        contact: UriBuf::parse(contact).unwrap(),
        params: ";+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF>\"".into(),
        q: 700,
        expires: Time::from_secs(1_000_000),
        call_id: "843817637684230@998sdasdh09".into(),
        cseq: 1826,
        path: vec!["<sip:p1.example.com;lr>".into(), "<sip:p2.example.com;lr>".into()],
        reg_id: Some(2),
        refreshed: Time::from_secs(999_000),
        gruus_since: Time::from_secs(998_000),
        source: Some(Source {
            transport: Transport::Tcp,
            remote: "192.0.2.4:5060".parse().unwrap(),
            local: "[2001:db8::1]:5061".parse().unwrap(),
        }),
    }
}

fn plain(contact: &str, seconds: u64) -> Binding {
    Binding {
        params: "".into(),
        expires: Time::from_secs(seconds),
        path: Vec::new(),
        reg_id: None,
        gruus_since: Time::EPOCH,
        source: None,
        ..binding(contact)
    }
}

fn samples() -> Vec<Vec<Binding>> {
    let scoped = SocketAddrV6::new("fe80::1".parse().unwrap(), 5060, 7, 3).into();
    let mut link_local = binding("sip:bob@[2001:db8::9]:5080;transport=tcp");
    if let Some(source) = &mut link_local.source {
        source.remote = scoped;
        source.transport = Transport::TlsSctp;
    }
    vec![
        vec![],
        vec![plain("sip:bob@192.0.2.4", 60)],
        vec![binding("sips:bob@client.biloxi.example.com"), plain("tel:+15551212", 9), link_local],
    ]
}

#[test]
fn what_is_written_comes_back() {
    for bindings in samples() {
        let bytes = encode(u64::MAX, &bindings);
        assert_eq!(decode(&bytes), Ok(BindingSet { version: u64::MAX, bindings }));
    }
}

#[test]
fn the_head_says_when_the_first_binding_ends() {
    let bytes = encode(5, &[plain("sip:a@x", 90), plain("sip:b@x", 30), plain("sip:c@x", 60)]);
    let expected = Head { version: 5, earliest: Time::from_secs(30), count: 3 };
    assert_eq!(head(&bytes), Ok(expected));
}

#[test]
fn a_plain_contact_takes_well_under_half_a_kibibyte() {
    let length = encode(1, &[plain("sip:bob@client.biloxi.example.com:5060", 60)]).len();
    assert!(length < 160, "{length} bytes");
}

#[test]
fn anything_cut_short_or_added_to_is_refused() {
    for bindings in samples() {
        let bytes = encode(1, &bindings);
        for end in 0..bytes.len() {
            assert_eq!(decode(&bytes[..end]), Err(Garbled), "cut at {end}");
        }
        assert_eq!(decode(&[bytes, vec![0]].concat()), Err(Garbled));
    }
}

#[test]
fn another_format_is_refused() {
    let mut bytes = encode(1, &[]);
    bytes[0] = 3;
    assert_eq!(decode(&bytes), Err(Garbled));
}

#[test]
fn what_the_first_format_wrote_is_read() {
    let mut old = vec![FORMAT_1];
    old.extend_from_slice(&9_u64.to_le_bytes());
    old.extend_from_slice(&60_000_000_u64.to_le_bytes());
    old.extend_from_slice(b"\x01\x11sip:bob@192.0.2.4\x00\xe8\x07");
    old.extend_from_slice(&60_000_000_u64.to_le_bytes());
    old.extend_from_slice(b"\x04call\x07\0\0\0\x00\x00");
    let expected = Binding {
        q: 1000,
        call_id: "call".into(),
        cseq: 7,
        refreshed: Time::EPOCH,
        ..plain("sip:bob@192.0.2.4", 60)
    };
    assert_eq!(decode(&old), Ok(BindingSet { version: 9, bindings: vec![expected] }));
}

#[test]
fn no_changed_byte_can_do_more_than_be_refused_or_read_as_another_value() {
    for bindings in samples() {
        let bytes = encode(1, &bindings);
        for position in 0..bytes.len() {
            for value in [0x00, 0x01, 0x7f, 0x80, 0xc3, 0xff] {
                let mut changed = bytes.clone();
                changed[position] = value;
                if let Ok(set) = decode(&changed) {
                    assert_eq!(decode(&encode(set.version, &set.bindings)), Ok(set));
                }
            }
        }
    }
}

#[test]
fn noise_is_refused_without_reserving_what_it_asks_for() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..20_000 {
        let mut noise = vec![FORMAT];
        for _ in 0..state % 64 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            noise.push(state.to_le_bytes()[3]);
        }
        state = state.wrapping_add(1);
        let _ = decode(&noise);
    }
}
