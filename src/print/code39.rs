//! Code 39 (ISO/IEC 16388), without check character, as on tape labels.

use super::{Symbol, SymbolError};

/// Width of a wide element, in narrow ones. The standard allows 2.0 to 3.0 (4.4.1 c); libraries' readers
/// are made for 2.75 (LTO Ultrium bar code label specification).
pub const WIDE: f32 = 2.75;

/// Start and stop character.
const FRAME: char = '*';

/// Characters and their nine elements, bar first; `w` is wide (ISO/IEC 16388, table 1).
const PATTERNS: [(char, &[u8; 9]); 44] = [
    ('0', b"nnnwwnwnn"),
    ('1', b"wnnwnnnnw"),
    ('2', b"nnwwnnnnw"),
    ('3', b"wnwwnnnnn"),
    ('4', b"nnnwwnnnw"),
    ('5', b"wnnwwnnnn"),
    ('6', b"nnwwwnnnn"),
    ('7', b"nnnwnnwnw"),
    ('8', b"wnnwnnwnn"),
    ('9', b"nnwwnnwnn"),
    ('A', b"wnnnnwnnw"),
    ('B', b"nnwnnwnnw"),
    ('C', b"wnwnnwnnn"),
    ('D', b"nnnnwwnnw"),
    ('E', b"wnnnwwnnn"),
    ('F', b"nnwnwwnnn"),
    ('G', b"nnnnnwwnw"),
    ('H', b"wnnnnwwnn"),
    ('I', b"nnwnnwwnn"),
    ('J', b"nnnnwwwnn"),
    ('K', b"wnnnnnnww"),
    ('L', b"nnwnnnnww"),
    ('M', b"wnwnnnnwn"),
    ('N', b"nnnnwnnww"),
    ('O', b"wnnnwnnwn"),
    ('P', b"nnwnwnnwn"),
    ('Q', b"nnnnnnwww"),
    ('R', b"wnnnnnwwn"),
    ('S', b"nnwnnnwwn"),
    ('T', b"nnnnwnwwn"),
    ('U', b"wwnnnnnnw"),
    ('V', b"nwwnnnnnw"),
    ('W', b"wwwnnnnnn"),
    ('X', b"nwnnwnnnw"),
    ('Y', b"wwnnwnnnn"),
    ('Z', b"nwwnwnnnn"),
    ('-', b"nwnnnnwnw"),
    ('.', b"wwnnnnwnn"),
    (' ', b"nwwnnnwnn"),
    ('$', b"nwnwnwnnn"),
    ('/', b"nwnwnnnwn"),
    ('+', b"nwnnnwnwn"),
    ('%', b"nnnwnwnwn"),
    (FRAME, b"nwnnwnwnn"),
];

/// The code of a text.
///
/// # Errors
/// An empty text, or a character that Code 39 lacks: it has capital letters, digits, blank, `-.$/+%`.
pub fn symbol(text: &str) -> Result<Symbol, SymbolError> {
    if text.is_empty() {
        return Err(SymbolError::Empty);
    }
    let mut elements = Vec::with_capacity((text.len() + 2) * 10);
    push(&mut elements, FRAME, text)?;
    for character in text.chars() {
        if character == FRAME {
            return Err(unknown(character, text));
        }
        push(&mut elements, character, text)?;
    }
    push(&mut elements, FRAME, text)?;
    Ok(Symbol::from_elements(elements))
}

fn push(elements: &mut Vec<f32>, character: char, text: &str) -> Result<(), SymbolError> {
    let (_, pattern) = PATTERNS
        .iter()
        .find(|(known, _)| *known == character)
        .ok_or_else(|| unknown(character, text))?;
    let widths = pattern
        .iter()
        .map(|element| if *element == b'w' { WIDE } else { 1.0 });
    elements.extend(widths);
    // The gap between characters is narrow; the one behind the last is in the quiet zone.
    elements.push(1.0);
    Ok(())
}

fn unknown(character: char, text: &str) -> SymbolError {
    SymbolError::Character {
        symbology: "Code 39",
        character,
        text: text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_has_three_wide_elements_and_its_own_pattern() {
        for (at, (character, pattern)) in PATTERNS.iter().enumerate() {
            let narrow: Vec<&[u8]> = pattern.split(|one| *one == b'w').collect();
            assert_eq!(
                narrow.len(),
                4,
                "{character}: three wide ones among the narrow"
            );
            assert!(
                PATTERNS[..at].iter().all(|(_, other)| other != pattern),
                "{character}"
            );
        }
    }

    #[test]
    fn a_label_is_as_wide_as_the_specification_says() {
        let symbol = symbol("ABC123L8").unwrap();
        // Ten characters of six narrow and three wide elements, nine gaps.
        assert!((symbol.width() - (10.0 * (6.0 + 3.0 * WIDE) + 9.0)).abs() < 0.01);
        assert_eq!(symbol.bars().len(), 50);
        assert_eq!(
            symbol.bars()[0],
            (0.0, 1.0),
            "the start character begins narrow"
        );
    }

    #[test]
    fn what_it_lacks_is_named() {
        assert_eq!(symbol(""), Err(SymbolError::Empty));
        for text in ["abc", "A*B", "Ä"] {
            let error = symbol(text).unwrap_err();
            assert!(error.to_string().contains(text), "{error}");
        }
    }
}
