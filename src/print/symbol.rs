//! A linear bar code as bars, whatever its symbology.

use thiserror::Error;

/// The bars of a code, in multiples of X, the width of its narrowest element.
#[derive(Debug, Clone, PartialEq)]
pub struct Symbol {
    /// Where each bar begins and how wide it is.
    bars: Vec<(f32, f32)>,
    /// From the first bar's left edge to the last bar's right one.
    width: f32,
}

/// Why a text has no code.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SymbolError {
    /// There is nothing to encode.
    #[error("an empty text has no bar code")]
    Empty,
    /// A character that the symbology lacks.
    #[error("{symbology} has no {character:?}, which is in \"{text}\"")]
    Character {
        /// Name of the symbology.
        symbology: &'static str,
        /// The character.
        character: char,
        /// The whole text.
        text: String,
    },
}

impl Symbol {
    /// Light space on either side: ten times X (ISO/IEC 16388, 4.4.1 e; ISO/IEC 15417, 4.4.1 f).
    pub const QUIET: f32 = 10.0;

    /// From the widths of elements, bar and space by turns, beginning with a bar.
    pub(super) fn from_elements(elements: impl IntoIterator<Item = f32>) -> Self {
        let mut bars = Vec::new();
        let mut at = 0.0;
        for (index, width) in elements.into_iter().enumerate() {
            if index % 2 == 0 {
                bars.push((at, width));
            }
            at += width;
        }
        let width = bars.last().map_or(0.0, |(start, width)| start + width);
        Self { bars, width }
    }

    /// Where each bar begins, from the left edge of the first one, and how wide it is, in X.
    #[must_use]
    pub fn bars(&self) -> &[(f32, f32)] {
        &self.bars
    }

    /// Width without quiet zones, in X.
    #[must_use]
    pub fn width(&self) -> f32 {
        self.width
    }

    /// Width with both quiet zones, in X.
    #[must_use]
    pub fn whole_width(&self) -> f32 {
        self.width + 2.0 * Self::QUIET
    }
}
