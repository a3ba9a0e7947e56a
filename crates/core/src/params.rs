//! URI parameters, as text again.

use antiphon_sip::uri::UriParams;

/// The parameters without some, each with its semicolon. `is_gone` is asked with the name.
pub(crate) fn without(params: &UriParams<'_>, is_gone: impl Fn(&str) -> bool) -> String {
    let mut text = String::new();
    for (name, value) in params.iter().filter(|(name, _)| !is_gone(name)) {
        text.push(';');
        text.push_str(name);
        if let Some(value) = value {
            text.push('=');
            text.push_str(value);
        }
    }
    text
}
