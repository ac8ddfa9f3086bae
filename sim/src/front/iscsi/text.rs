//! Key=value text of login and text requests (RFC 7143 clause 6.1).

use thiserror::Error;

/// Longest text of one negotiation step, collected over continued requests, in bytes.
pub(crate) const MAX_TEXT_LENGTH: usize = 64 << 10;
/// Longest key (RFC 7143 clause 6.1).
const MAX_KEY_LENGTH: usize = 63;
/// Longest value taken: large binary values in hexadecimal are the longest (clause 6.1).
const MAX_VALUE_LENGTH: usize = 4096;

/// Pairs in the order in which they stand.
pub(crate) type Pairs = Vec<(String, String)>;

/// Why a text is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum TextError {
    #[error("text of more than {MAX_TEXT_LENGTH} bytes")]
    TooLong,
    #[error("text that is not UTF-8")]
    NotUtf8,
    #[error("text that is not key=value: {0:?}")]
    NotAPair(String),
    #[error("the key {0} stands twice")]
    Twice(String),
}

/// Text that may come in several parts.
#[derive(Debug, Default)]
pub(crate) struct Collector(Vec<u8>);

impl Collector {
    /// Takes a part; what was collected before is dropped with a text that is too long.
    pub(crate) fn add(&mut self, part: &[u8]) -> Result<(), TextError> {
        if self.0.len() + part.len() > MAX_TEXT_LENGTH {
            self.0 = Vec::new();
            return Err(TextError::TooLong);
        }
        self.0.extend_from_slice(part);
        Ok(())
    }

    /// The whole text taken apart; the collector is empty again.
    pub(crate) fn finish(&mut self) -> Result<Pairs, TextError> {
        parse(&std::mem::take(&mut self.0))
    }
}

/// Takes text apart: each pair ends with a zero byte.
pub(crate) fn parse(bytes: &[u8]) -> Result<Pairs, TextError> {
    let text = std::str::from_utf8(bytes).map_err(|_| TextError::NotUtf8)?;
    let mut pairs = Pairs::new();
    for pair in text.split('\0').filter(|pair| !pair.is_empty()) {
        let wrong = || TextError::NotAPair(pair.chars().take(80).collect());
        let (key, value) = pair.split_once('=').ok_or_else(wrong)?;
        if key.is_empty() || key.len() > MAX_KEY_LENGTH || value.len() > MAX_VALUE_LENGTH {
            return Err(wrong());
        }
        if pairs.iter().any(|(other, _)| other == key) {
            return Err(TextError::Twice(key.to_owned()));
        }
        pairs.push((key.to_owned(), value.to_owned()));
    }
    Ok(pairs)
}

/// Puts pairs together.
pub(crate) fn encode(pairs: &[(String, String)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (key, value) in pairs {
        bytes.extend(key.bytes());
        bytes.push(b'=');
        bytes.extend(value.bytes());
        bytes.push(0);
    }
    bytes
}

/// The value of a key.
pub(crate) fn value<'a>(pairs: &'a [(String, String)], key: &str) -> Option<&'a str> {
    pairs
        .iter()
        .find(|(other, _)| other == key)
        .map(|(_, value)| value.as_str())
}

/// A number, decimal or hexadecimal (RFC 7143 clause 6.1).
pub(crate) fn number(value: &str) -> Option<u32> {
    match value
        .strip_prefix("0x")
        .or_else(|| value.strip_prefix("0X"))
    {
        Some(digits) if digits.starts_with('+') => None,
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None if value.starts_with('+') => None,
        None => value.parse().ok(),
    }
}

/// Binary data in hexadecimal or base64 (RFC 7143 clause 6.1).
pub(crate) fn binary(value: &str) -> Option<Vec<u8>> {
    let (prefix, digits) = value.split_at_checked(2)?;
    match prefix {
        "0x" | "0X" => from_hexadecimal(digits),
        "0b" | "0B" => from_base64(digits),
        _ => None,
    }
}

fn from_hexadecimal(digits: &str) -> Option<Vec<u8>> {
    let values: Option<Vec<u8>> = digits
        .chars()
        .map(|digit| {
            digit
                .to_digit(16)
                .and_then(|value| u8::try_from(value).ok())
        })
        .collect();
    let values = values?;
    // An odd number of digits has its first one alone.
    let (first, pairs) = values.split_at(values.len() % 2);
    let mut bytes = first.to_vec();
    bytes.extend(pairs.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]));
    Some(bytes)
}

/// Base64 with padding (RFC 4648 clause 4).
fn from_base64(digits: &str) -> Option<Vec<u8>> {
    let bare = digits.trim_end_matches('=');
    if !digits.len().is_multiple_of(4) || digits.len() - bare.len() > 2 {
        return None;
    }
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0_u32, 0);
    for digit in bare.bytes() {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count).to_be_bytes()[3]);
            bits &= (1 << count) - 1;
        }
    }
    Some(bytes)
}

/// Binary data in hexadecimal.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold("0x".to_owned(), |mut text, byte| {
        // Writing to a string does not fail.
        let _written = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_and_binary_values_have_the_forms_of_the_standard() {
        assert_eq!(number("262144"), Some(262_144));
        assert_eq!(number("0x40000"), Some(262_144));
        for wrong in ["", "+1", "-1", "0x", "0x+1", "4294967296", "1k"] {
            assert_eq!(number(wrong), None, "{wrong}");
        }
        assert_eq!(binary("0xabc"), Some(vec![0x0a, 0xbc]));
        // RFC 4648 clause 10.
        assert_eq!(binary("0bZm9vYmE="), Some(b"fooba".to_vec()));
        assert_eq!(binary("0bZm9vYg=="), Some(b"foob".to_vec()));
        for wrong in ["abc", "0xfg", "0bZm9", "0bZm=v", "0", "0b===="] {
            assert_eq!(binary(wrong), None, "{wrong}");
        }
        assert_eq!(hexadecimal(&[0x0a, 0xbc]), "0x0abc");
    }

    #[test]
    fn text_that_is_wrong_is_named() {
        assert_eq!(parse(b"A=1\0A=2\0"), Err(TextError::Twice("A".to_owned())));
        assert_eq!(parse(b"A\0"), Err(TextError::NotAPair("A".to_owned())));
        assert_eq!(parse(b"=A\0"), Err(TextError::NotAPair("=A".to_owned())));
        assert_eq!(parse(&[0xff, b'=']), Err(TextError::NotUtf8));
        let mut collector = Collector::default();
        let kib = vec![b'x'; 1024];
        for _ in 0..64 {
            collector.add(&kib).unwrap();
        }
        assert_eq!(collector.add(b"x"), Err(TextError::TooLong));
        assert_eq!(collector.finish(), Ok(Pairs::new()));
    }

    proptest! {
        #[test]
        fn any_bytes_are_pairs_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(pairs) = parse(&bytes) {
                prop_assert_eq!(parse(&encode(&pairs)).unwrap(), pairs);
            }
        }

        #[test]
        fn binary_values_survive(bytes in proptest::collection::vec(any::<u8>(), 0..50)) {
            prop_assert_eq!(binary(&hexadecimal(&bytes)), Some(bytes));
        }

        #[test]
        fn any_text_is_a_value_or_none(text: String) {
            let _ = (number(&text), binary(&text), binary(&format!("0b{text}")));
        }
    }
}
