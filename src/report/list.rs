//! Lists for people in the tape room, as PDF, CSV and JSON: the same rows in each.

use std::io::Write;

use chrono::Utc;
use serde_json::{Map, Value};

use super::Printed;
use super::barcode::{ABOVE, BELOW, CODE_TEXT, code_height, code_within, draw_code};
use super::blocks::{Blanks, End, Facts, Notes};
use super::form::{Form, row_rule, tick_box};
use super::sheet::{Block, Column, GUTTER, Lines, Part, Sheet, Table, Tally, columns_in};
use super::words;
use crate::error::{Context, Result};
use crate::print::{Canvas, Paper, Style};
use crate::progress::counted;

/// A report that is a list.
pub trait List {
    /// What it says, row by row.
    fn listing(&self) -> Listing<'_>;
}

/// A list as it is shown.
#[derive(Debug)]
pub struct Listing<'a> {
    /// What it is, in words for file names and JSON: "pick-list".
    pub(super) kind: &'static str,
    /// What it is, in capitals.
    pub(super) title: &'static str,
    /// Its number or subject.
    pub(super) subject: String,
    /// What the bar code in the head says.
    pub(super) code: Option<String>,
    /// In bold letters below.
    pub(super) emphasis: String,
    /// Beside it.
    pub(super) subtitle: String,
    /// Names and values before the list.
    pub(super) facts: Vec<(&'static str, String)>,
    /// What to do, one sentence each.
    pub(super) notes: Vec<String>,
    /// The columns.
    pub(super) columns: &'static [ListColumn],
    /// What sections are, in CSV and JSON.
    pub(super) section: &'static str,
    /// The rows.
    pub(super) sections: Vec<Section>,
    /// What is filled in by hand at the end.
    pub(super) blanks: &'static [&'static str],
    /// Who printed.
    pub(super) printed: &'a Printed,
}

/// A column of a list.
#[derive(Debug)]
pub(super) struct ListColumn {
    /// Its name in CSV and JSON; empty: on paper only.
    pub(super) name: &'static str,
    /// On paper.
    pub(super) column: Column,
    /// What stands in it.
    pub(super) kind: CellKind,
}

/// What stands in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CellKind {
    /// A barcode, with its bars.
    Code,
    /// Text.
    Text,
    /// A box to tick.
    Tick,
}

/// Rows that belong together.
#[derive(Debug)]
pub(super) struct Section {
    /// Which one, in CSV and JSON.
    pub(super) name: String,
    /// Its title.
    pub(super) title: String,
    /// A text for each column.
    pub(super) rows: Vec<Vec<String>>,
}

/// A column with text.
pub(super) const fn text(
    name: &'static str,
    title: &'static str,
    width: Option<f32>,
) -> ListColumn {
    ListColumn {
        name,
        column: Column { title, width },
        kind: CellKind::Text,
    }
}

/// The column with the barcode.
pub(super) const BARCODE: ListColumn = ListColumn {
    name: "barcode",
    column: Column {
        title: "Barcode",
        width: Some(57.5),
    },
    kind: CellKind::Code,
};

/// A column with a box to tick.
pub(super) const fn tick(title: &'static str, width: f32) -> ListColumn {
    ListColumn {
        name: "",
        column: Column {
            title,
            width: Some(width),
        },
        kind: CellKind::Tick,
    }
}

/// The list as a PDF.
///
/// # Errors
/// Something that is too long for a page, or what the PDF library refuses.
pub fn pdf(list: &dyn List, paper: Paper) -> Result<Vec<u8>> {
    let listing = list.listing();
    let columns: Vec<Column> = listing.columns.iter().map(|column| column.column).collect();
    let mut parts = Vec::new();
    if !listing.facts.is_empty() {
        parts.push(Part::Block(Box::new(Facts(&listing.facts))));
    }
    if !listing.notes.is_empty() {
        parts.push(Part::Block(Box::new(Notes {
            title: "What to do",
            lines: &listing.notes,
        })));
    }
    let mut all = 0;
    for section in &listing.sections {
        all += section.rows.len();
        parts.push(Part::Table(Table {
            title: section.title.clone(),
            columns: &columns,
            rows: section
                .rows
                .iter()
                .map(|cells| {
                    let row = Row {
                        layout: listing.columns,
                        columns: &columns,
                        cells,
                    };
                    Box::new(row) as Box<dyn Block>
                })
                .collect(),
        }));
    }
    let printed = listing.printed;
    let form = Form {
        paper,
        title: listing.title.to_owned(),
        number: listing.subject.clone(),
        code: listing.code.clone(),
        emphasis: listing.emphasis.clone(),
        subtitle: listing.subtitle.clone(),
        notice: None,
        foot: vec![format!(
            "Printed {} by {}. In-house.",
            printed.at.format("%Y-%m-%d %H:%M %:z"),
            printed.by
        )],
        qr: None,
    };
    let rows = |count: usize| counted(count as u64, "row", "rows");
    let mut closing: Vec<Box<dyn Block>> = Vec::new();
    if !listing.blanks.is_empty() {
        closing.push(Box::new(Blanks(listing.blanks)));
    }
    let noun = if all == 1 { "row" } else { "rows" };
    let sheet = Sheet {
        form: &form,
        parts,
        end: Box::new(End(format!(
            "END OF LIST.  {} ({all}) {noun}. Nothing follows.",
            words::sentence(all)
        ))),
        closing,
        subtotal: &|here: Tally, so_far: Tally| {
            format!(
                "This page: {}.  Up to here: {} of {}.",
                rows(here.cartridges),
                so_far.cartridges,
                rows(all)
            )
        },
    };
    sheet.pdf(
        &format!("{} {}", listing.title, listing.subject),
        printed.at.with_timezone(&Utc),
    )
}

/// The list as CSV (RFC 4180) with a header row.
///
/// # Errors
/// What cannot be written.
pub fn csv(list: &dyn List, out: &mut dyn Write) -> Result<()> {
    let failed = "cannot write the list as CSV";
    let listing = list.listing();
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(out);
    let names = listing.columns.iter().map(|column| column.name);
    let names = names.filter(|name| !name.is_empty());
    writer
        .write_record(std::iter::once(listing.section).chain(names))
        .context(failed)?;
    for section in &listing.sections {
        for row in &section.rows {
            let cells = listing.columns.iter().zip(row);
            let cells = cells.filter(|(column, _)| !column.name.is_empty());
            let cells = cells.map(|(_, cell)| cell.as_str());
            writer
                .write_record(std::iter::once(section.name.as_str()).chain(cells))
                .context(failed)?;
        }
    }
    writer.flush().context(failed)
}

/// The list as a JSON object: what it is, the facts, and `rows` with a member for each column.
///
/// # Errors
/// What cannot be written.
pub fn json(list: &dyn List, out: &mut dyn Write) -> Result<()> {
    let failed = "cannot write the list as JSON";
    let listing = list.listing();
    let mut rows = Vec::new();
    for section in &listing.sections {
        for row in &section.rows {
            let mut members = Map::new();
            members.insert(listing.section.to_owned(), section.name.as_str().into());
            for (column, cell) in listing.columns.iter().zip(row) {
                if !column.name.is_empty() {
                    members.insert(column.name.to_owned(), cell.as_str().into());
                }
            }
            rows.push(Value::Object(members));
        }
    }
    let facts: Map<String, Value> = listing
        .facts
        .iter()
        .map(|(name, value)| {
            let name = name.to_lowercase().replace(' ', "_");
            (name, value.as_str().into())
        })
        .collect();
    let document = serde_json::json!({
        "report": listing.kind,
        "subject": listing.subject,
        "facts": facts,
        "printed": listing.printed,
        "rows": rows,
    });
    serde_json::to_writer_pretty(&mut *out, &document).context(failed)?;
    out.write_all(b"\n").context(failed)
}

const CELL: Style = Style::text(8.0);

/// A row on paper.
struct Row<'a> {
    layout: &'static [ListColumn],
    columns: &'a [Column],
    cells: &'a [String],
}

impl Row<'_> {
    fn lines(kind: CellKind, text: &str, width: f32) -> Lines {
        let style = match kind {
            CellKind::Code => CODE_TEXT,
            _ => CELL,
        };
        Lines::of(text, style, width - GUTTER)
    }
}

impl Block for Row<'_> {
    fn height(&self, width: f32) -> f32 {
        let places = columns_in(self.columns, width);
        let cells = self.layout.iter().zip(self.cells).zip(&places);
        let heights = cells.map(|((column, text), (_, wide))| match column.kind {
            CellKind::Code if code_within(text, *wide).is_some() => code_height(),
            CellKind::Tick => 8.0,
            kind => ABOVE + Self::lines(kind, text, *wide).height() + BELOW,
        });
        heights.fold(8.0, f32::max)
    }

    fn draw(&self, canvas: &mut Canvas, x: f32, y: f32, width: f32) -> Result<()> {
        let places = columns_in(self.columns, width);
        for ((column, text), (start, wide)) in self.layout.iter().zip(self.cells).zip(&places) {
            let left = x + start;
            match column.kind {
                CellKind::Code => draw_code(canvas, left, y, *wide, text, text),
                CellKind::Text => {
                    Self::lines(column.kind, text, *wide).draw(canvas, left, y + ABOVE);
                }
                CellKind::Tick => tick_box(canvas, left + 1.0, y + ABOVE + 0.6),
            }
        }
        row_rule(canvas, x, y + self.height(width), width);
        Ok(())
    }

    fn tally(&self) -> Tally {
        Tally {
            cartridges: 1,
            other_items: 0,
        }
    }
}

/// Rows numbered from one through all sections: puts the number before each row.
pub(super) fn numbered(sections: &mut [Section]) {
    let rows = sections.iter_mut().flat_map(|section| &mut section.rows);
    for (number, row) in (1..).zip(rows) {
        let number: usize = number;
        row.insert(0, number.to_string());
    }
}
