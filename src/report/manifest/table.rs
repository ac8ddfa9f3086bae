//! The rows of a manifest: cases and lines.

use super::{Audience, Case, InHouse, ItemKind, Numbered, Protection, Urgency};
use crate::error::Result;
use crate::media::card::Card;
use crate::print::{Canvas, Style, Symbol};
use crate::progress::counted;
use crate::report::form::{TICK, code_within, tick_box};
use crate::report::sheet::{Block, Column, Lines, Tally, columns_in};

const CELL: Style = Style::text(8.0);
const CODE_TEXT: Style = Style::mono(9.0);
const SMALL: Style = Style::text(7.0);
/// Room above the bars, theirs and what is below.
const ABOVE: f32 = 1.6;
const BARS: f32 = 6.2;
const BELOW: f32 = 0.9;
/// Between what is in one column and the next one.
const GUTTER: f32 = 1.5;

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
    column("Seals intact on arrival", 32.0),
    column("Number found", 30.0),
];

/// The columns of the table of lines.
pub(super) const LINES: &[Column] = &[
    column("No.", 11.0),
    column("Barcode", 58.0),
    column("Media", 17.0),
    column("Encrypted", 19.0),
    column("Return", 19.5),
    column("Reason", 15.0),
    column("Sent", 9.0),
    column("Received", 13.5),
    Column {
        title: "Remark",
        width: None,
    },
];

/// A text as bar code with the text below; gives nothing where no code fits.
fn draw_code(canvas: &mut Canvas, x: f32, y: f32, width: f32, code: &str, text: &str) {
    if let Some((symbol, module)) = code_within(code, width) {
        let start = x + Symbol::QUIET * module;
        canvas.symbol(start, y + ABOVE, BARS, module, &symbol);
        canvas.text(start, y + ABOVE + BARS + 0.3, CODE_TEXT, text);
    } else {
        let lines = Lines::of(text, CODE_TEXT, width - GUTTER);
        lines.draw(canvas, x, y + ABOVE);
    }
}

/// Height of a row with a bar code.
fn code_height() -> f32 {
    ABOVE + BARS + 0.3 + CODE_TEXT.line() + BELOW
}

/// Below every row.
fn row_rule(canvas: &mut Canvas, x: f32, y: f32, width: f32) {
    canvas.rule(x, y, width, 0.15);
}

/// A case with its seals.
pub(super) struct CaseRow<'a> {
    pub(super) case: &'a Case,
    pub(super) cartridges: usize,
    pub(super) other_items: usize,
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
        let text = match (self.cartridges, self.other_items) {
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
        let encrypted = match &line.protection {
            Protection::Encrypted => "yes".to_owned(),
            Protection::Exception(number) => format!("NO, exception {number}"),
            Protection::NotNeeded => "-".to_owned(),
        };
        [
            cell(0, &self.line.number.to_string(), CELL),
            cell(2, &line.media_type, CELL),
            cell(3, &encrypted, CELL),
            cell(4, &line.returns.to_string(), CELL),
            cell(5, &line.reason, CELL),
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

    /// Of the row without what is in-house, which stands below.
    fn upper(&self, places: &[(f32, f32)]) -> f32 {
        let text = self.line.line.barcode.as_str();
        let code = if code_within(text, places[1].1).is_some() {
            code_height()
        } else {
            ABOVE + Lines::of(text, CODE_TEXT, places[1].1 - GUTTER).height() + BELOW
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
        let below = self.in_house(width - places[1].0).height();
        self.upper(&places) + below + if below > 0.0 { 0.8 } else { 0.0 }
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
            canvas.frame(start - 0.4, y + ABOVE - 0.4, 16.4, 4.4, 0.4);
        }
        for at in [6, 7] {
            tick_box(canvas, x + places[at].0 + 1.0, y + ABOVE + 1.0);
        }
        let upper = self.upper(&places);
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
