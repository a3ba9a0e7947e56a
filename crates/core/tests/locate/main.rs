//! Locating servers, RFC 3263 section by section, on a name service made of zone files.

#[cfg(test)]
mod attempts;
#[cfg(test)]
mod examples;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod support;
