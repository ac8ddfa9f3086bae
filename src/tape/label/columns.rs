//! Fields of a label by column.

use super::{LABEL_LENGTH, LabelBlock, LabelError};

/// A label being filled, blank at first.
pub(super) struct LabelWriter(LabelBlock);

impl LabelWriter {
    pub(super) fn new(identifier: &str) -> Self {
        let mut writer = Self([b' '; LABEL_LENGTH]);
        writer.text(1, 4, identifier);
        writer
    }

    /// Left-justified, cut to the field, blanks behind.
    pub(super) fn text(&mut self, first: usize, last: usize, text: &str) -> &mut Self {
        let field = &mut self.0[first - 1..last];
        field.fill(b' ');
        for (column, byte) in field.iter_mut().zip(text.bytes()) {
            *column = byte;
        }
        self
    }

    /// Right-justified with leading zeros. What does not fit is the caller's mistake: all types
    /// here bound their values below the field's limit.
    pub(super) fn number(&mut self, first: usize, last: usize, value: u64) -> &mut Self {
        let width = last + 1 - first;
        let digits = format!("{value:0width$}");
        debug_assert_eq!(digits.len(), width, "{value} in columns {first}-{last}");
        self.text(first, last, &digits)
    }

    pub(super) fn finish(&self) -> LabelBlock {
        self.0
    }
}

/// A label being read.
#[derive(Clone, Copy)]
pub(super) struct LabelReader<'a>(&'a LabelBlock);

impl<'a> LabelReader<'a> {
    pub(super) fn new(block: &'a [u8], expected: &'static str) -> Result<Self, LabelError> {
        let block: &LabelBlock = block
            .try_into()
            .map_err(|_| LabelError::Length(block.len()))?;
        let reader = Self(block);
        if &block[..4] == expected.as_bytes() {
            Ok(reader)
        } else {
            Err(LabelError::Identifier {
                expected,
                found: reader.shown(1, 4),
            })
        }
    }

    fn shown(self, first: usize, last: usize) -> String {
        let plain = |byte: &u8| match byte {
            0x20..=0x7e => char::from(*byte),
            _ => '?',
        };
        self.0[first - 1..last].iter().map(plain).collect()
    }

    pub(super) fn bad(self, first: usize, last: usize, expected: &'static str) -> LabelError {
        LabelError::Field {
            label: self.shown(1, 4),
            first,
            last,
            found: self.shown(first, last),
            expected,
        }
    }

    /// The field as it stands; printable ASCII only.
    pub(super) fn raw(self, first: usize, last: usize) -> Result<&'a str, LabelError> {
        let field = &self.0[first - 1..last];
        match std::str::from_utf8(field) {
            Ok(text) if field.iter().all(|byte| (0x20..=0x7e).contains(byte)) => Ok(text),
            _ => Err(self.bad(first, last, "printable ASCII")),
        }
    }

    /// The field without trailing blanks.
    pub(super) fn text(self, first: usize, last: usize) -> Result<String, LabelError> {
        Ok(self.raw(first, last)?.trim_end_matches(' ').to_owned())
    }

    /// A decimal number that fills the field.
    pub(super) fn number(self, first: usize, last: usize) -> Result<u64, LabelError> {
        let digits = self.raw(first, last)?;
        let value = digits.bytes().all(|byte| byte.is_ascii_digit());
        value
            .then(|| digits.parse().ok())
            .flatten()
            .ok_or_else(|| self.bad(first, last, "a decimal number"))
    }

    /// Parses the field, blanks removed at its end.
    pub(super) fn parse<T: std::str::FromStr>(
        self,
        first: usize,
        last: usize,
        expected: &'static str,
    ) -> Result<T, LabelError> {
        self.text(first, last)?
            .parse()
            .map_err(|_| self.bad(first, last, expected))
    }
}
