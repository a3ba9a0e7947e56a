//! Option tags as they stand in a request.

use antiphon_sip::header::ListField;
use antiphon_sip::{Headers, OptionTag};

/// The tags of a field of the request.
pub(super) fn sent<'a, F: ListField<'a> + 'a>(
    headers: &'a Headers,
    tag: impl Fn(F) -> OptionTag,
) -> Vec<OptionTag> {
    headers.list::<F>().map_while(Result::ok).map(tag).collect()
}

/// Tags as a field value, each once.
pub(super) fn joined(first: Vec<OptionTag>, more: Vec<OptionTag>) -> String {
    let mut tags: Vec<OptionTag> = Vec::new();
    for tag in first.into_iter().chain(more) {
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    tags.iter().map(OptionTag::as_str).collect::<Vec<_>>().join(", ")
}
