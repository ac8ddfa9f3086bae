//! A page on which everything has its place. Lengths are in millimetres from the upper left corner,
//! sizes of text in points.

use super::face::printable;
use super::flow::broken;
use super::{Face, MILLIMETRE, Mark, Page, Symbol, qr};
use crate::error::Result;

/// How a text looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Style {
    /// The font.
    pub face: Face,
    /// Its size in points.
    pub size: f32,
}

impl Style {
    /// From one baseline to the next, in sizes.
    const LEADING: f32 = 1.28;

    /// For reading.
    #[must_use]
    pub const fn text(size: f32) -> Self {
        let face = Face::Text;
        Self { face, size }
    }

    /// For what must be seen.
    #[must_use]
    pub const fn bold(size: f32) -> Self {
        let face = Face::Bold;
        Self { face, size }
    }

    /// For numbers that are typed or compared.
    #[must_use]
    pub const fn mono(size: f32) -> Self {
        let face = Face::Mono;
        Self { face, size }
    }

    /// Height of a line in millimetres.
    #[must_use]
    pub fn line(self) -> f32 {
        self.size * Self::LEADING / MILLIMETRE
    }

    /// From the upper edge of a line to its baseline, in millimetres.
    fn ascent(self) -> f32 {
        self.size * 0.95 / MILLIMETRE
    }

    /// Width of a text in millimetres, as it is drawn.
    #[must_use]
    pub fn width(self, text: &str) -> f32 {
        self.face.width(&printable(text, self.face), self.size) / MILLIMETRE
    }
}

/// A text in lines of at most this width in millimetres: broken between words, and within a word
/// that is longer than a line, so that nothing is ever cut off.
#[must_use]
pub fn wrapped(text: &str, style: Style, width: f32) -> Vec<String> {
    broken(text, style.face, style.size, width * MILLIMETRE)
}

/// What is drawn on a page.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Canvas {
    marks: Page,
}

impl Canvas {
    /// An empty page.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    pub(super) fn marks(&self) -> &[Mark] {
        &self.marks
    }

    /// A text whose line has its upper left corner there.
    pub fn text(&mut self, x: f32, y: f32, style: Style, text: &str) {
        self.marks.push(Mark::Text {
            x: x * MILLIMETRE,
            y: (y + style.ascent()) * MILLIMETRE,
            face: style.face,
            size: style.size,
            text: printable(text, style.face),
        });
    }

    /// A text whose line ends at `right`.
    pub fn text_right(&mut self, right: f32, y: f32, style: Style, text: &str) {
        self.text(right - style.width(text), y, style, text);
    }

    /// A text with its middle at `centre`.
    pub fn text_centred(&mut self, centre: f32, y: f32, style: Style, text: &str) {
        self.text(centre - style.width(text) / 2.0, y, style, text);
    }

    /// A text broken into lines; gives their height.
    pub fn paragraph(&mut self, x: f32, y: f32, width: f32, style: Style, text: &str) -> f32 {
        let mut below = y;
        for line in wrapped(text, style, width) {
            self.text(x, below, style, &line);
            below += style.line();
        }
        below - y
    }

    /// A filled rectangle.
    pub fn block(&mut self, x: f32, y: f32, width: f32, height: f32) {
        self.marks.push(Mark::Block {
            x: x * MILLIMETRE,
            y: y * MILLIMETRE,
            w: width * MILLIMETRE,
            h: height * MILLIMETRE,
        });
    }

    /// A horizontal line.
    pub fn rule(&mut self, x: f32, y: f32, width: f32, thickness: f32) {
        self.block(x, y - thickness / 2.0, width, thickness);
    }

    /// The edges of a rectangle; lines are drawn inside of it.
    pub fn frame(&mut self, x: f32, y: f32, width: f32, height: f32, thickness: f32) {
        self.block(x, y, width, thickness);
        self.block(x, y + height - thickness, width, thickness);
        self.block(x, y, thickness, height);
        self.block(x + width - thickness, y, thickness, height);
    }

    /// Both diagonals of a rectangle: nothing is to be written there.
    pub fn cross_out(&mut self, x: f32, y: f32, width: f32, height: f32) {
        for (start, end) in [(y, y + height), (y + height, y)] {
            self.marks.push(Mark::Stroke {
                from: (x * MILLIMETRE, start * MILLIMETRE),
                to: ((x + width) * MILLIMETRE, end * MILLIMETRE),
                thickness: 0.3 * MILLIMETRE,
            });
        }
    }

    /// A bar code whose first bar begins at `x`; `module` is X in millimetres. What is to the left and right
    /// of it must be left light ([`Symbol::QUIET`]).
    pub fn symbol(&mut self, x: f32, y: f32, height: f32, module: f32, symbol: &Symbol) {
        for (start, width) in symbol.bars() {
            self.block(x + start * module, y, width * module, height);
        }
    }

    /// A QR code, quiet zone included in its side.
    ///
    /// # Errors
    /// A text that is too long for one.
    pub fn qr(&mut self, x: f32, y: f32, side: f32, text: &str) -> Result<()> {
        let (x, y, side) = (x * MILLIMETRE, y * MILLIMETRE, side * MILLIMETRE);
        self.marks.extend(qr::marks(text, x, y, side)?);
        Ok(())
    }
}
