//! A message of which only numbers change.

use memchr::memmem::find_iter;

/// Where the number of the call or registration goes. Nine digits, as all numbers here.
pub(crate) const NUMBER: &str = "#number##";
/// Where the number of the user goes.
pub(crate) const USER: &str = "#user####";

const DIGITS: usize = 9;

/// A text with places for numbers.
#[derive(Debug)]
pub(crate) struct Template {
    text: Vec<u8>,
    numbers: Vec<usize>,
    users: Vec<usize>,
}

impl Template {
    pub(crate) fn new(text: &str) -> Self {
        let places = |mark: &str| find_iter(text.as_bytes(), mark).collect();
        Self { numbers: places(NUMBER), users: places(USER), text: text.as_bytes().to_vec() }
    }

    /// Appends the text with its numbers.
    pub(crate) fn write(&self, number: u32, user: u32, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&self.text);
        let digits = digits(number);
        for place in &self.numbers {
            put(out, start + place, &digits);
        }
        let digits = self::digits(user);
        for place in &self.users {
            put(out, start + place, &digits);
        }
    }
}

/// A number as its nine digits.
pub(crate) fn digits(number: u32) -> [u8; DIGITS] {
    let mut rest = number;
    let mut digits = [b'0'; DIGITS];
    for digit in digits.iter_mut().rev() {
        *digit += u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
    }
    digits
}

fn put(out: &mut [u8], at: usize, digits: &[u8; DIGITS]) {
    if let Some(place) = out.get_mut(at..at + DIGITS) {
        place.copy_from_slice(digits);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_where_their_marks_were() {
        let template = Template::new(&format!("u{USER} {NUMBER}/{NUMBER}"));
        let mut out = b"before ".to_vec();
        template.write(42, 7, &mut out);
        assert_eq!(out, b"before u000000007 000000042/000000042");
    }
}
