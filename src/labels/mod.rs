//! Labels and cards for printing: cartridges, cases, places, people, purposes.
//!
//! Everything is Code 39 at a ratio of 2.75 to 1 with X = 0.423 mm, which is what libraries read (LTO Ultrium
//! bar code label specification): a scanner that reads the tapes reads the cards.

mod card;
mod lto;
mod page;

pub use card::{CardLabel, cards};
pub use lto::{expand, lto};

use chrono::{DateTime, Utc};

use crate::error::Result;
use crate::print::{Book, Canvas, Paper, svg};

/// X in millimetres.
pub const MODULE: f32 = 0.423;
/// Height of the bars on a cartridge's label in millimetres; the specification asks for 11.1 at least.
pub const BAR_HEIGHT: f32 = 11.4;

/// Labels on sheets of paper.
#[derive(Debug, Clone)]
pub struct Labels {
    title: &'static str,
    paper: Paper,
    pages: Vec<Canvas>,
    count: usize,
}

impl Labels {
    /// How many labels there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// How many sheets there are.
    #[must_use]
    pub fn sheets(&self) -> usize {
        self.pages.len()
    }

    /// All sheets as one PDF.
    ///
    /// # Errors
    /// What the PDF library refuses.
    pub fn pdf(&self, now: DateTime<Utc>) -> Result<Vec<u8>> {
        let mut book = Book::new(self.paper, self.title, now)?;
        for page in &self.pages {
            book.page(page)?;
        }
        book.finish()
    }

    /// Each sheet as an SVG document.
    #[must_use]
    pub fn svg(&self) -> Vec<String> {
        let pages = self.pages.iter();
        pages
            .map(|page| svg(self.paper, page, self.title))
            .collect()
    }
}
