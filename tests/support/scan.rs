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
    // The kinds that are printed; without a desktop to be told of each.
    let only = [
        "-q",
        "--nodbus",
        "-Sdisable",
        "-Scode39.enable",
        "-Scode128.enable",
        "-Sqrcode.enable",
    ];
    let output = Command::new("zbarimg").args(only).arg(picture).output();
    let Ok(output) = output else {
        assert!(std::env::var_os("CI").is_none(), "zbarimg is needed");
        println!("zbarimg is not installed: the page was not looked at");
        return None;
    };
    // Its manual: 4 is no code on the picture.
    assert!(
        output.status.success() || output.status.code() == Some(4),
        "{output:?}"
    );
    let out = String::from_utf8(output.stdout).unwrap();
    let pairs = out.lines().filter_map(|line| line.split_once(':'));
    Some(
        pairs
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

    /// Turned about its middle, with less contrast: laid on a scanner in a hurry. Each pixel is taken from the
    /// four around the place it comes from, by weight.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss
    )]
    pub fn scanned(&self, degrees: f64) -> Self {
        // Places in 1/256 of a pixel: whole numbers are quick in a build for tests.
        const ONE: i64 = 256;
        let (sine, cosine) = degrees.to_radians().sin_cos();
        let step_x = (cosine * 65536.0) as i64;
        let step_y = (-sine * 65536.0) as i64;
        let (width, height) = (self.width as i64, self.height as i64);
        let mut pixels = vec![200; self.width * self.height];
        for (row, line) in pixels.chunks_mut(self.width).enumerate() {
            let dy = row as i64 - height / 2;
            let mut x = (width / 2) * 65536 - (width / 2) * step_x - dy * step_y;
            let mut y = (height / 2) * 65536 - (width / 2) * step_y + dy * step_x;
            for pixel in line {
                let (left, top) = (x >> 16, y >> 16);
                let inside = left >= 0 && top >= 0 && left + 1 < width && top + 1 < height;
                if inside {
                    let at = (top * width + left) as usize;
                    let (fx, fy) = ((x >> 8) & 255, (y >> 8) & 255);
                    let above = &self.pixels[at..at + 2];
                    let below = &self.pixels[at + self.width..at + self.width + 2];
                    let upper = i64::from(above[0]) * (ONE - fx) + i64::from(above[1]) * fx;
                    let lower = i64::from(below[0]) * (ONE - fx) + i64::from(below[1]) * fx;
                    let value = (upper * (ONE - fy) + lower * fy) >> 16;
                    // Black is dark grey and white light grey.
                    *pixel = (60 + value * 140 / 255) as u8;
                }
                x += step_x;
                y += step_y;
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

/// The size of a page in points, and its words.
pub type Words = ((f32, f32), Vec<Word>);

/// The words of each page.
pub fn words(pdf: &Path) -> Option<Vec<Words>> {
    let out = run("pdftotext", &["-bbox", pdf.to_str().unwrap(), "-"])?;
    let value = |line: &str, name: &str| -> f32 {
        let start = line.find(&format!("{name}=\"")).unwrap() + name.len() + 2;
        line[start..].split('"').next().unwrap().parse().unwrap()
    };
    let mut pages: Vec<Words> = Vec::new();
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
