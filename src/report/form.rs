//! What every page of a report has: head, foot, number, subtotal.

use super::barcode::head_code;
use crate::error::Result;
use crate::print::{Canvas, Paper, Style, Symbol, wrapped};

/// Left and right margins in millimetres.
const SIDE: f32 = 12.0;
/// Upper margin.
const TOP: f32 = 9.0;
/// Lower margin.
const BOTTOM: f32 = 8.0;
/// Side of the QR code in the foot, quiet zone included.
const QR: f32 = 25.0;
/// Room for the subtotal.
const SUBTOTAL: f32 = 6.0;
const NOTICE: Style = Style::bold(8.5);
const SMALL: Style = Style::text(6.8);
const TITLE: Style = Style::bold(22.0);
const EMPHASIS: Style = Style::bold(11.0);
const SUBTITLE: Style = Style::text(9.0);

/// Head and foot of every page.
#[derive(Debug, Clone)]
pub(super) struct Form {
    /// Its size.
    pub(super) paper: Paper,
    /// What it is, in large letters.
    pub(super) title: String,
    /// Its number or subject.
    pub(super) number: String,
    /// Revision or day, in bold letters.
    pub(super) emphasis: String,
    /// What there is to say beside it.
    pub(super) subtitle: String,
    /// What the bar code in the head says (Code 128).
    pub(super) code: Option<String>,
    /// A warning below the head.
    pub(super) notice: Option<String>,
    /// Lines at the foot.
    pub(super) foot: Vec<String>,
    /// What the QR code at the foot says.
    pub(super) qr: Option<String>,
}

impl Form {
    /// Where what is on the page begins.
    pub(super) fn left() -> f32 {
        SIDE
    }

    /// Room from left to right.
    pub(super) fn width(&self) -> f32 {
        self.paper.millimetres().0 - 2.0 * SIDE
    }

    /// Where the content of a page begins.
    pub(super) fn top(&self) -> f32 {
        let notice = self.notice.as_ref().map_or(0.0, |text| {
            lines_height(&wrapped(text, NOTICE, self.width()), NOTICE) + 2.0
        });
        self.head_bottom() + 2.5 + notice
    }

    /// Where the content of a page ends.
    pub(super) fn bottom(&self) -> f32 {
        self.foot_top() - SUBTOTAL
    }

    fn head_bottom(&self) -> f32 {
        let subtitle = lines_height(&self.subtitle_lines(), SUBTITLE);
        TOP + 11.0 + subtitle.max(4.5) + 1.5
    }

    /// Where the subtitle begins, behind what is emphasised.
    fn subtitle_start(&self) -> f32 {
        if self.emphasis.is_empty() {
            0.0
        } else {
            EMPHASIS.width(&self.emphasis) + 3.0
        }
    }

    /// The subtitle has the room that the number of the page leaves.
    fn subtitle_lines(&self) -> Vec<String> {
        let room = self.width() - self.subtitle_start() - 36.0;
        wrapped(&self.subtitle, SUBTITLE, room)
    }

    fn foot_lines(&self) -> Vec<String> {
        let room = self.width() - if self.qr.is_some() { QR } else { 0.0 };
        let lines = self.foot.iter().flat_map(|line| wrapped(line, SMALL, room));
        lines.collect()
    }

    fn foot_top(&self) -> f32 {
        let text = lines_height(&self.foot_lines(), SMALL) + 2.5;
        let code = if self.qr.is_some() { QR } else { 0.0 };
        self.paper.millimetres().1 - BOTTOM - text.max(code)
    }

    /// Draws head and foot. Pages count from one.
    pub(super) fn draw(
        &self,
        canvas: &mut Canvas,
        page: usize,
        pages: usize,
        subtotal: &str,
    ) -> Result<()> {
        self.draw_head(canvas, page, pages);
        let top = self.foot_top();
        canvas.rule(SIDE, top - SUBTOTAL, self.width(), 0.4);
        canvas.text(SIDE, top - SUBTOTAL + 1.2, Style::bold(8.5), subtotal);
        canvas.rule(SIDE, top, self.width(), 0.2);
        let mut y = top + 1.5;
        for line in self.foot_lines() {
            canvas.text(SIDE, y, SMALL, &line);
            y += SMALL.line();
        }
        if let Some(text) = &self.qr {
            canvas.qr(SIDE + self.width() - QR, top, QR, text)?;
        }
        Ok(())
    }

    fn draw_head(&self, canvas: &mut Canvas, page: usize, pages: usize) {
        let right = SIDE + self.width();
        canvas.text(SIDE, TOP, TITLE, &self.title);
        let x = SIDE + TITLE.width(&self.title) + 5.0;
        let mut room = right - x;
        if let Some((symbol, module)) = self.code.as_deref().and_then(head_code) {
            let width = symbol.whole_width() * module;
            let quiet = Symbol::QUIET * module;
            canvas.symbol(right - width + quiet, TOP, 9.0, module, &symbol);
            room -= width;
        }
        // A long number is smaller; one that is still too long goes on below.
        let sizes = [15.0, 12.0, 10.0].map(Style::bold);
        let fits = |style: &Style| style.width(&self.number) <= room;
        let style = sizes.into_iter().find(fits).unwrap_or(Style::bold(8.0));
        canvas.paragraph(
            x,
            TOP + (10.0 - style.line()) / 2.0,
            room,
            style,
            &self.number,
        );
        let y = TOP + 11.0;
        canvas.text(SIDE, y - 0.6, EMPHASIS, &self.emphasis);
        let mut below = y;
        for line in self.subtitle_lines() {
            canvas.text(SIDE + self.subtitle_start(), below, SUBTITLE, &line);
            below += SUBTITLE.line();
        }
        let number = format!("Page {page} of {pages}");
        canvas.text_right(right, y - 0.6, EMPHASIS, &number);
        let y = self.head_bottom();
        canvas.rule(SIDE, y, self.width(), 0.6);
        if let Some(notice) = &self.notice {
            canvas.paragraph(SIDE, y + 1.5, self.width(), NOTICE, notice);
        }
    }
}

/// Height of lines in millimetres.
#[allow(clippy::cast_precision_loss)] // lines of a page
pub(super) fn lines_height(lines: &[String], style: Style) -> f32 {
    lines.len() as f32 * style.line()
}

/// An empty box to tick.
pub(super) fn tick_box(canvas: &mut Canvas, x: f32, y: f32) {
    canvas.frame(x, y, TICK, TICK, 0.3);
}

/// Side of a box to tick.
pub(super) const TICK: f32 = 4.2;

/// Below every row.
pub(super) fn row_rule(canvas: &mut Canvas, x: f32, y: f32, width: f32) {
    canvas.rule(x, y, width, 0.15);
}
