//! Colours, where there are any.

/// What a colour says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paint {
    /// It went well.
    Good,
    /// It did not.
    Bad,
    /// Less important.
    Faint,
    /// More important.
    Strong,
}

impl Paint {
    /// The text in this colour, or as it is.
    pub(crate) fn on(self, text: &str, colour: bool) -> String {
        if !colour {
            return text.to_owned();
        }
        let code = match self {
            Self::Good => "32",
            Self::Bad => "31",
            Self::Faint => "2",
            Self::Strong => "1",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}
