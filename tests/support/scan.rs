//! Pages as a scanner sees them, and the codes a decoder finds on them.

#![allow(dead_code)] // not every program uses all of it

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs a program; `None` where it is not installed, which only a machine outside continuous
/// integration may get away with.
pub fn run(program: &str, arguments: &[&str]) -> Option<String> {
    let Ok(output) = Command::new(program).args(arguments).output() else {
        assert!(std::env::var_os("CI").is_none(), "{program} is needed");
        println!("{program} is not installed: the page was not looked at");
        return None;
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(
        output.status.success(),
        "{program} {arguments:?}\n{out}\n{err}"
    );
    Some(out)
}

/// The text of each page in the order in which it was drawn.
pub fn text(pdf: &Path) -> Option<Vec<String>> {
    let text = run("pdftotext", &["-raw", pdf.to_str().unwrap(), "-"])?;
    let pages = text.strip_suffix('\u{c}').unwrap_or(&text);
    Some(pages.split('\u{c}').map(str::to_owned).collect())
}

/// Without any white space: where a line was broken makes no difference.
pub fn squeezed(text: &str) -> String {
    text.split_whitespace().collect()
}

/// Grey pictures of the pages.
pub fn pictures(pdf: &Path, dpi: &str, folder: &Path) -> Option<Vec<PathBuf>> {
    fs::create_dir(folder).unwrap();
    let prefix = folder.join("page");
    let (pdf, prefix) = (pdf.to_str().unwrap(), prefix.to_str().unwrap());
    run("pdftoppm", &["-r", dpi, "-gray", pdf, prefix])?;
    let mut pages: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    pages.sort();
    Some(pages)
}

/// What a decoder finds on a picture: kind and text, for example ("CODE-39", "TWV001L8").
pub fn codes(picture: &Path) -> Option<BTreeSet<(String, String)>> {
    let out = run("zbarimg", &["-q", picture.to_str().unwrap()])?;
    let pairs = out.lines().filter_map(|line| line.split_once(':'));
    let known = pairs.filter(|(kind, _)| ["CODE-39", "CODE-128", "QR-Code"].contains(kind));
    Some(
        known
            .map(|(kind, text)| (kind.to_owned(), text.to_owned()))
            .collect(),
    )
}

/// A grey picture (PGM, binary).
pub struct Picture {
    pub width: usize,
    pub height: usize,
    pub pixels: Vec<u8>,
}

impl Picture {
    pub fn read(path: &Path) -> Self {
        let bytes = fs::read(path).unwrap();
        let mut lines = bytes.splitn(4, |byte| *byte == b'\n');
        assert_eq!(lines.next().unwrap(), b"P5");
        let size = String::from_utf8(lines.next().unwrap().to_vec()).unwrap();
        let (width, height) = size.split_once(' ').unwrap();
        assert_eq!(lines.next().unwrap(), b"255");
        Self {
            width: width.parse().unwrap(),
            height: height.parse().unwrap(),
            pixels: lines.next().unwrap().to_vec(),
        }
    }

    pub fn write(&self, path: &Path) {
        let mut bytes = format!("P5\n{} {}\n255\n", self.width, self.height).into_bytes();
        bytes.extend_from_slice(&self.pixels);
        fs::write(path, bytes).unwrap();
    }

    /// Turned about its middle, on grey paper with less contrast: laid on a scanner in a hurry. Each pixel is
    /// taken from the four around the place it comes from.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss
    )]
    pub fn scanned(&self, degrees: f32) -> Self {
        let (sine, cosine) = degrees.to_radians().sin_cos();
        let (middle_x, middle_y) = (self.width as f32 / 2.0, self.height as f32 / 2.0);
        let mut pixels = vec![200; self.width * self.height];
        for (row, line) in pixels.chunks_mut(self.width).enumerate() {
            let dy = row as f32 - middle_y;
            for (column, pixel) in line.iter_mut().enumerate() {
                let dx = column as f32 - middle_x;
                let x = middle_x + dx * cosine + dy * sine;
                let y = middle_y - dx * sine + dy * cosine;
                if x < 0.0 || y < 0.0 {
                    continue;
                }
                let (left, top) = (x as usize, y as usize);
                if left + 1 >= self.width || top + 1 >= self.height {
                    continue;
                }
                let (fx, fy) = (x - left as f32, y - top as f32);
                let at = top * self.width + left;
                let of = |at: usize| f32::from(self.pixels[at]);
                let upper = of(at) * (1.0 - fx) + of(at + 1) * fx;
                let lower = of(at + self.width) * (1.0 - fx) + of(at + self.width + 1) * fx;
                let value = upper * (1.0 - fy) + lower * fy;
                // Black is dark grey and white light grey.
                *pixel = (60.0 + value * 140.0 / 255.0) as u8;
            }
        }
        Self {
            width: self.width,
            height: self.height,
            pixels,
        }
    }
}

/// A word on a page and its box in points: left, top, right, bottom.
pub type Word = (String, [f32; 4]);

/// The words of each page, and its size.
pub fn words(pdf: &Path) -> Option<Vec<((f32, f32), Vec<Word>)>> {
    let out = run("pdftotext", &["-bbox", pdf.to_str().unwrap(), "-"])?;
    let value = |line: &str, name: &str| -> f32 {
        let start = line.find(&format!("{name}=\"")).unwrap() + name.len() + 2;
        line[start..].split('"').next().unwrap().parse().unwrap()
    };
    let mut pages: Vec<((f32, f32), Vec<Word>)> = Vec::new();
    for line in out.lines().map(str::trim) {
        if line.starts_with("<page ") {
            pages.push(((value(line, "width"), value(line, "height")), Vec::new()));
        } else if line.starts_with("<word ") {
            let sides = ["xMin", "yMin", "xMax", "yMax"].map(|side| value(line, side));
            let start = line.find('>').unwrap() + 1;
            let text = line[start..].trim_end_matches("</word>").to_owned();
            pages.last_mut().unwrap().1.push((text, sides));
        }
    }
    Some(pages)
}

/// Nothing is over the edge of the paper, and no word on another.
pub fn assert_legible(pdf: &Path) -> Option<()> {
    for (number, ((width, height), words)) in words(pdf)?.into_iter().enumerate() {
        let page = number + 1;
        for (at, (text, [left, top, right, bottom])) in words.iter().enumerate() {
            let inside = *left > 20.0 && *top > 15.0 && *right < width - 20.0;
            assert!(
                inside && *bottom < height - 15.0,
                "page {page}: {text} is at the edge"
            );
            for (other, [x1, y1, x2, y2]) in &words[at + 1..] {
                let apart =
                    right - x1 < 0.5 || x2 - left < 0.5 || bottom - y1 < 1.5 || y2 - top < 1.5;
                assert!(apart, "page {page}: {text} is on {other}");
            }
        }
    }
    Some(())
}
