//! Bar codes in rows and heads.

use super::sheet::{GUTTER, Lines};
use crate::print::{Canvas, Style, Symbol, code39, code128};

/// X in millimetres, the best first: what a scanner held in the hand and a 200 dpi scan of the page still
/// read.
const MODULES: [f32; 3] = [0.33, 0.30, 0.27];
/// The text below the bars.
pub(super) const CODE_TEXT: Style = Style::mono(9.0);
/// Room above the bars, theirs and what is below.
pub(super) const ABOVE: f32 = 1.6;
pub(super) const BARS: f32 = 6.2;
pub(super) const BELOW: f32 = 0.9;

/// A bar code that fits, and its X in millimetres: Code 39 where it can, else Code 128; `None` where neither
/// does, so that the text must do.
pub(super) fn code_within(text: &str, width: f32) -> Option<(Symbol, f32)> {
    let candidates = [code39::symbol(text), code128::symbol(text)];
    candidates.into_iter().flatten().find_map(|symbol| {
        let module = MODULES
            .into_iter()
            .find(|module| symbol.whole_width() * module <= width)?;
        Some((symbol, module))
    })
}

/// The bar code of the head: Code 128, as it is the shorter one.
pub(super) fn head_code(text: &str) -> Option<(Symbol, f32)> {
    let symbol = code128::symbol(text).ok()?;
    let module = MODULES
        .into_iter()
        .find(|module| symbol.whole_width() * module <= 80.0);
    Some((symbol, module.unwrap_or(MODULES[2])))
}

/// A text as bar code with the text below, or the text alone where no code fits.
pub(super) fn draw_code(canvas: &mut Canvas, x: f32, y: f32, width: f32, code: &str, text: &str) {
    if let Some(start) = draw_bars(canvas, x, y, width, code) {
        canvas.text(start, y + ABOVE + BARS + 0.3, CODE_TEXT, text);
    } else {
        let lines = Lines::of(text, CODE_TEXT, width - GUTTER);
        lines.draw(canvas, x, y + ABOVE);
    }
}

/// The bars alone; gives where they begin.
pub(super) fn draw_bars(
    canvas: &mut Canvas,
    x: f32,
    y: f32,
    width: f32,
    code: &str,
) -> Option<f32> {
    let (symbol, module) = code_within(code, width)?;
    let start = x + Symbol::QUIET * module;
    canvas.symbol(start, y + ABOVE, BARS, module, &symbol);
    Some(start)
}

/// Height of a row with a bar code.
pub(super) fn code_height() -> f32 {
    ABOVE + BARS + 0.3 + CODE_TEXT.line() + BELOW
}

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
