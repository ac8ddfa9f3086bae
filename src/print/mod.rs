//! Pages for paper: text in embedded fonts, tables, bar codes and QR codes, as PDF and SVG.
//!
//! A [`Flow`] takes headings, paragraphs and the like in order and breaks them into pages; what is
//! drawn where is known before anything is rendered, so every page can say how many there are. A form
//! whose every line has its place is drawn on a [`Canvas`] for each page, and a [`Book`] takes those one by
//! one, so that a document of thousands of pages need not be held before it is rendered.

mod canvas;
pub mod code128;
pub mod code39;
mod face;
mod flow;
mod qr;
mod render;
mod svg;
mod symbol;

use std::str::FromStr;

pub use canvas::{Canvas, Style, wrapped};
pub use face::Face;
pub use flow::{Cell, Flow};
pub use render::Book;
pub use svg::svg;
pub use symbol::{Symbol, SymbolError};

/// Points in a millimetre.
const MILLIMETRE: f32 = 72.0 / 25.4;

/// Size of the paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Paper {
    /// 210 by 297 mm (ISO 216).
    #[default]
    A4,
    /// 8.5 by 11 inches (ANSI/ASME Y14.1).
    Letter,
}

impl Paper {
    /// Width and height in millimetres.
    #[must_use]
    pub fn millimetres(self) -> (f32, f32) {
        let (width, height) = self.size();
        (width / MILLIMETRE, height / MILLIMETRE)
    }

    /// Width and height in points.
    fn size(self) -> (f32, f32) {
        match self {
            Self::A4 => (210.0 * MILLIMETRE, 297.0 * MILLIMETRE),
            Self::Letter => (8.5 * 72.0, 11.0 * 72.0),
        }
    }
}

impl FromStr for Paper {
    type Err = crate::error::Error;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "a4" => Ok(Self::A4),
            "letter" => Ok(Self::Letter),
            _ => Err(
                crate::error::Error::usage(format!("\"{text}\" is not a size of paper"))
                    .hint("a4 or letter"),
            ),
        }
    }
}

/// What is drawn on a page, in points from its upper left corner.
#[derive(Debug, Clone, PartialEq)]
enum Mark {
    /// Text with its baseline there.
    Text {
        x: f32,
        y: f32,
        face: Face,
        size: f32,
        text: String,
    },
    /// A filled rectangle.
    Block { x: f32, y: f32, w: f32, h: f32 },
    /// A straight line of this thickness.
    Stroke {
        from: (f32, f32),
        to: (f32, f32),
        thickness: f32,
    },
}

/// What is drawn on one page.
type Page = Vec<Mark>;
