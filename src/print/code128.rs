//! Code 128 (ISO/IEC 15417): code sets B and C, with its check character.

use super::{Symbol, SymbolError};

/// The widths of bars and spaces of each value (ISO/IEC 15417, table 1).
const PATTERNS: [&[u8; 6]; 106] = [
    b"212222", b"222122", b"222221", b"121223", b"121322", b"131222", b"122213", b"122312",
    b"132212", b"221213", b"221312", b"231212", b"112232", b"122132", b"122231", b"113222",
    b"123122", b"123221", b"223211", b"221132", b"221231", b"213212", b"223112", b"312131",
    b"311222", b"321122", b"321221", b"312212", b"322112", b"322211", b"212123", b"212321",
    b"232121", b"111323", b"131123", b"131321", b"112313", b"132113", b"132311", b"211313",
    b"231113", b"231311", b"112133", b"112331", b"132131", b"113123", b"113321", b"133121",
    b"313121", b"211331", b"231131", b"213113", b"213311", b"213131", b"311123", b"311321",
    b"331121", b"312113", b"312311", b"332111", b"314111", b"221411", b"431111", b"111224",
    b"111422", b"121124", b"121421", b"141122", b"141221", b"112214", b"112412", b"122114",
    b"122411", b"142112", b"142211", b"241211", b"221114", b"413111", b"241112", b"134111",
    b"111242", b"121142", b"121241", b"114212", b"124112", b"124211", b"411212", b"421112",
    b"421211", b"212141", b"214121", b"412121", b"111143", b"111341", b"131141", b"114113",
    b"114311", b"411113", b"411311", b"113141", b"114131", b"311141", b"411131", b"211412",
    b"211214", b"211232",
];

/// The stop character with its last bar.
const STOP: &[u8; 7] = b"2331112";

/// In set C: go on in set B. Its number is that of the digits "00" to "99" plus one.
const TO_B: u8 = 100;
/// In set B: go on in set C.
const TO_C: u8 = 99;
const START_B: u8 = 104;
const START_C: u8 = 105;

/// Digits worth a change of set in the middle of a text, and at either end (annex E).
const RUN_INSIDE: usize = 6;
const RUN_AT_END: usize = 4;

/// The code of a text.
///
/// # Errors
/// An empty text, or a character that is not printable ASCII.
pub fn symbol(text: &str) -> Result<Symbol, SymbolError> {
    let values = values(text)?;
    let elements = values
        .iter()
        .flat_map(|value| PATTERNS[usize::from(*value)].iter())
        .chain(STOP)
        .map(|width| f32::from(width - b'0'));
    Ok(Symbol::from_elements(elements))
}

/// Start character, data and check character.
fn values(text: &str) -> Result<Vec<u8>, SymbolError> {
    if text.is_empty() {
        return Err(SymbolError::Empty);
    }
    if let Some(character) = text.chars().find(|one| !matches!(one, ' '..='~')) {
        return Err(SymbolError::Character {
            symbology: "Code 128",
            character,
            text: text.to_owned(),
        });
    }
    let bytes = text.as_bytes();
    let mut values = Vec::with_capacity(bytes.len() + 4);
    let mut in_c = false;
    let mut at = 0;
    while at < bytes.len() {
        let digits = bytes[at..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let at_end = at == 0 || at + digits == bytes.len();
        let worth = digits >= if at_end { RUN_AT_END } else { RUN_INSIDE };
        if worth && digits % 2 == 0 {
            if !in_c {
                values.push(if at == 0 { START_C } else { TO_C });
                in_c = true;
            }
            for pair in bytes[at..at + digits].chunks_exact(2) {
                values.push((pair[0] - b'0') * 10 + (pair[1] - b'0'));
            }
            at += digits;
            continue;
        }
        // Of an odd number of digits the first one is in set B.
        if at == 0 {
            values.push(START_B);
        } else if in_c {
            values.push(TO_B);
            in_c = false;
        }
        values.push(bytes[at] - b' ');
        at += 1;
    }
    let sum: usize = values
        .iter()
        .enumerate()
        .map(|(position, value)| usize::from(*value) * position.max(1))
        .sum();
    // Below 103.
    values.push(u8::try_from(sum % 103).unwrap_or(0));
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_has_eleven_modules_an_even_sum_of_bars_and_is_unique() {
        for (at, pattern) in PATTERNS.iter().enumerate() {
            let widths: Vec<u8> = pattern.iter().map(|width| width - b'0').collect();
            assert_eq!(widths.iter().sum::<u8>(), 11, "{at}");
            let bars: u8 = widths.iter().step_by(2).sum();
            assert_eq!(bars % 2, 0, "{at}");
            assert!(PATTERNS[..at].iter().all(|other| other != pattern), "{at}");
        }
    }

    #[test]
    fn sets_are_changed_where_it_is_worth_it() {
        // The sum is 104 + (33 + 2 * 34 + 3 * 13 + ...): computed by hand.
        assert_eq!(
            values("AB").unwrap(),
            [START_B, 33, 34, (104 + 33 + 68) % 103]
        );
        assert_eq!(values("1234").unwrap()[..3], [START_C, 12, 34]);
        assert_eq!(values("A1234").unwrap()[..5], [START_B, 33, TO_C, 12, 34]);
        assert_eq!(
            values("A1234B").unwrap()[..4],
            [START_B, 33, 17, 18],
            "four inside are not"
        );
        let odd = values("12345").unwrap();
        assert_eq!(odd[..5], [START_B, 17, TO_C, 23, 45]);
        let back = values("123456A").unwrap();
        assert_eq!(back[..6], [START_C, 12, 34, 56, TO_B, 33]);
    }

    #[test]
    fn what_it_lacks_is_named() {
        assert_eq!(symbol(""), Err(SymbolError::Empty));
        assert!(symbol("Größe").unwrap_err().to_string().contains("'ö'"));
    }
}
