//! From marks to PDF bytes.

use krilla::Document;
use krilla::geom::{PathBuilder, Point, Rect};
use krilla::metadata::{DateTime as PdfTime, Metadata};
use krilla::page::PageSettings;
use krilla::paint::Fill;
use krilla::surface::Surface;
use krilla::text::{Font, GlyphId, KrillaGlyph};

use chrono::{DateTime, Datelike, Timelike, Utc};

use super::{Face, Mark, Page, Paper};
use crate::error::{Error, Result};

/// The PDF of these pages. The same pages, title and time give the same bytes.
pub(super) fn render(
    paper: Paper,
    pages: &[Page],
    title: &str,
    now: DateTime<Utc>,
) -> Result<Vec<u8>> {
    let failed = |what: &str| Error::failed(format!("cannot make the PDF \"{title}\": {what}"));
    let fonts = Face::ALL
        .iter()
        .map(|face| Font::new(face.bytes().into(), 0))
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| failed("a font is broken"))?;
    let (width, height) = paper.size();
    let mut document = Document::new();
    document.set_metadata(
        Metadata::new()
            .title(title.to_owned())
            .creator(format!("tapeward {}", env!("CARGO_PKG_VERSION")))
            .language("en".to_owned())
            .creation_date(pdf_time(now)),
    );
    for marks in pages {
        let settings = PageSettings::from_wh(width, height).ok_or_else(|| failed("a page"))?;
        let mut page = document.start_page_with(settings);
        let mut surface = page.surface();
        surface.set_fill(Some(Fill::default()));
        for mark in marks {
            draw(&mut surface, &fonts, mark);
        }
        blocks(&mut surface, marks);
        surface.finish();
        page.finish();
    }
    document
        .finish()
        .map_err(|error| failed(&format!("{error:?}")))
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

/// All rectangles of a page as one path.
fn blocks(surface: &mut Surface<'_>, marks: &[Mark]) {
    let mut path = PathBuilder::new();
    for mark in marks {
        if let Mark::Block { x, y, w, h } = mark
            && let Some(rectangle) = Rect::from_xywh(*x, *y, *w, *h)
        {
            path.push_rect(rectangle);
        }
    }
    if let Some(path) = path.finish() {
        surface.draw_path(&path);
    }
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
