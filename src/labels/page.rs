//! Labels side by side on sheets.

use crate::print::{Canvas, Paper, Style};

/// Equal labels on a sheet, in millimetres.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grid {
    paper: Paper,
    columns: u16,
    rows: u16,
    width: f32,
    height: f32,
    /// Between two labels, both ways.
    gap: f32,
}

/// What is left free at every edge: few printers get nearer.
const EDGE: f32 = 9.0;
const NOTE: Style = Style::text(7.0);

impl Grid {
    /// As many labels of this size as fit.
    pub(super) fn new(paper: Paper, width: f32, height: f32, gap: f32) -> Self {
        let (wide, high) = paper.millimetres();
        // A line of text stands above the labels.
        let fit = |room: f32, size: f32| {
            // Between 0 and some hundred.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let count = ((room + gap) / (size + gap)) as u16;
            count.max(1)
        };
        Self {
            paper,
            columns: fit(wide - 2.0 * EDGE, width),
            rows: fit(high - 2.0 * EDGE - NOTE.line() - 2.0, height),
            width,
            height,
            gap,
        }
    }

    /// Draws all labels; each is given its upper left corner.
    pub(super) fn fill<T>(
        self,
        items: &[T],
        note: &str,
        draw: impl Fn(&mut Canvas, f32, f32, &T),
    ) -> Vec<Canvas> {
        let (wide, high) = self.paper.millimetres();
        let across = |count: u16, size: f32| {
            f32::from(count) * size + f32::from(count.saturating_sub(1)) * self.gap
        };
        let left = (wide - across(self.columns, self.width)) / 2.0;
        let note_room = NOTE.line() + 2.0;
        let top = (high - note_room - across(self.rows, self.height)) / 2.0 + note_room;
        let each = usize::from(self.columns) * usize::from(self.rows);
        items
            .chunks(each)
            .map(|some| {
                let mut canvas = Canvas::new();
                canvas.text(left, top - note_room, NOTE, note);
                let places = (0..self.rows).flat_map(|row| {
                    (0..self.columns).map(move |column| (f32::from(column), f32::from(row)))
                });
                for (item, (column, row)) in some.iter().zip(places) {
                    let x = left + column * (self.width + self.gap);
                    let y = top + row * (self.height + self.gap);
                    draw(&mut canvas, x, y, item);
                }
                canvas
            })
            .collect()
    }
}
