//! The table: one row for each registered code, for the unknown codes of each class, for a
//! transport error and for silence. One file a class, and several for 4xx, which are many.
//!
//! The rows drive the client, the proxy, the texts for a person and the tests. Numbers of sections
//! without an RFC in a row's text are those of RFC 3261.

use antiphon_sip::StatusCode;
use antiphon_sip::name::Class;

use super::row::Key;
pub use super::row::Row;

mod client_error;
mod global_failure;
mod local;
mod provisional;
mod redirection;
mod server_error;
mod success;

/// Every row, in the order of the codes; the row of a class's unknown codes ends the class.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    let classes = [
        Class::Provisional,
        Class::Success,
        Class::Redirection,
        Class::ClientError,
        Class::ServerError,
        Class::GlobalFailure,
    ];
    let files = classes.into_iter().flat_map(of_class).chain([&local::ROWS]);
    files.copied().flatten()
}

impl Row {
    /// The row of a code: its own, or that of the unknown codes of its class (RFC 3261 §8.1.3.2).
    #[must_use]
    pub fn of(status: StatusCode) -> &'static Self {
        let rows = of_class(status.class());
        let own = rows.iter().copied().flatten().find(|row| row.key == Key::Code(status));
        // Every class ends with the row of its unknown codes, which a test holds.
        own.or_else(|| rows.last()?.last()).unwrap_or(Self::timeout())
    }

    /// The row of a request that could not be delivered.
    #[must_use]
    pub const fn transport_error() -> &'static Self {
        &local::ROWS[0]
    }

    /// The row of a request to which nothing came.
    #[must_use]
    pub const fn timeout() -> &'static Self {
        &local::ROWS[1]
    }
}

const fn of_class(class: Class) -> &'static [&'static [Row]] {
    match class {
        Class::Provisional => &[provisional::ROWS],
        Class::Success => &[success::ROWS],
        Class::Redirection => &[redirection::ROWS],
        Class::ClientError => client_error::ROWS,
        Class::ServerError => &[server_error::ROWS],
        Class::GlobalFailure => &[global_failure::ROWS],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_from_100_to_699_has_a_row_of_its_class_rfc3261_8_1_3_2() {
        for code in 100..=699 {
            let status = StatusCode::new(code).unwrap();
            let key = Row::of(status).key;
            let expected = if status.is_registered() {
                Key::Code(status)
            } else {
                Key::Unknown(status.class())
            };
            assert_eq!(key, expected);
        }
    }

    #[test]
    fn silence_and_a_broken_way_have_rows() {
        assert_eq!(Row::transport_error().key, Key::TransportError);
        assert_eq!(Row::timeout().key, Key::Timeout);
    }
}
