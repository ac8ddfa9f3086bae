//! What one line of input is.
//!
//! A scanner types like a keyboard, so nothing in a line tells which of the two it was. What does tell:
//!
//! - a leading `=`, which no card and no tape has: typed, by whatever way the line came;
//! - on a terminal, time: a scanner ends a line within [`SCANNER_TIME`] of its first character, a hand does
//!   not. Over a network that stands still for a moment a scan may look typed, and is asked again, which
//!   the next scan of it answers; typing may look scanned only if all of a line is held up and then comes
//!   at once.
//!
//! What comes through a pipe has no times: there the mark alone counts.

use std::time::Duration;

use crate::id::{Barcode, PersonCode};
use crate::media::card::{Card, CardError};

/// Before what was typed.
pub const TYPED_MARK: char = '=';
/// Longest time a scanner needs for a line.
pub const SCANNER_TIME: Duration = Duration::from_millis(700);
/// Longest line that is kept; no barcode of ours is longer than 32 characters.
pub const LONGEST: usize = 80;

/// How a line came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hand {
    /// From a scanner.
    Scanned,
    /// From fingers.
    Typed,
}

/// A line of input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Without its mark and without blanks around.
    pub text: String,
    /// How it came.
    pub hand: Hand,
}

impl Line {
    /// A line as it came, which took this long where that is known.
    #[must_use]
    pub fn new(text: &str, took: Option<Duration>) -> Self {
        let text = text.trim();
        let marked = text.strip_prefix(TYPED_MARK);
        let slow = took.is_some_and(|took| took > SCANNER_TIME);
        let kept: String = marked
            .unwrap_or(text)
            .trim()
            .chars()
            .take(LONGEST)
            .collect();
        Self {
            text: kept,
            hand: if marked.is_some() || slow {
                Hand::Typed
            } else {
                Hand::Scanned
            },
        }
    }
}

/// What a line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// Nothing.
    Nothing,
    /// A badge.
    Badge(PersonCode),
    /// Another one of our cards.
    Card(Card),
    /// Something that is meant to be a card.
    Wrong(CardError),
    /// What may be on an item.
    Item(Barcode),
    /// What is on no label.
    Garbage,
}

impl Heard {
    /// Reads a line.
    #[must_use]
    pub fn of(line: &Line) -> Self {
        if line.text.is_empty() {
            return Self::Nothing;
        }
        match Card::read(&line.text) {
            Ok(Some(Card::Person(code))) => Self::Badge(code),
            Ok(Some(card)) => Self::Card(card),
            Err(error) => Self::Wrong(error),
            Ok(None) => line
                .text
                .parse::<Barcode>()
                .ok()
                .filter(is_plain)
                .map_or(Self::Garbage, Self::Item),
        }
    }
}

/// Code 39 has capitals, digits and a few signs; small letters come with caps lock.
fn is_plain(code: &Barcode) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-. $/+%".contains(&byte);
    code.as_str().bytes().all(known)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(" TWV001L8\r\n", None, "TWV001L8", Hand::Scanned)]
    #[case("TWV001L8", Some(80), "TWV001L8", Hand::Scanned)]
    #[case("TWV001L8", Some(2500), "TWV001L8", Hand::Typed)]
    #[case("= TWV001L8", None, "TWV001L8", Hand::Typed)]
    fn a_mark_or_time_tells_fingers(
        #[case] text: &str,
        #[case] millis: Option<u64>,
        #[case] kept: &str,
        #[case] hand: Hand,
    ) {
        let line = Line::new(text, millis.map(Duration::from_millis));
        assert_eq!((line.text.as_str(), line.hand), (kept, hand));
    }

    #[rstest]
    #[case("", Heard::Nothing)]
    #[case("TWV001L8", Heard::Item("TWV001L8".parse().unwrap()))]
    #[case("DG 001L6", Heard::Item("DG 001L6".parse().unwrap()))]
    #[case(".B.P07", Heard::Badge("P07".parse().unwrap()))]
    #[case(".B.42", Heard::Badge("42".parse().unwrap()))]
    #[case(".b.p07", Heard::Wrong(CardError::CapsLock))]
    #[case("TWV\u{1b}[A", Heard::Garbage)]
    #[case("http://example.org/?q=1", Heard::Garbage)]
    #[case("é", Heard::Garbage)]
    fn lines_are_read(#[case] text: &str, #[case] heard: Heard) {
        assert_eq!(Heard::of(&Line::new(text, None)), heard);
    }
}
