//! What every page of a report has: head, foot, number, subtotal.

use crate::error::Result;
use crate::print::{Canvas, Paper, Style, Symbol, code39, code128, wrapped};

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

/// Head and foot of every page.
#[derive(Debug, Clone)]
pub(super) struct Form {
    /// Its size.
    pub(super) paper: Paper,
    /// What it is, in large letters.
    pub(super) title: String,
    /// Its number or subject.
    pub(super) number: String,
    /// Revision, day and the like.
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
        let subtitle = lines_height(&self.subtitle_lines(), Style::text(9.0));
        TOP + 10.5 + subtitle.max(4.5) + 1.5
    }

    /// Room for the subtitle beside the number of the page.
    fn subtitle_lines(&self) -> Vec<String> {
        wrapped(&self.subtitle, Style::text(9.0), self.width() - 32.0)
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
        let title = Style::bold(22.0);
        canvas.text(SIDE, TOP, title, &self.title);
        let x = SIDE + title.width(&self.title) + 5.0;
        let symbol = self
            .code
            .as_deref()
            .and_then(|text| code128::symbol(text).ok());
        if let Some(symbol) = symbol {
            const MODULE: f32 = 0.33;
            let x = right - (symbol.width() + Symbol::QUIET / 2.0) * MODULE;
            canvas.symbol(x, TOP, 9.0, MODULE, &symbol);
        }
        canvas.text(x, TOP + 1.8, Style::bold(15.0), &self.number);
        let mut y = TOP + 10.5;
        for line in self.subtitle_lines() {
            canvas.text(SIDE, y, Style::text(9.0), &line);
            y += Style::text(9.0).line();
        }
        let number = format!("Page {page} of {pages}");
        canvas.text_right(right, TOP + 10.3, Style::bold(11.0), &number);
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

/// A bar code that fits, and its X in millimetres: Code 39 where it can, else Code 128; `None` where neither
/// does, so that the text must do.
pub(super) fn code_within(text: &str, width: f32) -> Option<(Symbol, f32)> {
    // What a scanner held in the hand and a 200 dpi scan of the page still read.
    const MODULES: [f32; 3] = [0.33, 0.30, 0.27];
    let candidates = [code39::symbol(text), code128::symbol(text)];
    candidates.into_iter().flatten().find_map(|symbol| {
        let module = MODULES
            .into_iter()
            .find(|module| symbol.whole_width() * module <= width)?;
        Some((symbol, module))
    })
}

/// An empty box to tick.
pub(super) fn tick_box(canvas: &mut Canvas, x: f32, y: f32) {
    canvas.frame(x, y, TICK, TICK, 0.3);
}

/// Side of a box to tick.
pub(super) const TICK: f32 = 4.2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_widest_code_that_fits_is_taken() {
        let (label, module) = code_within("TWV001L8", 58.0).unwrap();
        assert_eq!(label, code39::symbol("TWV001L8").unwrap());
        assert!((module - 0.33).abs() < 0.001);
        let (long, _) = code_within("ENVELOPE-0012", 58.0).unwrap();
        assert_eq!(long, code128::symbol("ENVELOPE-0012").unwrap());
        let (small, _) = code_within("env 12", 58.0).unwrap();
        assert_eq!(small, code128::symbol("env 12").unwrap());
        assert!(code_within("A-TEXT-OF-THIRTY-TWO-CHARACTERS-", 58.0).is_none());
    }
}
