//! Big-endian fields of CDBs and parameter lists (SPC-5: most significant byte first).
//!
//! Reading past the end gives zero bytes: a shorter list has its missing fields zero, and whether
//! it may be shorter is checked where that matters.

fn byte_at(bytes: &[u8], at: usize) -> u8 {
    bytes.get(at).copied().unwrap_or(0)
}

pub(crate) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([byte_at(bytes, at), byte_at(bytes, at + 1)])
}

pub(crate) fn u24_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([
        0,
        byte_at(bytes, at),
        byte_at(bytes, at + 1),
        byte_at(bytes, at + 2),
    ])
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    (u32::from(u16_at(bytes, at)) << 16) | u32::from(u16_at(bytes, at + 2))
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    (u64::from(u32_at(bytes, at)) << 32) | u64::from(u32_at(bytes, at + 4))
}

/// The three low bytes, most significant first; a value that does not fit is all ones.
pub(crate) fn u24(value: usize) -> [u8; 3] {
    let [_, high, middle, low] = u32::try_from(value)
        .ok()
        .filter(|value| *value < 1 << 24)
        .unwrap_or(0x00ff_ffff)
        .to_be_bytes();
    [high, middle, low]
}

/// Two bytes; a value that does not fit is all ones.
pub(crate) fn u16(value: usize) -> [u8; 2] {
    u16::try_from(value).unwrap_or(u16::MAX).to_be_bytes()
}

/// Four bytes; a value that does not fit is all ones.
pub(crate) fn u32(value: u64) -> [u8; 4] {
    u32::try_from(value).unwrap_or(u32::MAX).to_be_bytes()
}

/// Text left-aligned in a field of `N` bytes, cut or filled with `padding`.
pub(crate) fn text<const N: usize>(text: &str, padding: u8) -> [u8; N] {
    let mut field = [padding; N];
    for (slot, byte) in field.iter_mut().zip(text.bytes()) {
        *slot = byte;
    }
    field
}
