//! QR codes (ISO/IEC 18004).

use qrcode::{Color, EcLevel, QrCode};

use super::Mark;
use crate::error::{Context, Result};

/// Light modules around the code (ISO/IEC 18004, 9.1).
const QUIET: usize = 4;

/// The marks of a code of this side, quiet zone included, a quarter of which may be damaged.
pub(super) fn marks(text: &str, x: f32, y: f32, side: f32) -> Result<Vec<Mark>> {
    let code = QrCode::with_error_correction_level(text, EcLevel::Q)
        .context("the text is too long for a QR code")?;
    let width = code.width();
    let colours = code.to_colors();
    // A code has at most 177 modules a side: exact in f32.
    #[allow(clippy::cast_precision_loss)]
    let at = |module: usize| module as f32 * side / (width + 2 * QUIET) as f32;
    let mut marks = Vec::new();
    for (row, line) in colours.chunks(width).enumerate() {
        let mut column = 0;
        // Neighbours are one block, so that no renderer leaves a hairline between them.
        for run in line.chunk_by(|one, other| one == other) {
            if run[0] == Color::Dark {
                marks.push(Mark::Block {
                    x: x + at(column + QUIET),
                    y: y + at(row + QUIET),
                    w: at(run.len()),
                    h: at(1),
                });
            }
            column += run.len();
        }
    }
    Ok(marks)
}
