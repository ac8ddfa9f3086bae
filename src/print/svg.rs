//! From a page to SVG: lengths in millimetres, text as outlines, so that it looks the same where the
//! fonts are not.

use std::fmt::Write;

use super::render::outline;
use super::{Canvas, Face, MILLIMETRE, Mark, Paper};

/// The page as an SVG document of the paper's size. Each bar and block is a `rect` in millimetres.
#[must_use]
pub fn svg(paper: Paper, canvas: &Canvas, title: &str) -> String {
    let (width, height) = paper.millimetres();
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = write!(
        out,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.1}mm\" height=\"{height:.1}mm\" \
         viewBox=\"0 0 {width:.1} {height:.1}\">\n<title>{}</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
        escaped(title)
    );
    for mark in canvas.marks() {
        let _ = match mark {
            Mark::Block { x, y, w, h } => writeln!(
                out,
                "<rect x=\"{:.4}\" y=\"{:.4}\" width=\"{:.4}\" height=\"{:.4}\"/>",
                x / MILLIMETRE,
                y / MILLIMETRE,
                w / MILLIMETRE,
                h / MILLIMETRE
            ),
            Mark::Stroke {
                from,
                to,
                thickness,
            } => {
                let corners = outline(*from, *to, *thickness)
                    .map(|(x, y)| format!("{:.3},{:.3}", x / MILLIMETRE, y / MILLIMETRE));
                writeln!(out, "<polygon points=\"{}\"/>", corners.join(" "))
            }
            Mark::Text {
                x,
                y,
                face,
                size,
                text,
            } => writeln!(
                out,
                "<path aria-label=\"{}\" d=\"{}\"/>",
                escaped(text),
                letters(*face, *size, (*x, *y), text)
            ),
        };
    }
    out.push_str("</svg>\n");
    out
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// The outlines of a text as path data, in millimetres.
fn letters(face: Face, size: f32, at: (f32, f32), text: &str) -> String {
    let mut pen = Pen {
        x: at.0 / MILLIMETRE,
        y: at.1 / MILLIMETRE,
        scale: 0.0,
        data: String::new(),
    };
    for character in text.chars() {
        let Some((_, advance)) = face.glyph(character) else {
            continue;
        };
        face.outline(character, |scale| size / MILLIMETRE * scale, &mut pen);
        pen.x += advance * size / MILLIMETRE;
    }
    pen.data
}

/// Draws a glyph's outline as path data.
pub(super) struct Pen {
    x: f32,
    y: f32,
    /// Millimetres in a unit of the font.
    pub(super) scale: f32,
    data: String,
}

impl Pen {
    fn draw(&mut self, command: char, points: &[(f32, f32)]) {
        self.data.push(command);
        for (x, y) in points {
            // A font's y goes up, a page's down. Writing to a String cannot fail.
            let _ = write!(
                self.data,
                "{:.3} {:.3} ",
                self.x + x * self.scale,
                self.y - y * self.scale
            );
        }
    }
}

impl ttf_parser::OutlineBuilder for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        self.draw('M', &[(x, y)]);
    }
    fn line_to(&mut self, x: f32, y: f32) {
        self.draw('L', &[(x, y)]);
    }
    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        self.draw('Q', &[(x1, y1), (x, y)]);
    }
    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        self.draw('C', &[(x1, y1), (x2, y2), (x, y)]);
    }
    fn close(&mut self) {
        self.data.push('Z');
    }
}
