//! From marks to PDF bytes.

use krilla::Document;
use krilla::geom::{PathBuilder, Point, Rect};
use krilla::metadata::{DateTime as PdfTime, Metadata};
use krilla::page::PageSettings;
use krilla::paint::Fill;
use krilla::surface::Surface;
use krilla::text::{Font, GlyphId, KrillaGlyph};

use chrono::{DateTime, Datelike, Timelike, Utc};

use super::{Canvas, Face, Mark, Page, Paper};
use crate::error::{Error, Result};

/// The PDF of these pages. The same pages, title and time give the same bytes.
pub(super) fn render(
    paper: Paper,
    pages: &[Page],
    title: &str,
    now: DateTime<Utc>,
) -> Result<Vec<u8>> {
    let mut book = Book::new(paper, title, now)?;
    for marks in pages {
        book.marks(marks)?;
    }
    book.finish()
}

/// A PDF in the making, page by page. What is drawn on a page is compressed as soon as it is added.
pub struct Book {
    paper: Paper,
    title: String,
    document: Document,
    fonts: Vec<Font>,
}

impl Book {
    /// A document without pages. The same pages, title and time give the same bytes.
    ///
    /// # Errors
    /// A font that is broken.
    pub fn new(paper: Paper, title: &str, now: DateTime<Utc>) -> Result<Self> {
        let fonts = Face::ALL
            .iter()
            .map(|face| Font::new(face.bytes().into(), 0))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| failed(title, "a font is broken"))?;
        let mut document = Document::new();
        document.set_metadata(
            Metadata::new()
                .title(title.to_owned())
                .creator(format!("tapeward {}", env!("CARGO_PKG_VERSION")))
                .language("en".to_owned())
                .creation_date(pdf_time(now)),
        );
        Ok(Self {
            paper,
            title: title.to_owned(),
            document,
            fonts,
        })
    }

    /// Adds a page.
    ///
    /// # Errors
    /// What the PDF library refuses.
    pub fn page(&mut self, canvas: &Canvas) -> Result<()> {
        self.marks(canvas.marks())
    }

    fn marks(&mut self, marks: &[Mark]) -> Result<()> {
        let (width, height) = self.paper.size();
        let settings =
            PageSettings::from_wh(width, height).ok_or_else(|| failed(&self.title, "a page"))?;
        let mut page = self.document.start_page_with(settings);
        let mut surface = page.surface();
        surface.set_fill(Some(Fill::default()));
        for mark in marks {
            draw(&mut surface, &self.fonts, mark);
        }
        shapes(&mut surface, marks);
        surface.finish();
        page.finish();
        Ok(())
    }

    /// The PDF.
    ///
    /// # Errors
    /// What the PDF library refuses.
    pub fn finish(self) -> Result<Vec<u8>> {
        let title = self.title;
        self.document
            .finish()
            .map_err(|error| failed(&title, &format!("{error:?}")))
    }
}

impl std::fmt::Debug for Book {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Book")
            .field("title", &self.title)
            .finish_non_exhaustive()
    }
}

fn failed(title: &str, what: &str) -> Error {
    Error::failed(format!("cannot make the PDF \"{title}\": {what}"))
}

fn draw(surface: &mut Surface<'_>, fonts: &[Font], mark: &Mark) {
    let Mark::Text {
        x,
        y,
        face,
        size,
        text,
    } = mark
    else {
        return;
    };
    let glyphs: Vec<KrillaGlyph> = text
        .char_indices()
        .filter_map(|(at, character)| {
            let (glyph, advance) = face.glyph(character)?;
            let range = at..at + character.len_utf8();
            Some(KrillaGlyph::new(
                GlyphId::new(glyph),
                advance,
                0.0,
                0.0,
                0.0,
                range,
                None,
            ))
        })
        .collect();
    let font = fonts[*face as usize].clone();
    surface.draw_glyphs(Point::from_xy(*x, *y), &glyphs, font, text, *size, false);
}

/// All rectangles and lines of a page as one path.
fn shapes(surface: &mut Surface<'_>, marks: &[Mark]) {
    let mut path = PathBuilder::new();
    for mark in marks {
        match mark {
            Mark::Block { x, y, w, h } => {
                if let Some(rectangle) = Rect::from_xywh(*x, *y, *w, *h) {
                    path.push_rect(rectangle);
                }
            }
            Mark::Stroke {
                from,
                to,
                thickness,
            } => {
                let [first, others @ ..] = outline(*from, *to, *thickness);
                path.move_to(first.0, first.1);
                for (x, y) in others {
                    path.line_to(x, y);
                }
                path.close();
            }
            Mark::Text { .. } => {}
        }
    }
    if let Some(path) = path.finish() {
        surface.draw_path(&path);
    }
}

/// The corners of a line.
pub(super) fn outline(from: (f32, f32), to: (f32, f32), thickness: f32) -> [(f32, f32); 4] {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let length = dx.hypot(dy).max(f32::MIN_POSITIVE);
    let (ox, oy) = (
        -dy / length * thickness / 2.0,
        dx / length * thickness / 2.0,
    );
    [
        (from.0 + ox, from.1 + oy),
        (to.0 + ox, to.1 + oy),
        (to.0 - ox, to.1 - oy),
        (from.0 - ox, from.1 - oy),
    ]
}

fn pdf_time(at: DateTime<Utc>) -> PdfTime {
    // None of these exceeds its type: chrono's ranges are those of a calendar.
    let small = |number: u32| u8::try_from(number).unwrap_or(0);
    PdfTime::new(u16::try_from(at.year()).unwrap_or(0))
        .month(small(at.month()))
        .day(small(at.day()))
        .hour(small(at.hour()))
        .minute(small(at.minute()))
        .second(small(at.second()))
        .utc_offset_hour(0)
        .utc_offset_minute(0)
}
