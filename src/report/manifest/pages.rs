//! The manifest on paper.

use chrono::Utc;

use super::form::{Parties, TotalsBox, end_of_list, form, quantities};
use super::signing::{Exceptions, Signatures};
use super::table::{CASES, CaseRow, LINES, LineRow};
use super::{Audience, Case, ItemKind, ListDigest, Manifest, Numbered, Ordered};
use crate::error::Result;
use crate::print::Paper;
use crate::progress::counted;
use crate::report::blocks::{End, Notes};
use crate::report::sheet::{Block, Part, Sheet, Table, Tally};

/// The manifest as a PDF. The same manifest, audience and paper give the same bytes.
///
/// # Errors
/// A manifest that contradicts itself ([`Ordered::of`]), something that is too long for a page, or
/// what the PDF library refuses.
pub fn pdf(manifest: &Manifest, audience: Audience, paper: Paper) -> Result<Vec<u8>> {
    let ordered = Ordered::of(manifest)?;
    let digest = ListDigest::of(manifest, &ordered)?;
    let form = form(manifest, audience, paper, digest);
    let mut parts = vec![
        Part::Block(Box::new(Parties { manifest })),
        Part::Block(Box::new(TotalsBox(ordered.totals))),
    ];
    if !manifest.handling.is_empty() {
        parts.push(Part::Block(Box::new(Notes {
            title: "Handling",
            lines: &manifest.handling,
        })));
    }
    if !manifest.cases.is_empty() {
        parts.push(Part::Table(cases(manifest, &ordered)));
    }
    for group in &ordered.groups {
        parts.push(Part::Table(Table {
            title: heading(group.case, tally(&group.lines)),
            columns: LINES,
            rows: group
                .lines
                .iter()
                .map(|line| Box::new(LineRow::new(*line, audience)) as Box<dyn Block>)
                .collect(),
        }));
    }
    let all = ordered.totals;
    let sheet = Sheet {
        form: &form,
        parts,
        end: Box::new(End(end_of_list(all))),
        closing: vec![Box::new(Exceptions), Box::new(Signatures { manifest })],
        subtotal: &|here: Tally, so_far: Tally| {
            format!(
                "This page: {}.  Up to here: {} of {}, {} of {}.",
                quantities(here.cartridges, here.other_items),
                so_far.cartridges,
                counted(all.cartridges as u64, "cartridge", "cartridges"),
                so_far.other_items,
                counted(all.other_items as u64, "other item", "other items"),
            )
        },
    };
    let title = format!(
        "Manifest {} {} revision {}",
        manifest.number,
        manifest.direction.word(),
        manifest.revision
    );
    sheet.pdf(&title, manifest.imprint.at.with_timezone(&Utc))
}

fn heading(case: Option<&Case>, inside: Tally) -> String {
    let holds = quantities(inside.cartridges, inside.other_items);
    match case {
        Some(case) => format!("Case {}: {holds}", case.code),
        None => format!("Without a case: {holds}"),
    }
}

fn tally(lines: &[Numbered<'_>]) -> Tally {
    let cartridges = lines
        .iter()
        .filter(|one| one.line.kind == ItemKind::Cartridge)
        .count();
    Tally {
        cartridges,
        other_items: lines.len() - cartridges,
    }
}

fn cases<'a>(manifest: &'a Manifest, ordered: &Ordered<'a>) -> Table<'a> {
    let rows = manifest.cases.iter().map(|case| {
        let inside = ordered
            .groups
            .iter()
            .find(|group| group.case.is_some_and(|one| one.code == case.code))
            .map_or(&[][..], |group| &group.lines);
        let row = CaseRow {
            case,
            inside: tally(inside),
        };
        Box::new(row) as Box<dyn Block>
    });
    Table {
        title: "Cases".to_owned(),
        columns: CASES,
        rows: rows.collect(),
    }
}
