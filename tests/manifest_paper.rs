//! What the courier signs can be read back: by people, by `pdftotext`, and by a decoder from paper that went
//! through a scanner.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // as in any test

#[path = "support/manifest.rs"]
mod manifest;
#[path = "support/scan.rs"]
mod scan;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use tapeward::media::card::Card;
use tapeward::print::Paper;
use tapeward::report::manifest::{Audience, ListDigest, Manifest, Ordered, pdf};

use manifest::{LONG_PARTY, LONG_REMARK, LONG_SYSTEM, manifest};
use scan::{Picture, assert_legible, codes, pictures, squeezed};

/// Barcodes in the order in which they must be printed.
fn in_order(manifest: &Manifest) -> Vec<String> {
    let ordered = Ordered::of(manifest).unwrap();
    let lines = ordered.lines();
    lines.map(|(_, one)| one.line.barcode.to_string()).collect()
}

/// Every code that must be on the pages, by kind.
fn expected(manifest: &Manifest) -> BTreeSet<(String, String)> {
    let digest = ListDigest::of(manifest, &Ordered::of(manifest).unwrap()).unwrap();
    let checkpoint = &manifest.imprint.checkpoint;
    let qr = format!(
        "TAPEWARD CM-2026-0014/B {} {} {}",
        digest.short(),
        checkpoint.sequence,
        checkpoint.hash
    );
    let mut all = BTreeSet::from([
        ("CODE-128".to_owned(), "CM-2026-0014/B".to_owned()),
        ("QR-Code".to_owned(), qr.to_uppercase()),
    ]);
    for case in &manifest.cases {
        let card = Card::Case(case.code.clone());
        all.insert(("CODE-39".to_owned(), card.to_string()));
    }
    for line in &manifest.lines {
        let text = line.barcode.to_string();
        // Code 39 has no small letters.
        let kind = if text.chars().any(|one| one.is_ascii_lowercase()) {
            "CODE-128"
        } else {
            "CODE-39"
        };
        all.insert((kind.to_owned(), text));
    }
    all
}

fn assert_codes(manifest: &Manifest, pages: &[std::path::PathBuf]) -> Option<()> {
    let mut seen = BTreeSet::new();
    for (at, page) in pages.iter().enumerate() {
        let here = codes(page)?;
        for kind in ["CODE-128", "QR-Code"] {
            let found = here.iter().any(|(one, _)| one == kind);
            assert!(found, "page {} has no {kind}", at + 1);
        }
        seen.extend(here);
    }
    assert_eq!(seen, expected(manifest));
    Some(())
}

fn scanned_back(paper: Paper) -> Option<()> {
    let manifest = manifest(300);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("manifest.pdf");
    fs::write(&file, pdf(&manifest, Audience::Outsiders, paper).unwrap()).unwrap();
    let pages = pictures(&file, "300", &folder.path().join("300"))?;
    assert_codes(&manifest, &pages)?;
    let pages = pictures(&file, "200", &folder.path().join("200"))?;
    for page in &pages {
        Picture::read(page).scanned(2.0).write(page);
    }
    assert_codes(&manifest, &pages)
}

#[test]
fn every_code_of_an_a4_manifest_is_read_from_paper() {
    let _ = scanned_back(Paper::A4);
}

#[test]
fn every_code_of_a_letter_manifest_is_read_from_paper() {
    let _ = scanned_back(Paper::Letter);
}

fn made(
    folder: &Path,
    manifest: &Manifest,
    audience: Audience,
    paper: Paper,
) -> std::path::PathBuf {
    let file = folder.join(format!("{audience:?}-{paper:?}.pdf"));
    fs::write(&file, pdf(manifest, audience, paper).unwrap()).unwrap();
    file
}

/// The figure behind these words.
fn figure(page: &str, words: &str) -> usize {
    let start = page
        .find(words)
        .unwrap_or_else(|| panic!("{words} in {page}"))
        + words.len();
    let digits: String = page[start..]
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    digits.parse().unwrap()
}

#[test]
fn the_text_is_the_list_and_every_page_says_which_it_is() {
    let manifest = manifest(300);
    let digest = ListDigest::of(&manifest, &Ordered::of(&manifest).unwrap()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for paper in [Paper::A4, Paper::Letter] {
        let file = made(folder.path(), &manifest, Audience::Outsiders, paper);
        let Some(pages) = scan::text(&file) else {
            return;
        };
        let (mut listed, mut sum) = (Vec::new(), 0);
        for (at, page) in pages.iter().enumerate() {
            let number = format!("Page {} of {}", at + 1, pages.len());
            for words in [
                "OUT",
                "CM-2026-0014",
                "Revision B",
                "run 2026-11-30, from 17:00 to 18:30",
                &number,
                &format!("List digest {}", digest.short()),
                "Journal entry 18234, hash 3f9a5c1b7d2e804496b1aa0273c5de19f04b86a1d7729c3e5508b6f41c2ad97e",
                "Printed 2026-11-29 18:05 +01:00 by Ann Miller",
                "replaces revision A, which is void",
                "call at once: +49 7973 555-911, day and night",
                "Copies: 1 sender, 2 carrier, 3 receiver",
            ] {
                assert!(
                    page.contains(words),
                    "{words} is not on page {}:\n{page}",
                    at + 1
                );
            }
            sum += figure(page, "This page: ");
            assert_eq!(figure(page, "Up to here: "), sum);
            assert!(page.contains("of 300 cartridges"));
            let known: BTreeSet<&str> = manifest
                .lines
                .iter()
                .map(|line| line.barcode.as_str())
                .collect();
            listed.extend(
                page.lines()
                    .filter(|line| known.contains(line))
                    .map(str::to_owned),
            );
        }
        assert_eq!(sum, 300);
        assert_eq!(listed, in_order(&manifest), "the list on {paper:?}");
        assert_eq!(listed[0], "TWA077L8", "what is urgent is first");
        let last = pages.last().unwrap();
        for words in [
            "END OF LIST. Three hundred (300) cartridges, two (2) other items. Nothing follows.",
            "Exceptions",
            "Not handed over",
            "Added by hand",
            "Struck",
            "Signs for cases and seals only",
        ] {
            assert!(
                squeezed(last).contains(&squeezed(words)),
                "{words} is not in\n{last}"
            );
        }
        for words in [
            "Identity card checked",
            "Signature",
            "Cases counted",
            "Seals checked",
        ] {
            assert_eq!(last.matches(words).count(), 3, "{words}");
        }
        assert!(pages[0].contains("Three hundred cartridges"));
        assert!(pages[0].contains("One empty case"));
        assert!(pages[0].contains("Customer number 77-41022"));
        assert_eq!(
            pages.iter().filter(|page| page.contains("URGENT")).count(),
            1
        );
        assert!(squeezed(&pages.concat()).contains("NO,exceptionEX-2026-003"));
    }
}

#[test]
fn the_longest_names_are_wrapped_and_nothing_is_clipped_or_covered() {
    let manifest = manifest(45);
    let folder = tempfile::tempdir().unwrap();
    for paper in [Paper::A4, Paper::Letter] {
        for audience in [Audience::Outsiders, Audience::InHouse] {
            let file = made(folder.path(), &manifest, audience, paper);
            let Some(pages) = scan::text(&file) else {
                return;
            };
            let all = squeezed(&pages.concat());
            assert!(all.contains(&squeezed(LONG_PARTY)));
            assert!(all.contains(&squeezed(LONG_REMARK)));
            for secret in [LONG_SYSTEM, "school board", "segments 7 to 8"] {
                let there = all.contains(&squeezed(secret));
                assert_eq!(there, audience == Audience::InHouse, "{secret}");
            }
            let notice = all.contains(&squeezed("IN-HOUSE COPY"));
            assert_eq!(notice, audience == Audience::InHouse);
            let _ = assert_legible(&file);
        }
    }
}

#[test]
fn the_worst_that_can_be_typed_still_fits() {
    let mut manifest = manifest(2);
    let wide = "W".repeat(90);
    manifest.number = "WWWWWWWWWWWWWWWWWWWW".parse().unwrap();
    manifest.revision = "ZZZZ".parse().unwrap();
    for party in [&mut manifest.from, &mut manifest.to, &mut manifest.carrier] {
        party.name = format!("{wide} {wide}");
        party.address = vec![wide.clone()];
        party.customer_number = Some(wide.clone());
    }
    manifest.imprint.by.clone_from(&wide);
    manifest.imprint.loss_telephone = "0".repeat(120);
    manifest.handling.push(wide.clone());
    let line = &mut manifest.lines[0];
    line.barcode = "A-barcode-of-32-characters-at-all"
        .get(..32)
        .unwrap()
        .parse()
        .unwrap();
    line.media_type = wide[..40].to_owned();
    line.reason = wide[..20].to_owned();
    line.remark = format!("{wide}\u{4e2d}\n{wide}");
    let folder = tempfile::tempdir().unwrap();
    for paper in [Paper::A4, Paper::Letter] {
        let file = made(folder.path(), &manifest, Audience::InHouse, paper);
        let Some(()) = assert_legible(&file) else {
            return;
        };
        let pages = scan::text(&file).unwrap();
        // The character that no font here has is spelled.
        assert!(squeezed(&pages.concat()).contains("\\u{4e2d}"));
        let prefix = folder.path().join(format!("{paper:?}"));
        let mut seen = BTreeSet::new();
        for page in pictures(&file, "300", &prefix).unwrap() {
            seen.extend(codes(&page).unwrap());
        }
        assert!(seen.contains(&("CODE-128".to_owned(), manifest.lines[0].barcode.to_string())));
        assert!(seen.contains(&(
            "CODE-128".to_owned(),
            "WWWWWWWWWWWWWWWWWWWW/ZZZZ".to_owned()
        )));
    }
    // What no page can hold is refused, not cut.
    manifest.lines[1].remark = "long ".repeat(2000);
    let error = pdf(&manifest, Audience::Outsiders, Paper::A4).unwrap_err();
    assert!(error.to_string().contains("too long for a page"), "{error}");
}

#[test]
fn a_manifest_without_lines_or_with_contradictions() {
    let folder = tempfile::tempdir().unwrap();
    let mut empty = manifest(0);
    empty.lines.clear();
    let file = made(folder.path(), &empty, Audience::Outsiders, Paper::A4);
    if let Some(pages) = scan::text(&file) {
        assert!(
            pages
                .concat()
                .contains("No (0) cartridges, no (0) other items.")
        );
    }
    let mut twice = manifest(2);
    twice.lines[1].barcode = twice.lines[0].barcode.clone();
    let mut nowhere = manifest(2);
    nowhere.lines[0].case = Some("C77".parse().unwrap());
    let mut cases = manifest(2);
    cases.cases.push(cases.cases[0].clone());
    for (wrong, why) in [
        (twice, "TWA000L8 is there twice"),
        (nowhere, "TWA000L8 is in case C77, which is not on it"),
        (cases, "case C01 is there twice"),
    ] {
        let error = pdf(&wrong, Audience::Outsiders, Paper::A4).unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
    }
}
