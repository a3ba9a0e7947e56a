//! Text from outside, made fit to be shown: a reason phrase, a warning, a name. It is never acted
//! on (RFC 3261 §7.2, §20.43).

/// Characters of such a text that are shown.
const MAX_SHOWN: usize = 200;

/// The text without what moves a cursor or turns the direction of writing, and shortened.
pub(super) fn clean(text: &str) -> String {
    let mut shown: String = text.chars().filter(|c| !steers(*c)).take(MAX_SHOWN + 1).collect();
    if shown.chars().count() > MAX_SHOWN {
        shown.pop();
        shown.push('…');
    }
    shown.trim().to_owned()
}

/// Control characters, and those of Unicode that have no shape of their own and change what others
/// look like (bidirectional marks, zero-width characters, tags).
fn steers(character: char) -> bool {
    character.is_control()
        || matches!(
            u32::from(character),
            0x00ad | 0x061c | 0x180e | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0xfeff
                | 0xfff9..=0xfffb | 0xe0000..=0xe0fff
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_neither_moves_the_cursor_nor_fills_the_screen() {
        assert_eq!(clean("a\x1b[31mb\r\nc\u{202e}d\0"), "a[31mbcd");
        assert_eq!(clean(&"x".repeat(5000)).chars().count(), MAX_SHOWN + 1);
        assert_eq!(clean("Büro ist zu"), "Büro ist zu");
    }
}
