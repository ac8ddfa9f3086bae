//! What is filled in by hand: exceptions and signatures.

use super::{Manifest, Party};
use crate::error::Result;
use crate::print::{Canvas, Style, wrapped};
use crate::report::form::{TICK, lines_height, tick_box};
use crate::report::sheet::{Block, Column, columns_in};

const TITLE: Style = Style::bold(10.0);
const HEAD: Style = Style::text(6.8);
const TEXT: Style = Style::text(7.5);

/// What was not handed over, added by hand, or struck.
pub(super) struct Exceptions;

/// How many can be written down, and the height of each.
const ROWS: u8 = 5;
const ROW: f32 = 7.0;
const ABOVE_ROWS: f32 = 10.0;

const COLUMNS: &[Column] = &[
    Column {
        title: "Line or barcode",
        width: Some(42.0),
    },
    Column {
        title: "Not handed over",
        width: Some(24.0),
    },
    Column {
        title: "Added by hand",
        width: Some(22.0),
    },
    Column {
        title: "Struck",
        width: Some(13.0),
    },
    Column {
        title: "Why",
        width: None,
    },
    Column {
        title: "Initials of both",
        width: Some(26.0),
    },
];

impl Block for Exceptions {
    fn height(&self, _width: f32) -> f32 {
        ABOVE_ROWS + f32::from(ROWS) * ROW + 3.0
    }

    fn draw(&self, canvas: &mut Canvas, x: f32, y: f32, width: f32) -> Result<()> {
        let height = self.height(width) - 3.0;
        canvas.frame(x, y, width, height, 0.4);
        canvas.text(x + 1.5, y + 1.2, TITLE, "Exceptions");
        let after = x + 4.0 + TITLE.width("Exceptions");
        canvas.text(
            after,
            y + 2.1,
            HEAD,
            "One row for each thing. Where there is none, write \"none\" in the first row.",
        );
        let places = columns_in(COLUMNS, width - 3.0);
        for (column, (start, _)) in COLUMNS.iter().zip(&places) {
            canvas.text(x + 1.5 + start, y + ABOVE_ROWS - 3.6, HEAD, column.title);
        }
        for row in 0..ROWS {
            let top = y + ABOVE_ROWS + f32::from(row) * ROW;
            canvas.rule(x, top, width, 0.15);
            for (start, _) in &places[1..=3] {
                tick_box(canvas, x + 1.5 + start + 4.0, top + (ROW - TICK) / 2.0);
            }
        }
        for (start, _) in &places[1..] {
            canvas.block(x + start + 0.5, y + ABOVE_ROWS, 0.15, height - ABOVE_ROWS);
        }
        Ok(())
    }
}

/// Sender, carrier, receiver.
pub(super) struct Signatures<'a> {
    pub(super) manifest: &'a Manifest,
}

const GAP: f32 = 3.0;
const PAD: f32 = 1.8;
/// Lines for writing and their height.
const BLANKS: [(&str, f32); 6] = [
    ("Name", 7.0),
    ("Identity card checked", 7.0),
    ("Signature", 11.0),
    ("Date and time", 7.0),
    ("Cases counted", 7.0),
    ("Seals checked", 7.0),
];

impl Signatures<'_> {
    fn blocks(&self) -> [(&'static str, &Party, &'static str); 3] {
        let manifest = self.manifest;
        [
            (
                "Sender",
                &manifest.from,
                "Hands over what is listed, less the exceptions.",
            ),
            (
                "Carrier",
                &manifest.carrier,
                "Signs for cases and seals only, not for what is in them.",
            ),
            (
                "Receiver",
                &manifest.to,
                "Has received what is ticked, less the exceptions.",
            ),
        ]
    }

    fn inner(width: f32) -> f32 {
        (width - 2.0 * GAP) / 3.0 - 2.0 * PAD
    }

    /// Of who signs, and for what: as high as the highest.
    fn head(&self, width: f32) -> f32 {
        let heights = self.blocks().map(|(_, party, what)| {
            let lines = [
                wrapped(&party.name, TEXT, width),
                wrapped(what, TEXT, width),
            ];
            lines_height(&lines.concat(), TEXT)
        });
        TITLE.line() + heights.into_iter().fold(0.0, f32::max)
    }
}

impl Block for Signatures<'_> {
    fn height(&self, width: f32) -> f32 {
        let blanks: f32 = BLANKS.iter().map(|(_, height)| height).sum();
        self.head(Self::inner(width)) + blanks + 2.0 * PAD + 1.0
    }

    fn draw(&self, canvas: &mut Canvas, x: f32, y: f32, width: f32) -> Result<()> {
        let inner = Self::inner(width);
        let height = self.height(width) - 1.0;
        let mut left = x;
        for (title, party, what) in self.blocks() {
            canvas.frame(left, y, inner + 2.0 * PAD, height, 0.4);
            let start = left + PAD;
            canvas.text(start, y + PAD, TITLE, title);
            let mut below = y + PAD + TITLE.line();
            below += canvas.paragraph(start, below, inner, TEXT, &party.name);
            canvas.paragraph(start, below, inner, TEXT, what);
            let mut line = y + PAD + self.head(inner);
            for (label, height) in BLANKS {
                line += height;
                canvas.text(start, line - 3.3, HEAD, label);
                let after = HEAD.width(label) + 1.5;
                if label.ends_with("checked") {
                    tick_box(canvas, start + after, line - TICK - 0.4);
                    let after = after + TICK + 1.5;
                    canvas.rule(start + after, line, inner - after, 0.2);
                } else {
                    canvas.rule(start + after, line, inner - after, 0.2);
                }
            }
            left += inner + 2.0 * PAD + GAP;
        }
        Ok(())
    }
}
