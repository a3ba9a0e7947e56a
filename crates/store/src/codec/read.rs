//! Bytes in: every step says whether what it wants is there.

use super::Garbled;

#[derive(Debug)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Succeeds if nothing is left.
    pub(crate) fn end(&self) -> Result<(), Garbled> {
        if self.0.is_empty() { Ok(()) } else { Err(Garbled) }
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Garbled> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Garbled> {
        let (array, rest) = self.0.split_first_chunk::<N>().ok_or(Garbled)?;
        self.0 = rest;
        Ok(*array)
    }

    pub(crate) fn fixed_u16(&mut self) -> Result<u16, Garbled> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn fixed_u32(&mut self) -> Result<u32, Garbled> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn fixed_u64(&mut self) -> Result<u64, Garbled> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn number(&mut self) -> Result<u64, Garbled> {
        let mut value = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                return Err(Garbled);
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Garbled)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, Garbled> {
        self.bytes().and_then(|text| std::str::from_utf8(text).map_err(|_| Garbled))
    }

    /// So many bytes as the number before them says.
    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], Garbled> {
        let length = usize::try_from(self.number()?).map_err(|_| Garbled)?;
        let (bytes, rest) = self.0.split_at_checked(length).ok_or(Garbled)?;
        self.0 = rest;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::super::write::Writer;
    use super::*;

    #[test]
    fn numbers_come_back_and_too_long_ones_are_refused() {
        for value in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX - 1, u64::MAX] {
            let mut out = Writer::default();
            out.number(value);
            let bytes = out.into_bytes();
            let mut input = Reader::new(&bytes);
            assert_eq!(input.number(), Ok(value));
            assert_eq!(input.end(), Ok(()));
        }
        assert_eq!(Reader::new(&[0xff; 11]).number(), Err(Garbled));
        let mut over = [0xff; 10];
        over[9] = 0x02;
        assert_eq!(Reader::new(&over).number(), Err(Garbled));
    }

    #[test]
    fn a_text_longer_than_what_is_there_is_refused() {
        let mut out = Writer::default();
        out.number(u64::MAX);
        assert_eq!(Reader::new(&out.into_bytes()).text(), Err(Garbled));
    }
}
