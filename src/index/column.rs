//! Integers in columns.

use super::error::Damage;

/// Appends an unsigned LEB128.
pub(super) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(low_byte(value) | 0x80);
        value >>= 7;
    }
    out.push(low_byte(value));
}

#[allow(clippy::cast_possible_truncation, reason = "the low byte is wanted")]
fn low_byte(value: u64) -> u8 {
    value as u8
}

/// Maps small differences of either sign to small numbers; the difference wraps.
pub(super) fn zigzag(value: u64, base: u64) -> u64 {
    let difference = value.wrapping_sub(base).cast_signed();
    ((difference << 1) ^ (difference >> 63)).cast_unsigned()
}

/// The value [`zigzag`] was made of.
pub(super) fn unzigzag(coded: u64, base: u64) -> u64 {
    let difference = (coded >> 1) ^ (coded & 1).wrapping_neg();
    base.wrapping_add(difference)
}

/// Reads a column from its beginning to its end.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(super) fn bytes(&mut self, length: usize) -> Result<&'a [u8], Damage> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Damage::CutOff)?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Damage> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(Damage::CutOff)?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Damage> {
        self.array().map(|[byte]| byte)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Damage> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, Damage> {
        self.array().map(u64::from_le_bytes)
    }

    /// An unsigned LEB128 of at most 64 bits.
    pub(super) fn varint(&mut self) -> Result<u64, Damage> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Damage::Content("a number has more than 64 bits"))
    }

    /// A varint that must fit 32 bits.
    pub(super) fn varint_u32(&mut self) -> Result<u32, Damage> {
        u32::try_from(self.varint()?).map_err(|_| Damage::Content("a number has more than 32 bits"))
    }

    /// A varint that is a length in memory.
    pub(super) fn varint_length(&mut self) -> Result<usize, Damage> {
        usize::try_from(self.varint()?).map_err(|_| Damage::Content("a length is out of range"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn varints_and_zigzags_read_back(value: u64, base: u64) {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, value);
            put_varint(&mut bytes, zigzag(value, base));
            let mut cursor = Cursor::new(&bytes);
            prop_assert_eq!(cursor.varint(), Ok(value));
            prop_assert_eq!(unzigzag(cursor.varint().unwrap(), base), value);
            prop_assert!(cursor.is_empty());
        }
    }

    #[test]
    fn known_bytes() {
        let mut bytes = Vec::new();
        put_varint(&mut bytes, 300);
        assert_eq!(bytes, [0xac, 0x02]);
        assert_eq!(
            [zigzag(5, 5), zigzag(4, 5), zigzag(6, 5), zigzag(3, 5)],
            [0, 1, 2, 3]
        );
    }

    #[test]
    fn a_number_beyond_64_bits_is_damage() {
        let mut long = Cursor::new(&[0xff; 11]);
        assert!(matches!(long.varint(), Err(Damage::Content(_))));
        let mut cut = Cursor::new(&[0x80]);
        assert_eq!(cut.varint(), Err(Damage::CutOff));
    }
}
