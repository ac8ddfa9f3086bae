//! Cards for the scanner: what to do next, who, which place, which case. Printed as Code 39.
//!
//! A card's text is a full stop, a letter for its kind, a full stop, and a word or number:
//!
//! | text | card |
//! |---|---|
//! | `.P.OUT` | purpose: OUT, IN, PACK, COUNT, PROBLEM, UNDO, DONE, HELP |
//! | `.B.P07` | badge of person P07 |
//! | `.L.SAFE1` | location |
//! | `.C.C08` | case |
//! | `.K.AZYM-10` | test of the keyboard layout |
//!
//! A scanner types like a keyboard, so the letters that give the kind are where they are on every Latin
//! layout, and the full stop too, but for AZERTY. No tape has it: volume identifiers are capital letters and
//! digits (LTO Ultrium bar code label specification), diagnostic ones have a blank. The other signs of Code 39
//! (`$/+%`) are shifts for readers set to "full ASCII" (ISO/IEC 16388, annex A), so no card has them.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::id::{Code, PersonCode};

/// Begins every card and parts its kind from the rest.
const MARK: char = '.';
/// What the card for the keyboard layout must give: letters and a sign that other layouts have elsewhere.
const KEYBOARD_WORD: &str = "AZYM-10";

/// A card that was scanned.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Card {
    /// What the next scans are for.
    Purpose(Purpose),
    /// Who scans.
    Person(PersonCode),
    /// A place.
    Place(Code),
    /// A case.
    Case(Code),
    /// The test of the keyboard layout, which passed: a wrong one is an error of parsing.
    KeyboardTest,
}

/// What scans are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Purpose {
    /// Cartridges leave the place.
    Out,
    /// Cartridges come to the place.
    In,
    /// Cartridges are packed into a case.
    Pack,
    /// What is there is counted.
    Count,
    /// Something is wrong with the next cartridge.
    Problem,
    /// The last scan was wrong.
    Undo,
    /// That was all.
    Done,
    /// What can be done now.
    Help,
}

impl Purpose {
    /// All of them, in the order in which they are printed.
    pub const ALL: [Self; 8] = [
        Self::Out,
        Self::In,
        Self::Pack,
        Self::Count,
        Self::Problem,
        Self::Undo,
        Self::Done,
        Self::Help,
    ];

    /// The word on the card.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Out => "OUT",
            Self::In => "IN",
            Self::Pack => "PACK",
            Self::Count => "COUNT",
            Self::Problem => "PROBLEM",
            Self::Undo => "UNDO",
            Self::Done => "DONE",
            Self::Help => "HELP",
        }
    }

    /// What it is for, in a few words for the card.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Out => "Cartridges leave this place",
            Self::In => "Cartridges come to this place",
            Self::Pack => "Cartridges go into a case",
            Self::Count => "Count what is here",
            Self::Problem => "Something is wrong with the next one",
            Self::Undo => "The last scan was wrong",
            Self::Done => "That was all",
            Self::Help => "What can I do now?",
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// Why a text that is no cartridge's is no card either.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CardError {
    /// A code of a place or case that is none.
    #[error("\"{text}\" is not a code: 1 to 16 capital letters, digits and hyphens")]
    Code {
        /// What was read.
        text: String,
    },
    /// A card of a kind, or with a word, that there is not.
    #[error("\"{text}\" is not one of our cards: print them anew with \"tapeward label print\"")]
    Unknown {
        /// What was read.
        text: String,
    },
    /// Letters arrive small.
    #[error("the scanner types small letters: switch caps lock off")]
    CapsLock,
    /// Another keyboard layout than the scanner's.
    #[error("the computer takes the scanner for a {layout} keyboard: set both to the same layout")]
    Layout {
        /// Whose layout the computer has.
        layout: &'static str,
    },
    /// The test came back in a way that fits no layout known here.
    #[error(
        "the scanner's test gave \"{text}\" instead of \".K.AZYM-10\": set scanner and computer to the \
         same keyboard layout"
    )]
    Keyboard {
        /// What was read.
        text: String,
    },
}

/// What a computer with another layout makes of keys pressed by a scanner for a US keyboard: pairs of
/// what was meant and what arrives, capitals only, as a scanner presses shift for them.
const LAYOUTS: &[(&str, &[(char, char)])] = &[
    ("German", &[('Y', 'Z'), ('Z', 'Y'), ('-', 'ß')]),
    ("Swiss", &[('Y', 'Z'), ('Z', 'Y'), ('-', '\'')]),
    (
        "French",
        &[
            ('A', 'Q'),
            ('Q', 'A'),
            ('Z', 'W'),
            ('W', 'Z'),
            ('M', '?'),
            ('.', ':'),
            ('-', ')'),
            ('0', 'à'),
            ('1', '&'),
            ('2', 'é'),
            ('3', '"'),
            ('4', '\''),
            ('5', '('),
            ('6', '-'),
            ('7', 'è'),
            ('8', '_'),
            ('9', 'ç'),
        ],
    ),
    ("Spanish, Italian or Portuguese", &[('-', '\'')]),
    ("Swedish, Finnish, Danish or Norwegian", &[('-', '+')]),
    (
        "Czech",
        &[
            ('Y', 'Z'),
            ('Z', 'Y'),
            ('-', '='),
            ('1', '+'),
            ('2', 'ě'),
            ('3', 'š'),
            ('4', 'č'),
            ('5', 'ř'),
            ('6', 'ž'),
            ('7', 'ý'),
            ('8', 'á'),
            ('9', 'í'),
            ('0', 'é'),
        ],
    ),
];

impl Card {
    /// Reads what was scanned: `None` if it is no card, so a cartridge's barcode or nothing of ours.
    ///
    /// # Errors
    /// What is meant to be a card and is none; a card typed with caps lock or by another keyboard layout.
    pub fn read(scanned: &str) -> Result<Option<Self>, CardError> {
        let text = scanned.trim();
        if !text.starts_with(MARK) {
            // Where even the full stop is elsewhere, a whole card still shows.
            return match layout_of(text) {
                Some(layout) => Err(CardError::Layout { layout }),
                None => Ok(None),
            };
        }
        match Self::exact(text) {
            Ok(card) => Ok(Some(card)),
            Err(error) => Err(Self::why(text).unwrap_or(error)),
        }
    }

    /// What is wrong with the keyboard when this should be a card.
    fn why(text: &str) -> Option<CardError> {
        let capitals = text.to_uppercase();
        if capitals != text && !text.contains('ß') && Self::exact(&capitals).is_ok() {
            return Some(CardError::CapsLock);
        }
        if let Some(layout) = layout_of(text) {
            return Some(CardError::Layout { layout });
        }
        let test = text.strip_prefix(".K.").or(text.strip_prefix(".k."));
        test.map(|_| CardError::Keyboard {
            text: text.to_owned(),
        })
    }

    fn exact(text: &str) -> Result<Self, CardError> {
        let unknown = || CardError::Unknown {
            text: text.to_owned(),
        };
        let mut parts = text.splitn(3, MARK);
        let (Some(""), Some(kind), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(unknown());
        };
        match kind {
            "P" => Purpose::ALL
                .into_iter()
                .find(|purpose| purpose.word() == rest)
                .map(Self::Purpose)
                .ok_or_else(unknown),
            "B" => rest.parse().map(Self::Person).map_err(|_| no_code(rest)),
            "L" => rest.parse().map(Self::Place).map_err(|_| no_code(rest)),
            "C" => rest.parse().map(Self::Case).map_err(|_| no_code(rest)),
            "K" if rest == KEYBOARD_WORD => Ok(Self::KeyboardTest),
            _ => Err(unknown()),
        }
    }
}

fn no_code(text: &str) -> CardError {
    CardError::Code {
        text: text.to_owned(),
    }
}

/// The layout by which this is a card, if it is one only so.
fn layout_of(text: &str) -> Option<&'static str> {
    // A letter that is elsewhere is not enough: every barcode has letters.
    let odd = |one: char| !(one.is_ascii_alphanumeric() || "-. ".contains(one));
    let tests = |card: &Card| *card == Card::KeyboardTest;
    LAYOUTS.iter().find_map(|(name, pairs)| {
        let meant: String = text
            .chars()
            .map(|arrived| {
                let pair = pairs.iter().find(|(_, typed)| *typed == arrived);
                pair.map_or(arrived, |(meant, _)| *meant)
            })
            .collect();
        let card = Card::exact(&meant).ok()?;
        (meant != text && (tests(&card) || text.chars().any(odd))).then_some(*name)
    })
}

impl fmt::Display for Card {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Purpose(purpose) => write!(f, ".P.{purpose}"),
            Self::Person(code) => write!(f, ".B.{code}"),
            Self::Place(code) => write!(f, ".L.{code}"),
            Self::Case(code) => write!(f, ".C.{code}"),
            Self::KeyboardTest => write!(f, ".K.{KEYBOARD_WORD}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn code(text: &str) -> Code {
        text.parse().unwrap()
    }

    #[rstest]
    #[case(".P.OUT", Card::Purpose(Purpose::Out))]
    #[case(".B.42", Card::Person("42".parse().unwrap()))]
    #[case(".B.P07", Card::Person("P07".parse().unwrap()))]
    #[case(".L.SAFE-1", Card::Place(code("SAFE-1")))]
    #[case(".C.C08\r\n", Card::Case(code("C08")))]
    #[case(".K.AZYM-10", Card::KeyboardTest)]
    fn cards_are_read(#[case] text: &str, #[case] card: Card) {
        assert_eq!(Card::read(text).unwrap(), Some(card.clone()));
        assert_eq!(card.to_string(), text.trim());
    }

    #[rstest]
    #[case("TWV001L8")]
    #[case("CLNU01CU")]
    #[case("DG 001L6")]
    #[case("QWERTZ-1")]
    #[case("")]
    #[case("5012345678900")]
    fn what_is_no_card_is_none(#[case] text: &str) {
        assert_eq!(Card::read(text).unwrap(), None);
    }

    #[rstest]
    #[case(".P.AWAY")]
    #[case(".X.1")]
    #[case("..")]
    #[case(".")]
    fn what_should_be_a_card_and_is_none_is_said(#[case] text: &str) {
        let error = Card::read(text).unwrap_err();
        assert!(matches!(error, CardError::Unknown { .. }), "{error}");
        assert!(error.to_string().contains(text));
    }

    #[rstest]
    #[case(".k.azym-10", CardError::CapsLock)]
    #[case(".p.out", CardError::CapsLock)]
    #[case(".K.AYZMß10", CardError::Layout { layout: "German" })]
    #[case(".K.AYZM'10", CardError::Layout { layout: "Swiss" })]
    #[case(":K:QWY?)&à", CardError::Layout { layout: "French" })]
    #[case(":P:DONE", CardError::Layout { layout: "French" })]
    #[case(".K.AZYM'10", CardError::Layout { layout: "Spanish, Italian or Portuguese" })]
    #[case(".K.AZYM+10", CardError::Layout { layout: "Swedish, Finnish, Danish or Norwegian" })]
    #[case(".K.AYZM=+é", CardError::Layout { layout: "Czech" })]
    #[case(".K.AZYM", CardError::Keyboard { text: ".K.AZYM".to_owned() })]
    fn a_wrong_keyboard_is_named(#[case] text: &str, #[case] expected: CardError) {
        assert_eq!(Card::read(text).unwrap_err(), expected);
    }

    #[rstest]
    #[case(".B.")]
    #[case(".B.ABCDEFGHIJKLMNOPQ")]
    #[case(".L.A B")]
    #[case(".C.-")]
    fn a_code_that_is_none_is_said(#[case] text: &str) {
        let error = Card::read(text).unwrap_err();
        assert!(matches!(error, CardError::Code { .. }), "{error}");
    }

    fn any_card() -> impl Strategy<Value = Card> {
        let code = "[A-Z0-9][A-Z0-9-]{0,15}".prop_map(|text: String| text.parse::<Code>().unwrap());
        prop_oneof![
            proptest::sample::select(Purpose::ALL.to_vec()).prop_map(Card::Purpose),
            code.clone().prop_map(|code| Card::Person(PersonCode(code))),
            code.clone().prop_map(Card::Place),
            code.prop_map(Card::Case),
            Just(Card::KeyboardTest),
        ]
    }

    proptest! {
        #[test]
        fn every_card_reads_back_has_a_code_and_is_no_tape(card in any_card()) {
            let text = card.to_string();
            prop_assert_eq!(Card::read(&text).unwrap(), Some(card));
            prop_assert!(crate::print::code39::symbol(&text).is_ok());
        }

        #[test]
        fn no_tape_is_a_card(text in "[A-Z0-9]{6}(L[1-9A]|M8|CU)?") {
            prop_assert_eq!(Card::read(&text).unwrap(), None);
        }

        #[test]
        fn nothing_typed_panics(text in "\\PC{0,24}") {
            let _ = Card::read(&text);
        }
    }
}
