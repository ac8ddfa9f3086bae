//! Text, tables and codes one below the other, broken into pages.

use chrono::{DateTime, Utc};

use super::face::printable;
use super::{Face, MILLIMETRE, Mark, Page, Paper, qr, render};
use crate::error::Result;

/// Left and right margins, in points.
const SIDE: f32 = 18.0 * MILLIMETRE;
/// Upper margin, in points.
const TOP: f32 = 16.0 * MILLIMETRE;
/// Lower margin, in points; the line at the foot is in it.
const BOTTOM: f32 = 20.0 * MILLIMETRE;
/// Size of running text.
const TEXT: f32 = 9.5;
/// Size of what is typed.
const TYPED: f32 = 8.5;
/// From one baseline to the next, in sizes.
const LEADING: f32 = 1.35;
/// Between the columns of a table, in points.
const GUTTER: f32 = 8.0;

/// A column's content in one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// For reading: broken between words.
    Text(String),
    /// For typing: broken anywhere.
    Typed(String),
}

/// A document in the making.
#[derive(Debug)]
pub struct Flow {
    paper: Paper,
    title: String,
    pages: Vec<Page>,
    /// Where the next line begins, from the top of the page.
    y: f32,
}

impl Flow {
    /// An empty document; the title is at the foot of every page.
    #[must_use]
    pub fn new(paper: Paper, title: &str) -> Self {
        Self {
            paper,
            title: title.to_owned(),
            pages: vec![Page::new()],
            y: TOP,
        }
    }

    /// The heading of the document or a chapter.
    pub fn chapter(&mut self, text: &str) {
        self.need(60.0);
        self.line(Face::Bold, 16.0, text);
        self.y += 6.0;
    }

    /// A heading; never the last line of a page.
    pub fn heading(&mut self, text: &str) {
        if self.y > TOP {
            self.y += 8.0;
        }
        self.need(50.0);
        self.line(Face::Bold, 11.0, text);
        self.y += 3.0;
    }

    /// Running text, broken between words.
    pub fn paragraph(&mut self, text: &str) {
        for line in broken(text, Face::Text, TEXT, self.width()) {
            self.line(Face::Text, TEXT, &line);
        }
        self.y += 4.0;
    }

    /// Lines as they are, in the font for what is typed; one that is too long goes on indented
    /// behind a backslash, as a shell takes it.
    pub fn typed(&mut self, text: &str) {
        for line in text.lines() {
            for part in continued(line, TYPED, self.width()) {
                self.line(Face::Mono, TYPED, &part);
            }
        }
        self.y += 4.0;
    }

    /// As [`Flow::typed`] at another size.
    pub fn typed_at(&mut self, size: f32, text: &str) {
        for line in text.lines() {
            for part in continued(line, size, self.width()) {
                self.line(Face::Mono, size, &part);
            }
        }
        self.y += 4.0;
    }

    /// Lines as they are with much room between them, at a size that is easy to copy from.
    pub fn spaced(&mut self, face: Face, size: f32, lines: &[String]) {
        for line in lines {
            self.line(face, size, line);
            self.y += size * 0.25;
        }
        self.y += 4.0;
    }

    /// Documentation: lines as they are and small, too long ones broken between words.
    pub fn document(&mut self, text: &str) {
        const SIZE: f32 = 7.5;
        for line in text.lines() {
            for part in broken_typed(line, SIZE, self.width()) {
                self.line(Face::Mono, SIZE, &part);
            }
        }
    }

    /// Goes on with a new page unless half of this one is left.
    pub fn part_break(&mut self) {
        self.need(self.paper.size().1 / 2.0);
        if self.y > TOP {
            self.y += 14.0;
        }
    }

    /// A table; `shares` are the widths of the columns, which are scaled to the page's. A row is
    /// never broken; the head, unless it is empty, is repeated on every page.
    pub fn table(&mut self, head: &[&str], shares: &[f32], rows: &[Vec<Cell>]) {
        #[allow(clippy::cast_precision_loss)] // a handful of columns
        let gutters = GUTTER * shares.len().saturating_sub(1) as f32;
        let unit = (self.width() - gutters) / shares.iter().sum::<f32>();
        let widths: Vec<f32> = shares.iter().map(|share| share * unit).collect();
        self.need(40.0);
        if head.is_empty() {
            self.rule(0.5);
            self.y += 2.0;
        } else {
            self.head(head, &widths);
        }
        for row in rows {
            let cells: Vec<(Face, f32, Vec<String>)> = row
                .iter()
                .zip(&widths)
                .map(|(cell, width)| match cell {
                    Cell::Text(text) => (
                        Face::Text,
                        TEXT - 1.0,
                        broken(text, Face::Text, TEXT - 1.0, *width),
                    ),
                    Cell::Typed(text) => (Face::Mono, TYPED - 1.0, cut(text, TYPED - 1.0, *width)),
                })
                .collect();
            let lines = cells.iter().map(|(_, _, lines)| lines.len()).max();
            let step = TEXT * LEADING;
            #[allow(clippy::cast_precision_loss)] // lines of a cell
            let height = lines.unwrap_or(0) as f32 * step + 2.0;
            if !self.fits(height) {
                self.page_break();
                if !head.is_empty() {
                    self.head(head, &widths);
                }
            }
            let mut x = SIDE;
            for ((face, size, lines), width) in cells.iter().zip(&widths) {
                let mut y = self.y;
                for text in lines {
                    y += step;
                    self.mark(Mark::Text {
                        x,
                        y: y - TEXT * (LEADING - 1.0),
                        face: *face,
                        size: *size,
                        text: text.clone(),
                    });
                }
                x += width + GUTTER;
            }
            self.y += height;
        }
        self.y += 6.0;
    }

    fn head(&mut self, head: &[&str], widths: &[f32]) {
        let mut x = SIDE;
        let y = self.y + TEXT;
        for (text, width) in head.iter().zip(widths) {
            self.mark(Mark::Text {
                x,
                y,
                face: Face::Bold,
                size: TEXT - 1.0,
                text: printable(text, Face::Bold),
            });
            x += width + GUTTER;
        }
        self.y += TEXT + 3.0;
        self.rule(0.5);
        self.y += 2.0;
    }

    /// A line across the page.
    pub fn rule(&mut self, thickness: f32) {
        let (x, y, w) = (SIDE, self.y, self.width());
        self.mark(Mark::Block {
            x,
            y,
            w,
            h: thickness,
        });
        self.y += thickness;
    }

    /// A QR code of this side in millimetres, in the middle.
    ///
    /// # Errors
    /// A text that is too long for one.
    pub fn code(&mut self, text: &str, side: f32) -> Result<()> {
        let side = side * MILLIMETRE;
        self.need(side);
        let x = (self.paper.size().0 - side) / 2.0;
        for mark in qr::marks(text, x, self.y, side)? {
            self.mark(mark);
        }
        self.y += side + 4.0;
        Ok(())
    }

    /// Goes on with a new page unless this one is empty.
    pub fn page_break(&mut self) {
        if self.pages.last().is_none_or(|page| !page.is_empty()) {
            self.pages.push(Page::new());
        }
        self.y = TOP;
    }

    /// The PDF; the same document and time give the same bytes.
    ///
    /// # Errors
    /// What the PDF library refuses.
    pub fn finish(mut self, now: DateTime<Utc>) -> Result<Vec<u8>> {
        let count = self.pages.len();
        let (width, height) = self.paper.size();
        let y = height - 12.0 * MILLIMETRE;
        for (at, page) in self.pages.iter_mut().enumerate() {
            page.push(Mark::Block {
                x: SIDE,
                y: y - 10.0,
                w: width - 2.0 * SIDE,
                h: 0.5,
            });
            let number = format!("{} / {count}", at + 1);
            let right = width - SIDE - Face::Text.width(&number, 8.0);
            for (x, text) in [(SIDE, printable(&self.title, Face::Text)), (right, number)] {
                page.push(Mark::Text {
                    x,
                    y,
                    face: Face::Text,
                    size: 8.0,
                    text,
                });
            }
        }
        render::render(self.paper, &self.pages, &self.title, now)
    }

    fn width(&self) -> f32 {
        self.paper.size().0 - 2.0 * SIDE
    }

    fn fits(&self, height: f32) -> bool {
        self.y + height <= self.paper.size().1 - BOTTOM
    }

    /// A new page if less than this is left.
    fn need(&mut self, height: f32) {
        if !self.fits(height) {
            self.page_break();
        }
    }

    fn line(&mut self, face: Face, size: f32, text: &str) {
        self.need(size * LEADING);
        let y = self.y + size;
        self.mark(Mark::Text {
            x: SIDE,
            y,
            face,
            size,
            text: printable(text, face),
        });
        self.y += size * LEADING;
    }

    fn mark(&mut self, mark: Mark) {
        if let Some(page) = self.pages.last_mut() {
            page.push(mark);
        }
    }
}

/// A text in lines of at most this width, broken between words, and within one that is longer.
pub(super) fn broken(text: &str, face: Face, size: f32, width: f32) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in printable(text, face).split_whitespace() {
        let longer = if line.is_empty() {
            word.to_owned()
        } else {
            format!("{line} {word}")
        };
        if face.width(&longer, size) <= width {
            line = longer;
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        let mut parts = pieces(word, face, size, width);
        line = parts.pop().unwrap_or_default();
        lines.extend(parts);
    }
    lines.push(line);
    lines
}

/// As [`broken`], keeping blanks at the beginning of the line before every part of it.
fn broken_typed(line: &str, size: f32, width: f32) -> Vec<String> {
    let indent: String = line.chars().take_while(|one| *one == ' ').collect();
    let rest = width - Face::Mono.width(&indent, size);
    if Face::Mono.width(&printable(line, Face::Mono), size) <= width {
        return vec![line.to_owned()];
    }
    let parts = broken(line, Face::Mono, size, rest);
    let parts = parts.into_iter().map(|part| format!("{indent}{part}"));
    parts.collect()
}

/// A text cut anywhere into lines of at most this width.
fn cut(text: &str, size: f32, width: f32) -> Vec<String> {
    broken(text, Face::Mono, size, width)
}

/// A line to be typed in parts: all but the last end with a backslash.
fn continued(line: &str, size: f32, width: f32) -> Vec<String> {
    let text = printable(line, Face::Mono);
    if Face::Mono.width(&text, size) <= width {
        return vec![text];
    }
    let room = width - Face::Mono.width(" \\", size);
    let parts = broken_typed(&text, size, room - Face::Mono.width("    ", size));
    let last = parts.len() - 1;
    parts
        .into_iter()
        .enumerate()
        .map(|(at, part)| {
            let indent = if at == 0 { "" } else { "    " };
            let tail = if at == last { "" } else { " \\" };
            format!("{indent}{part}{tail}")
        })
        .collect()
}

/// A word that is too long, in pieces that are not.
fn pieces(word: &str, face: Face, size: f32, width: f32) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut used = 0.0;
    for character in word.chars() {
        let advance = face.glyph(character).map_or(0.0, |(_, advance)| advance) * size;
        if used + advance > width && used > 0.0 {
            pieces.push(String::new());
            used = 0.0;
        }
        used += advance;
        if let Some(piece) = pieces.last_mut() {
            piece.push(character);
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_wider_than_asked_and_nothing_is_lost() {
        let text = "a few words and one_that_is_very_long_and_must_be_broken_somewhere at the end";
        for width in [40.0, 80.0, 300.0] {
            for face in Face::ALL {
                let lines = broken(text, face, 10.0, width);
                assert!(lines.iter().all(|line| face.width(line, 10.0) <= width));
                let squeezed = |text: &str| text.replace(' ', "");
                assert_eq!(squeezed(&lines.concat()), squeezed(text));
            }
        }
    }

    #[test]
    fn what_is_typed_goes_on_as_a_shell_takes_it() {
        let line = "    mt -f /dev/nst0 asf 4 && dd if=/dev/nst0 bs=262144 | age -d -i identity";
        let parts = continued(line, 8.5, 200.0);
        assert!(parts.len() > 2, "{parts:?}");
        let joined = parts.join("\n").replace("\\\n", " ");
        let words = |text: &str| {
            text.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        assert_eq!(words(&joined), words(line));
    }

    #[test]
    fn pages_hold_what_they_can_and_are_numbered() {
        for paper in [Paper::A4, Paper::Letter] {
            let mut flow = Flow::new(paper, "Test");
            for number in 0..200 {
                flow.paragraph(&format!("Paragraph {number}"));
            }
            let foot = paper.size().1 - BOTTOM;
            assert!(flow.pages.len() > 2);
            for page in &flow.pages {
                for mark in page {
                    let Mark::Text { y, .. } = mark else { continue };
                    assert!(*y <= foot, "{mark:?}");
                }
            }
            let now = DateTime::UNIX_EPOCH;
            let (pages, title) = (flow.pages.clone(), flow.title.clone());
            let pdf = flow.finish(now).unwrap();
            assert!(pdf.starts_with(b"%PDF-"));
            let mut again = Flow::new(paper, &title);
            again.pages = pages;
            assert_eq!(
                again.finish(now).unwrap(),
                pdf,
                "the same pages, the same bytes"
            );
        }
    }
}
