//! Big-endian fields at an offset, never past the end (SPC-5, bit and byte ordering: fields are
//! big-endian).

/// One byte at `at`.
#[must_use]
pub fn u8_at(bytes: &[u8], at: usize) -> Option<u8> {
    bytes.get(at).copied()
}

/// Two bytes at `at`.
#[must_use]
pub fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(array_at(bytes, at)?))
}

/// Three bytes at `at`.
#[must_use]
pub fn u24_at(bytes: &[u8], at: usize) -> Option<u32> {
    let [high, middle, low] = array_at(bytes, at)?;
    Some(u32::from_be_bytes([0, high, middle, low]))
}

/// Four bytes at `at`.
#[must_use]
pub fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(array_at(bytes, at)?))
}

/// Eight bytes at `at`.
#[must_use]
pub fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_be_bytes(array_at(bytes, at)?))
}

/// `N` bytes at `at`.
#[must_use]
pub fn array_at<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

/// `length` bytes at `at`.
#[must_use]
pub fn slice_at(bytes: &[u8], at: usize, length: usize) -> Option<&[u8]> {
    bytes.get(at..at.checked_add(length)?)
}

/// A big-endian unsigned number of 1 to 8 bytes; `None` for any other length.
#[must_use]
pub fn unsigned(bytes: &[u8]) -> Option<u64> {
    if bytes.is_empty() || bytes.len() > 8 {
        return None;
    }
    Some(
        bytes
            .iter()
            .fold(0, |value, byte| value << 8 | u64::from(*byte)),
    )
}

/// The low three bytes of `value`, high byte first. Callers check that it fits.
#[must_use]
pub(crate) fn low24(value: u32) -> [u8; 3] {
    let [_, high, middle, low] = value.to_be_bytes();
    [high, middle, low]
}

/// Text of an ASCII field (SPC-5, ASCII data field requirements: left-aligned, padded with
/// blanks), NULs and blanks at both ends removed; bytes that are not graphic ASCII become `?`.
#[must_use]
pub fn ascii(bytes: &[u8]) -> String {
    let text: String = bytes
        .iter()
        .map(|byte| match byte {
            0 => ' ',
            0x20..=0x7e => char::from(*byte),
            _ => '?',
        })
        .collect();
    text.trim().to_owned()
}
