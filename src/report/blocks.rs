//! Blocks that several reports have.

use super::form::lines_height;
use super::sheet::Block;
use crate::error::Result;
use crate::print::{Canvas, Style, wrapped};

/// Sentences below a title.
pub(super) struct Notes<'a> {
    pub(super) title: &'static str,
    pub(super) lines: &'a [String],
}

const NOTE: Style = Style::text(8.5);
const NOTE_HEAD: Style = Style::bold(10.0);

impl Block for Notes<'_> {
    fn height(&self, width: f32) -> f32 {
        let notes = self.lines.iter();
        let lines: f32 = notes
            .map(|note| lines_height(&wrapped(note, NOTE, width - 4.0), NOTE))
            .sum();
        NOTE_HEAD.line() + lines + 2.0
    }

    fn draw(&self, canvas: &mut Canvas, x: f32, y: f32, width: f32) -> Result<()> {
        canvas.text(x, y, NOTE_HEAD, self.title);
        let mut below = y + NOTE_HEAD.line();
        for note in self.lines {
            canvas.text(x, below, NOTE, "\u{2022}");
            below += canvas.paragraph(x + 4.0, below, width - 4.0, NOTE, note);
        }
        Ok(())
    }
}

/// Names and values, one pair in a row.
pub(super) struct Facts<'a>(pub(super) &'a [(&'static str, String)]);

const FACT: Style = Style::text(9.0);
const FACT_NAME: Style = Style::bold(9.0);
/// Room for the names.
const NAMES: f32 = 42.0;

impl Block for Facts<'_> {
    fn height(&self, width: f32) -> f32 {
        let facts = self.0.iter();
        let lines: f32 = facts
            .map(|(_, value)| lines_height(&wrapped(value, FACT, width - NAMES), FACT))
            .sum();
        lines + 2.0
    }

    fn draw(&self, canvas: &mut Canvas, x: f32, y: f32, width: f32) -> Result<()> {
        let mut below = y;
        for (name, value) in self.0 {
            canvas.text(x, below, FACT_NAME, name);
            below += canvas.paragraph(x + NAMES, below, width - NAMES, FACT, value);
        }
        Ok(())
    }
}

/// Lines to be filled in by hand, two side by side.
pub(super) struct Blanks(pub(super) &'static [&'static str]);

const BLANK: f32 = 9.5;
const BLANK_NAME: Style = Style::text(7.5);

impl Block for Blanks {
    #[allow(clippy::cast_precision_loss)] // a handful
    fn height(&self, _width: f32) -> f32 {
        self.0.len().div_ceil(2) as f32 * BLANK + 3.0
    }

    fn draw(&self, canvas: &mut Canvas, x: f32, y: f32, width: f32) -> Result<()> {
        let half = (width - 6.0) / 2.0;
        let mut line = y;
        for pair in self.0.chunks(2) {
            line += BLANK;
            for (name, left) in pair.iter().zip([x, x + half + 6.0]) {
                canvas.text(left, line - 3.4, BLANK_NAME, name);
                let after = BLANK_NAME.width(name) + 1.5;
                canvas.rule(left + after, line, half - after, 0.2);
            }
        }
        Ok(())
    }
}

/// Nothing follows.
pub(super) struct End(pub(super) String);

const END: Style = Style::bold(9.5);

impl Block for End {
    fn height(&self, width: f32) -> f32 {
        lines_height(&wrapped(&self.0, END, width), END) + 5.0
    }

    fn draw(&self, canvas: &mut Canvas, x: f32, y: f32, width: f32) -> Result<()> {
        let height = canvas.paragraph(x, y + 2.5, width, END, &self.0);
        canvas.rule(x, y + 1.2, width, 0.6);
        canvas.rule(x, y + height + 3.8, width, 0.6);
        Ok(())
    }
}
