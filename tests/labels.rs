//! Printed labels and cards: read back by a decoder, measured in the SVG.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // as in any test

#[path = "support/refusal.rs"]
mod refusal;
#[path = "support/scan.rs"]
mod scan;
#[path = "support/seeded.rs"]
mod seeded;
#[path = "support/world.rs"]
mod world;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use tapeward::media::card::{Card, Purpose};

use scan::{Picture, codes, pictures};
use world::World;

/// Prints and gives every code that is on the sheets.
fn printed(world: &World, name: &str, paper: &str, words: &[&str]) -> Option<BTreeSet<String>> {
    let file = world.path(&format!("{name}-{paper}.pdf"));
    let output = file.to_str().unwrap();
    let more = ["--paper", paper, "--output", output];
    world.ok([&["label", "print"], words, &more].concat());
    let mut seen = BTreeSet::new();
    let folder = world.path(&format!("{name}-{paper}"));
    for page in pictures(&file, "300", &folder)? {
        for (kind, text) in codes(&page)? {
            assert_eq!(kind, "CODE-39");
            seen.insert(text);
        }
    }
    Some(seen)
}

#[test]
fn cartridge_labels_are_read_from_both_papers() {
    let world = World::new();
    let mut expected: BTreeSet<String> =
        (1..=40).map(|number| format!("TWV{number:03}L8")).collect();
    expected.insert("CLN001L1".to_owned());
    for paper in ["a4", "letter"] {
        let words = ["lto", "TWV001L8..TWV040L8", "CLN001L1"];
        let Some(seen) = printed(&world, "lto", paper, &words) else {
            return;
        };
        assert_eq!(seen, expected, "{paper}");
    }
}

#[test]
fn cards_are_read_and_mean_what_they_say() {
    let world = World::new();
    for paper in ["a4", "letter"] {
        let Some(seen) = printed(&world, "purpose", paper, &["purpose"]) else {
            return;
        };
        let mut expected: BTreeSet<String> = Purpose::ALL
            .iter()
            .map(|purpose| Card::Purpose(*purpose).to_string())
            .collect();
        expected.insert(Card::KeyboardTest.to_string());
        assert_eq!(seen, expected);
        for text in seen {
            assert!(Card::read(&text).unwrap().is_some(), "{text}");
        }
    }
    for (noun, words, expected) in [
        ("case", ["C01", "C02=blue, two locks"], [".C.C01", ".C.C02"]),
        (
            "place",
            ["DOOR-B", "SAFE-BASEMENT-01"],
            [".L.DOOR-B", ".L.SAFE-BASEMENT-01"],
        ),
        (
            "person",
            ["42=Ann Miller", "4294967295"],
            [".B.42", ".B.4294967295"],
        ),
    ] {
        let words = [noun, words[0], words[1]];
        let seen = printed(&world, noun, "a4", &words).unwrap();
        assert_eq!(seen, expected.map(str::to_owned).into(), "{noun}");
    }
}

/// The rectangles of an SVG document: x, y, width, height in millimetres.
fn rectangles(svg: &str) -> Vec<[f64; 4]> {
    let parts = svg.split("<rect ").skip(1);
    parts
        .filter_map(|part| {
            let value = |name: &str| {
                let start = part.find(&format!("{name}=\""))? + name.len() + 2;
                part[start..].split('"').next()?.parse::<f64>().ok()
            };
            Some([value("x")?, value("y")?, value("width")?, value("height")?])
        })
        .collect()
}

fn within(value: f64, wanted: f64) -> bool {
    (value / wanted - 1.0).abs() <= 0.02
}

#[test]
fn the_svg_has_the_measures_of_the_specification() {
    let world = World::new();
    let file = world.path("labels.svg");
    let output = file.to_str().unwrap();
    let make = [
        "label",
        "print",
        "lto",
        "TWV001L8..TWV003L8",
        "--format",
        "svg",
    ];
    world.ok([&make[..], &["--output", output]].concat());
    let svg = fs::read_to_string(&file).unwrap();
    assert!(svg.contains("width=\"210.0mm\" height=\"297.0mm\" viewBox=\"0 0 210.0 297.0\""));
    // Bars are what is as high as a bar; the edges of the labels are not.
    let all = rectangles(&svg);
    let bars: Vec<[f64; 4]> = all
        .iter()
        .copied()
        .filter(|[_, _, width, height]| within(*height, 11.4) && *width < 2.0)
        .collect();
    assert_eq!(bars.len(), 3 * 10 * 5, "three labels of ten characters");
    for [_, _, width, height] in &bars {
        assert!(*height >= 11.1);
        let wide = within(*width, 0.423 * 2.75);
        assert!(within(*width, 0.423) || wide, "a bar of {width} mm");
    }
    let edges = |wanted: f64, side: usize| {
        let edges = all.iter().filter(|one| within(one[side], wanted));
        edges.count()
    };
    assert_eq!((edges(79.0, 2), edges(17.0, 3)), (6, 6));
    // Quiet zones of ten X on both sides, within the label.
    let (left, top) = (bars[0][0], bars[0][1]);
    let first: Vec<&[f64; 4]> = bars[..50].iter().collect();
    let right = first.iter().map(|bar| bar[0] + bar[2]).fold(0.0, f64::max);
    let frame = all
        .iter()
        .find(|one| within(one[2], 79.0) && one[1] <= top)
        .unwrap();
    assert!(left - frame[0] >= 4.23 && frame[0] + 79.0 - right >= 4.23);

    // What the rectangles draw is read.
    let picture = drawn(&all, 210.0, 297.0);
    let path = world.path("drawn.pgm");
    picture.write(&path);
    let Some(seen) = codes(&path) else { return };
    let seen: Vec<String> = seen.into_iter().map(|(_, text)| text).collect();
    assert_eq!(seen, ["TWV001L8", "TWV002L8", "TWV003L8"]);
}

/// Rectangles in black on white, ten dots in a millimetre and a half as many again.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn drawn(rectangles: &[[f64; 4]], width: f64, height: f64) -> Picture {
    const DOTS: f64 = 15.0;
    let dot = |length: f64| (length * DOTS).round() as usize;
    let (across, down) = (dot(width), dot(height));
    let mut pixels = vec![255; across * down];
    for [x, y, w, h] in rectangles {
        for row in dot(*y)..dot(y + h).min(down) {
            pixels[row * across + dot(*x)..row * across + dot(x + w)].fill(0);
        }
    }
    Picture {
        width: across,
        height: down,
        pixels,
    }
}

#[test]
fn several_sheets_are_several_svg_files() {
    let world = World::new();
    let output = world.path("labels.svg");
    let output = output.to_str().unwrap();
    let make = [
        "label",
        "print",
        "lto",
        "TWV001L8..TWV060L8",
        "--format",
        "svg",
        "--output",
    ];
    let said = world.json([&make[..], &[output]].concat());
    assert_eq!(said["labels"], 60);
    assert_eq!(said["sheets"], 3);
    assert!(said["warning"].as_str().unwrap().contains("bought labels"));
    let files: Vec<&str> = said["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| file.as_str().unwrap())
        .collect();
    assert_eq!(files.len(), 3);
    for (number, file) in (1..).zip(&files) {
        assert!(file.ends_with(&format!("labels-{number}.svg")));
        assert!(fs::read_to_string(file).unwrap().ends_with("</svg>\n"));
    }
    // Nothing half-done: the last name is taken, so none is written.
    fs::remove_file(files[0]).unwrap();
    let again = world.refuses(1, [&make[..], &[output]].concat());
    again.says(&["labels-2.svg", "is there already"]);
    assert!(!Path::new(files[0]).exists());
    let pipe = world.refuses(2, [&make[..], &["-"]].concat());
    pipe.says(&["3 sheets", "--format pdf"]);
}

#[test]
fn what_cannot_be_printed_is_said_in_one_line() {
    let world = World::new();
    let output = world.path("x.pdf");
    let output = output.to_str().unwrap();
    for (words, says) in [
        (&["lto", "twv001l8"][..], "\"twv001l8\" is no LTO barcode"),
        (&["lto", "TWV001"], "\"TWV001\" is no LTO barcode"),
        (&["lto", "TWV009L8..TWV001L8"], "runs backwards"),
        (&["lto", "TWV001L8", "TWV001L8"], "TWV001L8 is there twice"),
        (&["case", "c08"], "\"c08\" is not a code"),
        (&["case", "C08", "C08=again"], "C08 is there twice"),
        (&["place", "A-CODE-THAT-IS-TOO-LONG"], "1 to 16"),
        (&["person", "Ann"], "\"Ann\" is not the code of a person"),
        (&["person", "-1=Ann"], "'-1'"),
    ] {
        let refused = world.refuses(
            2,
            [&["label", "print"], words, &["--output", output]].concat(),
        );
        refused.says(&[says]);
    }
    let name = format!("C08={}", "long name ".repeat(30));
    let refused = world.refuses(2, ["label", "print", "case", &name, "--output", output]);
    refused.says(&["two lines at most"]);
    assert!(!Path::new(output).exists());
    assert!(!world.state().exists(), "labels need no state folder");
}
