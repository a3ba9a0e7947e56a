//! Kamailio as a carrier that wants to know who calls, and takes a registration.

use std::time::Duration;

use crate::harness::antiphon::Server;
use crate::harness::kamailio::Kamailio;
use crate::harness::sipp::{Scenario, Sipp};

const LIMIT: Duration = Duration::from_secs(40);

fn callee(calls: u32) -> Sipp {
    Sipp::callee(&Scenario { name: "callee", calls, arguments: &[] })
}

fn call(port: u16, user: &str, calls: u32) {
    let scenario = Scenario { name: "caller", calls, arguments: &["-s", user] };
    let totals = Sipp::caller(port, &scenario).finish(LIMIT);
    assert!(totals.all_succeeded(calls), "{user}: {totals:?}");
}

#[test]
fn calls_go_out_signed_and_come_in_over_the_registration() {
    let (outside, inside) = (callee(3), callee(3));
    let carrier = Kamailio::carrier(&format!("sip:127.0.0.1:{}", outside.port));
    let at = format!("127.0.0.1:{}", carrier.port);
    let server = Server::configured(
        &[],
        &format!(
            "[[trunk]]\nname = \"carrier\"\nusername = \"us\"\npassword = \"secret\"\n\
             realm = \"carrier.example\"\ntarget = [{{ host = \"{at}\" }}]\n\
             register = {{ aor = \"sip:us@{at}\" }}\n\
             [[rule]]\nname = \"out\"\nopen = true\nwhen = {{ callee = '0\\d+' }}\n\
             do = {{ trunk = \"carrier\" }}\n\
             [[rule]]\nname = \"in\"\nopen = true\nwhen = {{ from_trunk = \"carrier\" }}\n\
             do = {{ send = \"sip:x@127.0.0.1:{}\" }}\n",
            inside.port
        ),
    );
    server.says("is registered for");
    call(server.port, "0123", 3);
    call(carrier.port, "us", 3);
    for callee in [outside, inside] {
        let totals = callee.finish(LIMIT);
        assert!(totals.all_succeeded(3), "{totals:?}");
    }
}
