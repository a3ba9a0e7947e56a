//! `Warning` (RFC 3261 §20.43): more about the status of a response.

use std::borrow::Cow;
use std::fmt;

use super::ListField;
use super::quoted::{Quoted, unquote};
use crate::name::{HeaderName, WarnCode};
use crate::parse::scan::{Expected, Scanner, SyntaxError, as_str};

/// `warn-code SP warn-agent SP warn-text`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning<'a> {
    /// What is warned of.
    pub code: WarnCode,
    /// Who warns: a host, with or without a port, or a pseudonym.
    pub agent: &'a str,
    /// The warning in words. Words are for people: no program acts on them.
    pub text: Cow<'a, str>,
}

impl<'a> ListField<'a> for Warning<'a> {
    const NAME: HeaderName = HeaderName::Warning;

    fn scan(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError> {
        let start = scanner.offset();
        let number = scanner.number(999)?;
        let code = u16::try_from(number).ok().and_then(WarnCode::new);
        let three_digits = SyntaxError { offset: start, expected: Expected::Rule("three digits") };
        let code = code.filter(|_| scanner.offset() - start == 3).ok_or(three_digits)?;
        blank(scanner)?;
        let start = scanner.offset();
        let agent = scanner.take_while(|octet| octet > b' ' && !matches!(octet, b'"' | b','));
        if agent.is_empty() {
            return Err(scanner.expected(Expected::Host));
        }
        let agent = as_str(agent, start)?;
        blank(scanner)?;
        Ok(Self { code, agent, text: unquote(scanner.quoted_string()?) })
    }
}

fn blank(scanner: &mut Scanner<'_>) -> Result<(), SyntaxError> {
    let start = scanner.offset();
    scanner.skip_whitespace();
    if scanner.offset() == start { Err(scanner.expected(Expected::Octet(b' '))) } else { Ok(()) }
}

impl fmt::Display for Warning<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03} {} {}", self.code, self.agent, Quoted(&self.text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::check::{elements, refuses_lists};

    #[test]
    fn a_warning_has_code_agent_and_text_rfc3261_20_43() {
        let line = "307 isi.edu \"Session parameter 'foo' not understood\", \
                    301 [2001:db8::1]:5060  \"a \\\"b\\\", c\"";
        assert_eq!(
            elements::<Warning<'_>>(line),
            [
                "307 isi.edu \"Session parameter 'foo' not understood\"",
                "301 [2001:db8::1]:5060 \"a \\\"b\\\", c\""
            ]
        );
    }

    #[test]
    fn a_code_has_three_digits_rfc4475_3_1_2_5() {
        refuses_lists::<Warning<'_>>(&[
            "1812 overture \"In Progress\"",
            "18 overture \"a\"",
            "399 \"a\"",
            "399 a b",
            "399 a\"b\"",
            "399 a \"b\" c",
            "399 a \"b",
        ]);
    }
}
