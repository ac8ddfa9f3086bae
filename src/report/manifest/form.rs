//! The head of a manifest: who, what, how much; and the end of its list.

use super::{Audience, ListDigest, Manifest, Party, Totals};
use crate::error::Result;
use crate::print::{Canvas, Paper, Style, wrapped};
use crate::progress::counted;
use crate::report::form::{Form, lines_height};
use crate::report::sheet::Block;
use crate::report::words;

/// Head and foot of every page.
pub(super) fn form(
    manifest: &Manifest,
    audience: Audience,
    paper: Paper,
    digest: ListDigest,
) -> Form {
    let imprint = &manifest.imprint;
    let (number, revision) = (&manifest.number, manifest.revision);
    let replaces = manifest.replaces.map_or_else(
        || "first print".to_owned(),
        |old| format!("replaces revision {old}, which is void"),
    );
    let copies: Vec<String> = imprint
        .copies
        .iter()
        .enumerate()
        .map(|(at, keeper)| format!("{} {keeper}", at + 1))
        .collect();
    let mut foot = vec![
        format!(
            "List digest {}   Journal entry {}, hash {}",
            digest.short(),
            imprint.checkpoint.sequence,
            imprint.checkpoint.hash
        ),
        format!(
            "Printed {} by {}; {replaces}.",
            imprint.at.format("%Y-%m-%d %H:%M %:z"),
            imprint.by
        ),
        format!(
            "If something is lost, broken or in doubt, call at once: {}.",
            imprint.loss_telephone
        ),
    ];
    if !copies.is_empty() {
        foot.push(format!("Copies: {}.", copies.join(", ")));
    }
    // Capitals and digits: the denser mode of a QR code.
    let qr = format!(
        "TAPEWARD {number}/{revision} {} {} {}",
        digest.short(),
        imprint.checkpoint.sequence,
        imprint.checkpoint.hash
    );
    Form {
        paper,
        title: manifest.direction.word().to_owned(),
        number: number.to_string(),
        emphasis: format!("Revision {revision}"),
        subtitle: format!("Courier manifest, run {}", manifest.run),
        code: Some(format!("{number}/{revision}")),
        notice: match audience {
            Audience::Outsiders => None,
            Audience::InHouse => Some(
                "IN-HOUSE COPY with names of systems, owners and content: not for courier or vault"
                    .to_owned(),
            ),
        },
        foot,
        qr: Some(qr.to_uppercase()),
    }
}

/// Quantities in figures.
pub(super) fn quantities(cartridges: usize, other_items: usize) -> String {
    format!(
        "{}, {}",
        counted(cartridges as u64, "cartridge", "cartridges"),
        counted(other_items as u64, "other item", "other items")
    )
}

const LABEL: Style = Style::text(6.8);
const NAME: Style = Style::bold(9.5);
const ADDRESS: Style = Style::text(8.0);
/// Room between the boxes of a row.
const GAP: f32 = 3.0;
/// Within a box.
const PAD: f32 = 1.8;
/// Height of a line for writing.
const BLANK: f32 = 7.0;

/// From, to, carrier.
pub(super) struct Parties<'a> {
    pub(super) manifest: &'a Manifest,
}

impl Parties<'_> {
    fn boxes(&self) -> [(&'static str, &Party); 3] {
        let manifest = self.manifest;
        [
            ("FROM", &manifest.from),
            ("TO", &manifest.to),
            ("CARRIER", &manifest.carrier),
        ]
    }

    fn inner(width: f32) -> f32 {
        (width - 2.0 * GAP) / 3.0 - 2.0 * PAD
    }
}

fn party_lines(party: &Party, width: f32) -> (Vec<String>, Vec<String>) {
    let mut rest: Vec<String> = party.address.clone();
    let numbers = [
        ("Customer number", &party.customer_number),
        ("Telephone", &party.telephone),
    ];
    for (label, value) in numbers {
        rest.extend(value.iter().map(|value| format!("{label} {value}")));
    }
    let rest = rest.iter().flat_map(|line| wrapped(line, ADDRESS, width));
    (wrapped(&party.name, NAME, width), rest.collect())
}

impl Block for Parties<'_> {
    fn height(&self, width: f32) -> f32 {
        let inner = Self::inner(width);
        let tallest = self.boxes().map(|(label, party)| {
            let (name, rest) = party_lines(party, inner);
            let blanks = if label == "CARRIER" { 2.0 * BLANK } else { 0.0 };
            LABEL.line() + lines_height(&name, NAME) + lines_height(&rest, ADDRESS) + blanks
        });
        tallest.into_iter().fold(0.0, f32::max) + 2.0 * PAD + 2.5
    }

    fn draw(&self, canvas: &mut Canvas, x: f32, y: f32, width: f32) -> Result<()> {
        let height = self.height(width) - 2.5;
        let inner = Self::inner(width);
        let mut left = x;
        for (label, party) in self.boxes() {
            canvas.frame(left, y, inner + 2.0 * PAD, height, 0.2);
            let start = left + PAD;
            canvas.text(start, y + PAD, LABEL, label);
            let (name, rest) = party_lines(party, inner);
            let mut below = y + PAD + LABEL.line();
            for (style, lines) in [(NAME, name), (ADDRESS, rest)] {
                for line in lines {
                    canvas.text(start, below, style, &line);
                    below += style.line();
                }
            }
            if label == "CARRIER" {
                let blanks = [("Vehicle", 2.0), ("Driver", 1.0)];
                for (what, above) in blanks {
                    let line = y + height - PAD - (above - 1.0) * BLANK;
                    canvas.text(start, line - 3.2, LABEL, what);
                    canvas.rule(start + 11.0, line, inner - 11.0, 0.2);
                }
            }
            left += inner + 2.0 * PAD + GAP;
        }
        Ok(())
    }
}

/// How much there is, in words and figures.
pub(super) struct TotalsBox(pub(super) Totals);

impl TotalsBox {
    fn boxes(&self) -> [(usize, String); 4] {
        let Totals {
            cases,
            cartridges,
            other_items,
            empty_cases,
        } = self.0;
        let named = |count: usize, one: &str, many: &str| {
            let noun = if count == 1 { one } else { many };
            (count, format!("{} {noun}", words::sentence(count)))
        };
        [
            named(cases, "case", "cases"),
            named(cartridges, "cartridge", "cartridges"),
            named(other_items, "other item", "other items"),
            named(empty_cases, "empty case", "empty cases"),
        ]
    }
}

const FIGURE: Style = Style::bold(15.0);
const WORDS: Style = Style::text(8.0);

impl Block for TotalsBox {
    fn height(&self, width: f32) -> f32 {
        let inner = (width - 3.0 * GAP) / 4.0 - 2.0 * PAD;
        let words = self
            .boxes()
            .map(|(_, words)| lines_height(&wrapped(&words, WORDS, inner), WORDS));
        FIGURE.line() + words.into_iter().fold(0.0, f32::max) + 2.0 * PAD + 2.5
    }

    fn draw(&self, canvas: &mut Canvas, x: f32, y: f32, width: f32) -> Result<()> {
        let height = self.height(width) - 2.5;
        let each = (width - 3.0 * GAP) / 4.0;
        let mut left = x;
        for (figure, words) in self.boxes() {
            canvas.frame(left, y, each, height, 0.4);
            canvas.text(left + PAD, y + PAD, FIGURE, &figure.to_string());
            let below = y + PAD + FIGURE.line();
            canvas.paragraph(left + PAD, below, each - 2.0 * PAD, WORDS, &words);
            left += each + GAP;
        }
        Ok(())
    }
}

/// What is said where nothing follows.
pub(super) fn end_of_list(totals: Totals) -> String {
    let Totals {
        cartridges,
        other_items,
        ..
    } = totals;
    let noun = |count: usize, one: &'static str, many: &'static str| {
        if count == 1 { one } else { many }
    };
    format!(
        "END OF LIST.  {} ({cartridges}) {}, {} ({other_items}) {}. Nothing follows.",
        words::sentence(cartridges),
        noun(cartridges, "cartridge", "cartridges"),
        words::number(other_items),
        noun(other_items, "other item", "other items"),
    )
}
