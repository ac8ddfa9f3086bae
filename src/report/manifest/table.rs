//! The rows of a manifest: cases and lines.

use super::{Audience, Case, InHouse, ItemKind, Numbered, Protection, Urgency};
use crate::error::Result;
use crate::media::card::Card;
use crate::print::{Canvas, Style};
use crate::progress::counted;
use crate::report::barcode::{
    ABOVE, BARS, BELOW, CODE_TEXT, code_height, code_within, draw_bars, draw_code,
};
use crate::report::form::{TICK, row_rule, tick_box};
use crate::report::sheet::{Block, Column, GUTTER, Lines, Tally, columns_in};

const CELL: Style = Style::text(8.0);
const SMALL: Style = Style::text(7.0);

const fn column(title: &'static str, width: f32) -> Column {
    Column {
        title,
        width: Some(width),
    }
}

/// The columns of the table of cases.
pub(super) const CASES: &[Column] = &[
    column("Case", 55.0),
    Column {
        title: "Seals",
        width: None,
    },
    column("Holds", 32.0),
    column("Seals intact on arrival", 37.0),
    column("Number found", 27.0),
];

/// The columns of the table of lines.
pub(super) const LINES: &[Column] = &[
    column("No.", 10.0),
    column("Barcode", 57.5),
    column("Media", 16.5),
    column("Encrypted", 20.0),
    column("Return", 18.5),
    column("Reason", 15.5),
    column("Sent", 9.0),
    column("Received", 15.0),
    Column {
        title: "Remark",
        width: None,
    },
];

/// A case with its seals.
pub(super) struct CaseRow<'a> {
    pub(super) case: &'a Case,
    pub(super) inside: Tally,
}

impl CaseRow<'_> {
    fn seals(&self, width: f32) -> Lines {
        let seals: Vec<String> = self.case.seals.iter().map(ToString::to_string).collect();
        let text = if seals.is_empty() {
            "none".to_owned()
        } else {
            seals.join(", ")
        };
        Lines::of(&text, CELL, width - GUTTER)
    }

    fn holds(&self, width: f32) -> Lines {
        let text = match (self.inside.cartridges, self.inside.other_items) {
            (0, 0) => "empty".to_owned(),
            (cartridges, 0) => counted(cartridges as u64, "cartridge", "cartridges"),
            (0, other) => counted(other as u64, "other item", "other items"),
            (cartridges, other) => super::form::quantities(cartridges, other),
        };
        Lines::of(&text, CELL, width - GUTTER)
    }
}

impl Block for CaseRow<'_> {
    fn height(&self, width: f32) -> f32 {
        let places = columns_in(CASES, width);
        let cells = self
            .seals(places[1].1)
            .height()
            .max(self.holds(places[2].1).height());
        code_height().max(ABOVE + cells + BELOW)
    }

    fn draw(&self, canvas: &mut Canvas, x: f32, y: f32, width: f32) -> Result<()> {
        let places = columns_in(CASES, width);
        let card = Card::Case(self.case.code.clone()).to_string();
        draw_code(canvas, x, y, places[0].1, &card, self.case.code.as_str());
        self.seals(places[1].1)
            .draw(canvas, x + places[1].0, y + ABOVE);
        self.holds(places[2].1)
            .draw(canvas, x + places[2].0, y + ABOVE);
        let boxes = x + places[3].0;
        for (at, answer) in [(0.0, "yes"), (15.0, "no")] {
            tick_box(canvas, boxes + at, y + ABOVE + 1.0);
            canvas.text(boxes + at + TICK + 1.0, y + ABOVE + 1.4, CELL, answer);
        }
        let (start, room) = places[4];
        canvas.rule(x + start, y + ABOVE + BARS + 1.0, room, 0.2);
        row_rule(canvas, x, y + self.height(width), width);
        Ok(())
    }
}

/// A line.
pub(super) struct LineRow<'a> {
    line: Numbered<'a>,
    in_house: Option<&'a InHouse>,
}

impl<'a> LineRow<'a> {
    pub(super) fn new(line: Numbered<'a>, audience: Audience) -> Self {
        let in_house = match audience {
            Audience::Outsiders => None,
            Audience::InHouse => line.line.in_house.as_ref(),
        };
        Self { line, in_house }
    }

    /// What stands in the columns for text, with the numbers of these.
    fn cells(&self, places: &[(f32, f32)]) -> [(usize, Lines); 6] {
        let line = self.line.line;
        let cell = |at: usize, text: &str, style: Style| {
            (at, Lines::of(text, style, places[at].1 - GUTTER))
        };
        let (encrypted, style) = match &line.protection {
            Protection::Encrypted => ("yes".to_owned(), CELL),
            Protection::Exception(number) => (format!("NO, exception {number}"), SMALL),
            Protection::NotNeeded => ("-".to_owned(), CELL),
        };
        [
            cell(0, &self.line.number.to_string(), SMALL),
            cell(2, &line.media_type, CELL),
            cell(3, &encrypted, style),
            cell(4, &line.returns.to_string(), CELL),
            cell(5, &line.reason, SMALL),
            cell(8, &line.remark, SMALL),
        ]
    }

    fn in_house(&self, width: f32) -> Lines {
        let text = self.in_house.map_or_else(String::new, |one| {
            format!("{} ({}): {}", one.system, one.owner, one.content)
        });
        Lines::of(&text, SMALL, width)
    }

    /// Room for the word above the remark.
    fn urgent(&self) -> f32 {
        match self.line.line.urgency {
            Urgency::Urgent => 5.2,
            Urgency::Routine => 0.0,
        }
    }

    /// Whether the bar code is wider than its column: then it stands below, where there is room for any.
    fn is_wide(&self, places: &[(f32, f32)]) -> bool {
        code_within(self.line.line.barcode.as_str(), places[1].1).is_none()
    }

    /// Of the row without what stands below it.
    fn upper(&self, places: &[(f32, f32)]) -> f32 {
        let text = self.line.line.barcode.as_str();
        let code = if self.is_wide(places) {
            ABOVE + Lines::of(text, CODE_TEXT, places[1].1 - GUTTER).height() + BELOW
        } else {
            code_height()
        };
        let cells = self.cells(places).map(|(at, lines)| {
            let above = if at == 8 { self.urgent() } else { 0.0 };
            ABOVE + above + lines.height() + BELOW
        });
        cells.into_iter().fold(code, f32::max)
    }
}

impl Block for LineRow<'_> {
    fn height(&self, width: f32) -> f32 {
        let places = columns_in(LINES, width);
        let in_house = self.in_house(width - places[1].0).height();
        let gap = if in_house > 0.0 { 0.8 } else { 0.0 };
        let code = if self.is_wide(&places) {
            BARS + 2.0 * BELOW
        } else {
            0.0
        };
        self.upper(&places) + code + in_house + gap
    }

    fn draw(&self, canvas: &mut Canvas, x: f32, y: f32, width: f32) -> Result<()> {
        let places = columns_in(LINES, width);
        let text = self.line.line.barcode.as_str();
        draw_code(canvas, x + places[1].0, y, places[1].1, text, text);
        for (at, lines) in self.cells(&places) {
            let above = if at == 8 { self.urgent() } else { 0.0 };
            lines.draw(canvas, x + places[at].0, y + ABOVE + above);
        }
        if self.line.line.urgency == Urgency::Urgent {
            let start = x + places[8].0;
            canvas.text(start + 0.8, y + ABOVE, Style::bold(8.0), "URGENT");
            canvas.frame(start - 0.4, y + ABOVE - 0.4, 15.8, 4.4, 0.4);
        }
        for at in [6, 7] {
            tick_box(canvas, x + places[at].0 + 1.0, y + ABOVE + 1.0);
        }
        let mut upper = self.upper(&places);
        if self.is_wide(&places) {
            let room = width - places[1].0;
            draw_bars(
                canvas,
                x + places[1].0,
                y + upper + BELOW - ABOVE,
                room,
                text,
            );
            upper += BARS + 2.0 * BELOW;
        }
        self.in_house(width - places[1].0)
            .draw(canvas, x + places[1].0, y + upper - 0.2);
        row_rule(canvas, x, y + self.height(width), width);
        Ok(())
    }

    fn tally(&self) -> Tally {
        match self.line.line.kind {
            ItemKind::Cartridge => Tally {
                cartridges: 1,
                ..Tally::default()
            },
            ItemKind::Other => Tally {
                other_items: 1,
                ..Tally::default()
            },
        }
    }
}
