//! How many recipients an age file was encrypted to, as far as its header tells without a key.

/// Stanzas for X25519 recipients in the header at the beginning of an age file
/// (age-encryption.org/v1, "Header": lines that begin with `->`, ended by one that begins with
/// `---`). They do not say whose they are. `None` when these bytes do not hold the whole header.
#[must_use]
pub fn recipient_stanzas(bytes: &[u8]) -> Option<usize> {
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n');
    let first = lines.next()?;
    if !first.starts_with(b"age-encryption.org/v1") {
        return None;
    }
    let mut count = 0;
    for line in lines {
        if line.starts_with(b"--- ") {
            return line.ends_with(b"\n").then_some(count);
        }
        count += usize::from(line.starts_with(b"-> X25519 "));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The header of an age file to two X25519 recipients with a stanza of random content.
    const HEADER: &[u8] = b"age-encryption.org/v1\n\
        -> X25519 TEiF0ypqr+bpvcqXNyCVJpL7OuwPdVwPL7KQEbFDOCc\n\
        EmECAEcKN+n/Vs9SbWiV+Hu0r+E8R77DdWYyd83nw7U\n\
        -> jqx-grease 5yV) e\n\
        aGVsbG8\n\
        -> X25519 ajtqAvDkVbfHbHkCXa3jZ3f9wF3yR7v3vgY3pC3hcxo\n\
        0evrK/HQXVsQ4YaDe+659l5OQzvAzD2ytLGHQLQiqxg\n\
        --- 8nYxGzoVxuLcdtDzYWnHwaGZu4RGdgrkYCjvPjvCSgU\n";

    #[test]
    fn stanzas_are_counted_when_the_header_is_whole() {
        let mut file = HEADER.to_vec();
        file.extend([0, 1, 2, b'\n', b'-', b'>']);
        assert_eq!(recipient_stanzas(&file), Some(2));
        for length in 0..HEADER.len() {
            assert_eq!(recipient_stanzas(&HEADER[..length]), None);
        }
        assert_eq!(recipient_stanzas(b"no age file\n--- x\n"), None);
    }
}
