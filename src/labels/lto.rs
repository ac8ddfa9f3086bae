//! Labels for LTO cartridges, and ranges of barcodes.

use super::page::Grid;
use super::{BAR_HEIGHT, Labels, MODULE};
use crate::error::{Error, Result};
use crate::id::Barcode;
use crate::print::{Canvas, Paper, Style, code39};

/// Size of a label in millimetres.
const WIDTH: f32 = 79.0;
const HEIGHT: f32 = 17.0;
/// Labels a range may come to.
const MOST: u64 = 10_000;

const CHARACTER: Style = Style::bold(10.5);

/// Labels for these cartridges on sheets.
///
/// # Errors
/// A barcode that is no LTO label: six capital letters or digits and a media identifier of two.
pub fn lto(barcodes: &[Barcode], paper: Paper) -> Result<Labels> {
    let mut labels = Vec::with_capacity(barcodes.len());
    for barcode in barcodes {
        let text = barcode.as_str();
        let plain = |one: u8| one.is_ascii_uppercase() || one.is_ascii_digit();
        let no_label = || {
            Error::usage(format!("\"{text}\" is no LTO barcode")).hint(
                "six capital letters or digits and the media identifier, for example TWV001L8",
            )
        };
        if text.len() != 8 || !text.bytes().all(plain) {
            return Err(no_label());
        }
        let symbol = code39::symbol(text).map_err(|error| no_label().because(error))?;
        labels.push((text, symbol));
    }
    let pages = Grid::new(paper, WIDTH, HEIGHT, 2.0).fill(
        &labels,
        "Print at 100 % and cut along the frames. Makers of libraries ask for bought labels: try a few in yours.",
        |canvas, x, y, (text, symbol)| {
            canvas.frame(x, y, WIDTH, HEIGHT, 0.1);
            let start = x + (WIDTH - symbol.width() * MODULE) / 2.0;
            canvas.symbol(start, y + 0.5, BAR_HEIGHT, MODULE, symbol);
            characters(canvas, x, y + 0.5 + BAR_HEIGHT, text);
        },
    );
    Ok(Labels {
        title: "Cartridge labels",
        paper,
        pages,
        count: labels.len(),
    })
}

/// The text for people: a field for each character, the media identifier in one.
fn characters(canvas: &mut Canvas, x: f32, y: f32, text: &str) {
    let (serial, media) = text.split_at(6);
    let mut fields: Vec<String> = serial.chars().map(String::from).collect();
    fields.push(media.to_owned());
    let each = (WIDTH - 8.0) / 7.0;
    let mut left = x + 4.0;
    for field in fields {
        canvas.text_centred(left + each / 2.0, y + 0.3, CHARACTER, &field);
        left += each;
    }
}

/// Barcodes from a list in which `FIRST..LAST` stands for all from one to the other: they differ in one run of
/// digits of the volume serial.
///
/// # Errors
/// What is no barcode; a range whose ends differ elsewhere, runs backwards, or is longer than 10,000; a
/// barcode that is there twice.
pub fn expand(words: &[String]) -> Result<Vec<Barcode>> {
    let mut all: Vec<Barcode> = Vec::new();
    for word in words {
        match word.split_once("..") {
            Some((first, last)) => all.extend(range(word, first, last)?),
            None => all.push(word.parse()?),
        }
    }
    let mut seen = std::collections::HashSet::new();
    for barcode in &all {
        if !seen.insert(barcode) {
            return Err(Error::usage(format!("{barcode} is there twice"))
                .hint("two cartridges with one barcode cannot be told apart"));
        }
    }
    Ok(all)
}

fn range(word: &str, first: &str, last: &str) -> Result<Vec<Barcode>> {
    let wrong = |why: &str| {
        Error::usage(format!("\"{word}\" is no range of barcodes: {why}"))
            .hint("for example TWV001L8..TWV040L8")
    };
    if first.len() != 8 || last.len() != 8 || !first.is_ascii() || !last.is_ascii() {
        return Err(wrong("both ends have eight characters"));
    }
    let serial = &first[..6];
    let digits = serial.bytes().rev().take_while(u8::is_ascii_digit).count();
    let (letters, number) = serial.split_at(6 - digits);
    if digits == 0 {
        return Err(wrong("it has no number to count"));
    }
    if last[..6 - digits] != *letters || last[6..] != first[6..] {
        return Err(wrong("the ends differ in more than a number"));
    }
    let end = last[6 - digits..6]
        .parse::<u64>()
        .map_err(|_| wrong("the ends differ in more than a number"))?;
    let start = number
        .parse::<u64>()
        .map_err(|_| wrong("it has no number to count"))?;
    if end < start {
        return Err(wrong("it runs backwards"));
    }
    if end - start >= MOST {
        return Err(wrong("it has more than 10,000 barcodes"));
    }
    (start..=end)
        .map(|number| {
            let text = format!("{letters}{number:0digits$}{}", &first[6..]);
            text.parse().map_err(Error::from)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn ranges_count_in_the_serial() {
        let all = expand(&words(&["CLN001L1", "TWV008L8..TWV011L8"])).unwrap();
        let texts: Vec<&str> = all.iter().map(Barcode::as_str).collect();
        assert_eq!(
            texts,
            ["CLN001L1", "TWV008L8", "TWV009L8", "TWV010L8", "TWV011L8"]
        );
        assert_eq!(expand(&words(&["000001L9..000001L9"])).unwrap().len(), 1);
    }

    #[rstest]
    #[case(&["TWV001L8..TWW001L8"], "more than a number")]
    #[case(&["TWV001L8..TWV002L9"], "more than a number")]
    #[case(&["TWV002L8..TWV001L8"], "backwards")]
    #[case(&["ABCDEFL8..ABCDEFL8"], "no number")]
    #[case(&["TWV001..TWV002"], "eight characters")]
    #[case(&["000001L8..900001L8"], "10,000")]
    #[case(&["TWV001L8..TWV003L8", "TWV002L8"], "TWV002L8 is there twice")]
    #[case(&["ÄÄÄÄL8..ÄÄÄÄL8"], "eight characters")]
    fn what_is_no_range_is_said(#[case] list: &[&str], #[case] why: &str) {
        let error = expand(&words(list)).unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
    }

    #[test]
    fn only_lto_barcodes_have_labels() {
        for text in ["TWV001", "twv001l8", "DG 001L8", "TWV-01L8"] {
            let error = lto(&[text.parse().unwrap()], Paper::A4).unwrap_err();
            assert!(error.to_string().contains(text), "{error}");
        }
    }
}
