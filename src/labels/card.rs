//! Labels for cases and places, badges, cards for purposes.

use super::page::Grid;
use super::{Labels, MODULE};
use crate::error::{Error, Result};
use crate::media::card::{Card, Purpose};
use crate::print::{Canvas, Paper, Style, Symbol, code39, wrapped};

/// A card and what is said on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardLabel {
    /// What it is when it is scanned.
    pub card: Card,
    /// A name beside the code; may be empty.
    pub name: String,
}

impl CardLabel {
    /// One card for each purpose, and the one that tests the keyboard.
    #[must_use]
    pub fn purposes() -> Vec<Self> {
        let purposes = Purpose::ALL.map(|purpose| Self {
            card: Card::Purpose(purpose),
            name: purpose.meaning().to_owned(),
        });
        let test = Self {
            card: Card::KeyboardTest,
            name: "Scan once at the beginning: shows a wrong keyboard layout".to_owned(),
        };
        purposes.into_iter().chain([test]).collect()
    }

    fn kind(&self) -> &'static str {
        match self.card {
            Card::Purpose(_) => "PURPOSE",
            Card::Person(_) => "PERSON",
            Card::Place(_) => "PLACE",
            Card::Case(_) => "CASE",
            Card::KeyboardTest => "TEST",
        }
    }

    fn headline(&self) -> String {
        match &self.card {
            Card::Purpose(purpose) => purpose.to_string(),
            Card::Person(code) => code.to_string(),
            Card::Place(code) | Card::Case(code) => code.to_string(),
            Card::KeyboardTest => "KEYBOARD".to_owned(),
        }
    }
}

/// Size of a card in millimetres; those with long codes have a sheet's width to themselves.
const NARROW: f32 = 94.0;
const WIDE: f32 = 150.0;
const HEIGHT: f32 = 48.0;
const BARS: f32 = 16.0;
const PAD: f32 = 4.0;

const KIND: Style = Style::text(8.0);
const HEADLINE: Style = Style::bold(22.0);
const NAME: Style = Style::text(9.0);
const TEXT: Style = Style::mono(8.0);
/// Lines of a name.
const NAME_LINES: usize = 2;

/// Cards on sheets.
///
/// # Errors
/// A name that needs more than two lines.
pub fn cards(labels: &[CardLabel], paper: Paper) -> Result<Labels> {
    let mut drawn = Vec::with_capacity(labels.len());
    let mut width = NARROW;
    for label in labels {
        let text = label.card.to_string();
        let symbol = code39::symbol(&text)
            .map_err(|error| Error::failed("a card has no bar code").because(error))?;
        // The frame is no part of the quiet zone.
        if symbol.whole_width() * MODULE + 1.0 > NARROW {
            width = WIDE;
        }
        drawn.push((label, text, symbol));
    }
    for label in labels {
        if wrapped(&label.name, NAME, width - 2.0 * PAD).len() > NAME_LINES {
            return Err(Error::usage(format!(
                "the name \"{}\" is too long for a card: two lines at most",
                label.name
            )));
        }
    }
    let pages = Grid::new(paper, width, HEIGHT, 2.0).fill(
        &drawn,
        "Print at 100 % and cut along the frames.",
        |canvas, x, y, (label, text, symbol)| draw(canvas, (x, y, width), label, text, symbol),
    );
    Ok(Labels {
        title: "Cards for the scanner",
        paper,
        pages,
        count: labels.len(),
    })
}

fn draw(
    canvas: &mut Canvas,
    (x, y, width): (f32, f32, f32),
    label: &CardLabel,
    text: &str,
    symbol: &Symbol,
) {
    canvas.frame(x, y, width, HEIGHT, 0.1);
    canvas.text_right(x + width - PAD, y + 2.5, KIND, label.kind());
    canvas.text(x + PAD, y + 1.5, HEADLINE, &label.headline());
    let below = y + 1.5 + HEADLINE.line();
    canvas.paragraph(x + PAD, below, width - 2.0 * PAD, NAME, &label.name);
    let start = x + (width - symbol.width() * MODULE) / 2.0;
    let bars = y + HEIGHT - BARS - TEXT.line() - 2.0;
    canvas.symbol(start, bars, BARS, MODULE, symbol);
    canvas.text_centred(x + width / 2.0, bars + BARS + 0.5, TEXT, text);
}
