//! The commands about a configuration file.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use antiphon_server::rules::{Moment, Weekday};
use antiphon_sip::{Transport, UriBuf};
use clap::Args;

use super::value;

/// Names everything that is wrong with a configuration file
///
/// One line for each fault, with its place and what was probably meant. Warnings are marked and
/// leave the exit status 0; with a fault it is 2. Keys that `antiphon serve` of this version does
/// not carry out are warned of.
#[derive(Debug, Args)]
#[command(after_help = "EXAMPLE\n  \
    antiphon check antiphon.toml\n  \
    antiphon check antiphon.toml --json")]
pub(crate) struct Check {
    /// The configuration
    pub(crate) file: PathBuf,
    /// One JSON object a line on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

/// Tells where a request would go by a configuration, and why; sends nothing
///
/// Names the rules that were looked at, the condition that each failed by, the rule that matched
/// and what would be done.
#[derive(Debug, Args)]
#[command(after_help = "EXAMPLE\n  \
    antiphon route --config antiphon.toml 'INVITE sip:bob@example.org'\n  \
    antiphon route --config antiphon.toml 'INVITE sip:+442079460123@example.org' \\\n      \
    --from sip:alice@example.org --authenticated --at 'mon 14:30'")]
pub(crate) struct Route {
    /// The configuration
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// The request: its method and its Request-URI
    #[arg(value_name = "METHOD URI")]
    pub(crate) request: String,
    /// The caller; by default an anonymous one
    #[arg(long, value_name = "URI", value_parser = value::uri)]
    pub(crate) from: Option<UriBuf>,
    /// The address that the request comes from
    #[arg(long, value_name = "IP", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub(crate) source: IpAddr,
    /// The transport that it comes over
    #[arg(long, value_name = "TRANSPORT", default_value = "udp", value_parser = transport)]
    pub(crate) transport: Transport,
    /// Its sender signed in
    #[arg(long)]
    pub(crate) authenticated: bool,
    /// When it comes, as in 'mon 14:30'; by default now
    #[arg(long, value_name = "DAY HH:MM", value_parser = moment)]
    pub(crate) at: Option<Moment>,
    /// A header field that it has; may be repeated
    #[arg(long, value_name = "NAME: VALUE", value_parser = value::header)]
    pub(crate) header: Vec<(String, String)>,
    /// The server's data directory, to tell whether a user whom the request is for exists. How a
    /// running server finds its trunks is read there, too; without it, where `serve` would have it
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// The trunk that it comes from
    #[arg(long, value_name = "TRUNK")]
    pub(crate) from_trunk: Option<String>,
    /// A trunk that is down; may be repeated. By default those that the running server finds down
    #[arg(long, value_name = "TRUNK")]
    pub(crate) down: Vec<String>,
    /// One JSON object a line on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

/// What is not right about an option. Shown, it says what is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unclear {
    Moment,
    Transport,
}

impl fmt::Display for Unclear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Moment => "write a weekday and a time, such as 'mon 14:30'",
            Self::Transport => "there is no such transport; write one such as udp, tcp or tls",
        })
    }
}

impl std::error::Error for Unclear {}

/// Any transport: a rule may ask for one that nothing is sent over here.
fn transport(text: &str) -> Result<Transport, Unclear> {
    Transport::from_bytes(text.as_bytes()).ok_or(Unclear::Transport)
}

/// `mon 14:30`
fn moment(text: &str) -> Result<Moment, Unclear> {
    let (day, time) = text.trim().split_once(char::is_whitespace).ok_or(Unclear::Moment)?;
    let is_day = |weekday: &Weekday| weekday.name().eq_ignore_ascii_case(day);
    let weekday = Weekday::ALL.into_iter().find(is_day).ok_or(Unclear::Moment)?;
    let minute = minute(time.trim()).ok_or(Unclear::Moment)?;
    Ok(Moment { weekday, minute })
}

fn minute(time: &str) -> Option<u16> {
    let (hours, minutes) = time.split_once(':')?;
    let (hours, minutes) = (below(hours, 24)?, below(minutes, 60)?);
    Some(hours * 60 + minutes)
}

/// A number of two digits.
fn below(text: &str, limit: u16) -> Option<u16> {
    let is_two_digits = text.len() == 2 && text.bytes().all(|octet| octet.is_ascii_digit());
    text.parse().ok().filter(|number| is_two_digits && *number < limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_weekday_and_a_time() {
        let read = |text| moment(text).map(|moment| moment.to_string());
        assert_eq!(read("mon 14:30").unwrap(), "mon 14:30");
        assert_eq!(read("SUN  00:00").unwrap(), "sun 00:00");
        for wrong in
            ["mon", "14:30", "moon 14:30", "mon 24:00", "mon 1:30", "mon 12:60", "mon +1:+2"]
        {
            assert_eq!(read(wrong), Err(Unclear::Moment), "{wrong}");
        }
    }

    #[test]
    fn every_transport_can_be_asked_about() {
        assert_eq!(transport("wss"), Ok(Transport::Wss));
        assert_eq!(transport("pigeon"), Err(Unclear::Transport));
    }
}
