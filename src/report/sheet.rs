//! Blocks and tables one below the other, broken into pages, each page drawn and let go before the next.

use chrono::{DateTime, Utc};

use super::form::Form;
use crate::error::{Error, Result};
use crate::print::{Book, Canvas, Style};

/// Something that is drawn whole on one page. Lengths are in millimetres.
pub(super) trait Block {
    /// Its height if it has this width.
    fn height(&self, width: f32) -> f32;
    /// Draws it with its upper left corner there.
    fn draw(&self, canvas: &mut Canvas, x: f32, y: f32, width: f32) -> Result<()>;
    /// What it adds to the subtotal of its page.
    fn tally(&self) -> Tally {
        Tally::default()
    }
}

/// What subtotals count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Cartridges.
    pub(super) cartridges: usize,
    /// Anything else.
    pub(super) other_items: usize,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.cartridges += other.cartridges;
        self.other_items += other.other_items;
    }
}

/// Between what is in one column and the next one, in millimetres.
pub(super) const GUTTER: f32 = 1.5;

/// A column of a table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    /// Its title.
    pub(super) title: &'static str,
    /// Its width in millimetres; none: what the others leave.
    pub(super) width: Option<f32>,
}

/// Where each column begins, from the left edge of the table, and its width.
pub(super) fn columns_in(columns: &[Column], width: f32) -> Vec<(f32, f32)> {
    let fixed: f32 = columns.iter().filter_map(|column| column.width).sum();
    #[allow(clippy::cast_precision_loss)] // a handful of columns
    let open = columns
        .iter()
        .filter(|column| column.width.is_none())
        .count()
        .max(1) as f32;
    let mut x = 0.0;
    columns
        .iter()
        .map(|column| {
            let wide = column.width.unwrap_or((width - fixed) / open);
            x += wide;
            (x - wide, wide)
        })
        .collect()
}

/// Rows below a head that is repeated on every page.
pub(super) struct Table<'a> {
    /// Above the titles of the columns.
    pub(super) title: String,
    /// The columns.
    pub(super) columns: &'a [Column],
    /// The rows.
    pub(super) rows: Vec<Box<dyn Block + 'a>>,
}

/// What a document is made of.
pub(super) enum Part<'a> {
    /// A block.
    Block(Box<dyn Block + 'a>),
    /// A table.
    Table(Table<'a>),
}

/// A whole document.
pub(super) struct Sheet<'a> {
    /// Head and foot.
    pub(super) form: &'a Form,
    /// What it says.
    pub(super) parts: Vec<Part<'a>>,
    /// Says that nothing follows.
    pub(super) end: Box<dyn Block + 'a>,
    /// At the bottom of the last page.
    pub(super) closing: Vec<Box<dyn Block + 'a>>,
    /// The subtotal in words: of this page, and of all up to its end.
    pub(super) subtotal: &'a dyn Fn(Tally, Tally) -> String,
}

/// What is on a page.
#[derive(Default)]
struct Layout<'s> {
    placed: Vec<(f32, Placed<'s>)>,
    /// Rectangles without content: from there, so high.
    empty: Vec<(f32, f32)>,
}

#[derive(Clone, Copy)]
enum Placed<'s> {
    Block(&'s dyn Block),
    Head {
        title: &'s str,
        columns: &'s [Column],
        continued: bool,
    },
}

const TITLE: Style = Style::bold(10.0);
const HEAD: Style = Style::bold(7.0);
/// Height of a table's head, of which this much is above the title.
const HEAD_HEIGHT: f32 = 11.0;
const ABOVE_TITLE: f32 = 2.0;
/// Empty room that is worth crossing out: a line could be written into it.
const CROSSED: f32 = 6.0;

impl Sheet<'_> {
    /// The PDF.
    ///
    /// # Errors
    /// A block that is higher than a page, or what the PDF library refuses.
    pub(super) fn pdf(&self, title: &str, now: DateTime<Utc>) -> Result<Vec<u8>> {
        let pages = self.pages()?;
        let form = self.form;
        let mut book = Book::new(form.paper, title, now)?;
        let mut so_far = Tally::default();
        for (index, page) in pages.iter().enumerate() {
            let mut canvas = Canvas::new();
            let mut here = Tally::default();
            for (y, placed) in &page.placed {
                here.add(self.draw(&mut canvas, *y, *placed)?);
            }
            for (y, height) in &page.empty {
                canvas.cross_out(Form::left(), y + 1.0, form.width(), height - 2.0);
            }
            so_far.add(here);
            let subtotal = (self.subtotal)(here, so_far);
            form.draw(&mut canvas, index + 1, pages.len(), &subtotal)?;
            book.page(&canvas)?;
        }
        book.finish()
    }

    fn draw(&self, canvas: &mut Canvas, y: f32, placed: Placed<'_>) -> Result<Tally> {
        let (x, width) = (Form::left(), self.form.width());
        match placed {
            Placed::Block(block) => {
                block.draw(canvas, x, y, width)?;
                Ok(block.tally())
            }
            Placed::Head {
                title,
                columns,
                continued,
            } => {
                let more = if continued { " (continued)" } else { "" };
                canvas.text(x, y + ABOVE_TITLE, TITLE, &format!("{title}{more}"));
                for (column, (start, _)) in columns.iter().zip(columns_in(columns, width)) {
                    canvas.text(x + start, y + HEAD_HEIGHT - 3.8, HEAD, column.title);
                }
                canvas.rule(x, y + HEAD_HEIGHT - 0.2, width, 0.4);
                Ok(Tally::default())
            }
        }
    }

    fn pages(&self) -> Result<Vec<Layout<'_>>> {
        let mut pages = Pages {
            top: self.form.top(),
            bottom: self.form.bottom(),
            width: self.form.width(),
            y: self.form.top(),
            done: vec![Layout::default()],
        };
        for part in &self.parts {
            match part {
                Part::Block(block) => pages.block(block.as_ref())?,
                Part::Table(table) => pages.table(table)?,
            }
        }
        pages.close(self.end.as_ref(), &self.closing)?;
        Ok(pages.done)
    }
}

struct Pages<'s> {
    top: f32,
    bottom: f32,
    width: f32,
    /// Where the next block goes.
    y: f32,
    done: Vec<Layout<'s>>,
}

impl<'s> Pages<'s> {
    fn block(&mut self, block: &'s dyn Block) -> Result<()> {
        let height = self.height(block)?;
        if self.y + height > self.bottom {
            self.page();
        }
        self.place(Placed::Block(block), height);
        Ok(())
    }

    fn table(&mut self, table: &'s Table<'_>) -> Result<()> {
        let head = |continued| Placed::Head {
            title: &table.title,
            columns: table.columns,
            continued,
        };
        for (at, row) in table.rows.iter().enumerate() {
            let height = self.height(row.as_ref())?;
            let above = if at == 0 { HEAD_HEIGHT } else { 0.0 };
            if self.y + above + height > self.bottom {
                self.page();
            }
            // A page is never empty here unless it has just begun.
            if at == 0 || self.y <= self.top {
                self.place(head(at > 0), HEAD_HEIGHT);
            }
            self.place(Placed::Block(row.as_ref()), height);
        }
        Ok(())
    }

    /// The end of the list, and what is at the bottom of the last page; room between is crossed out.
    fn close(&mut self, end: &'s dyn Block, closing: &'s [Box<dyn Block + '_>]) -> Result<()> {
        let below: f32 = closing.iter().map(|block| block.height(self.width)).sum();
        self.block(end)?;
        if self.y + below > self.bottom {
            // The page with the signatures says itself that the list has ended.
            self.page();
            self.block(end)?;
        }
        if self.y + below > self.bottom {
            return Err(Error::failed(
                "the blocks for signatures are higher than a page: shorten names and addresses",
            ));
        }
        let start = self.bottom - below;
        self.leave(start);
        self.y = start;
        for block in closing {
            let height = block.height(self.width);
            self.place(Placed::Block(block.as_ref()), height);
        }
        Ok(())
    }

    fn height(&self, block: &dyn Block) -> Result<f32> {
        let height = block.height(self.width);
        if height + HEAD_HEIGHT > self.bottom - self.top {
            return Err(Error::failed(
                "something is too long for a page: shorten its remark or name",
            ));
        }
        Ok(height)
    }

    fn place(&mut self, placed: Placed<'s>, height: f32) {
        if let Some(page) = self.done.last_mut() {
            page.placed.push((self.y, placed));
        }
        self.y += height;
    }

    fn page(&mut self) {
        self.leave(self.bottom);
        self.done.push(Layout::default());
        self.y = self.top;
    }

    /// Crosses out what is empty down to there.
    fn leave(&mut self, until: f32) {
        if let Some(page) = self.done.last_mut()
            && until - self.y >= CROSSED
        {
            page.empty.push((self.y, until - self.y));
        }
    }
}

/// A text of several lines in a column of a row.
pub(super) struct Lines {
    /// The lines.
    lines: Vec<String>,
    style: Style,
}

impl Lines {
    /// Breaks a text for a column of this width.
    pub(super) fn of(text: &str, style: Style, width: f32) -> Self {
        let lines = if text.is_empty() {
            Vec::new()
        } else {
            crate::print::wrapped(text, style, width)
        };
        Self { lines, style }
    }

    /// How high they are.
    pub(super) fn height(&self) -> f32 {
        super::form::lines_height(&self.lines, self.style)
    }

    /// Draws them.
    pub(super) fn draw(&self, canvas: &mut Canvas, x: f32, y: f32) {
        let mut below = y;
        for line in &self.lines {
            canvas.text(x, below, self.style, line);
            below += self.style.line();
        }
    }
}
