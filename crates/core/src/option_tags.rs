//! Option tags (RFC 3261 §19.2) as a request lists them.

use antiphon_sip::{HeaderName, Request};

/// The option tags that a field of a request lists, as they were written.
pub(crate) fn option_tags(request: &Request, name: HeaderName) -> impl Iterator<Item = &str> {
    request
        .headers()
        .values(name)
        .filter_map(|value| std::str::from_utf8(value).ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|tag| !tag.is_empty())
}
