//! Text from the network, made fit for a terminal.

/// Characters of one text that are shown in one line.
const SHOWN: usize = 300;

/// The text in one line, with nothing that a terminal would take for a command: control characters
/// and those that change the direction of writing are shown as `?`.
pub(super) fn line(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN).map(harmless).collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

/// The text with its line ends, otherwise as [`line()`], and of any length.
pub(super) fn lines(text: &str) -> impl Iterator<Item = String> {
    text.lines().map(|line| line.chars().map(harmless).collect())
}

fn harmless(character: char) -> char {
    match character {
        '\t' => ' ',
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '?',
        c if c.is_control() => '?',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_cannot_command_the_terminal() {
        assert_eq!(line("Busy\x1b[2J\r\nHere\u{202e}"), "Busy?[2J??Here?");
        assert_eq!(line(&"x".repeat(1000)).chars().count(), SHOWN + 1);
        let shown: Vec<_> = lines("a\x07b\r\nc").collect();
        assert_eq!(shown, ["a?b", "c"]);
    }
}
