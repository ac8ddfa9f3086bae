//! The manifest as JSON.

use std::io::Write;

use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};

use super::{
    Audience, Case, Direction, Imprint, InHouse, Line, ListDigest, Manifest, ManifestNumber,
    Numbered, Ordered, Party, Revision, RunWindow, Totals,
};
use crate::error::{Context, Result};

/// Writes the manifest as one JSON object, line by line. For outsiders without what is in-house.
///
/// # Errors
/// A manifest that contradicts itself ([`Ordered::of`]), or what cannot be written.
pub fn json(manifest: &Manifest, audience: Audience, out: &mut dyn Write) -> Result<()> {
    let ordered = Ordered::of(manifest)?;
    let document = Document {
        number: &manifest.number,
        direction: manifest.direction,
        revision: manifest.revision,
        replaces: manifest.replaces,
        run: manifest.run,
        from: &manifest.from,
        to: &manifest.to,
        carrier: &manifest.carrier,
        totals: ordered.totals,
        list_digest: ListDigest::of(manifest, &ordered)?,
        cases: &manifest.cases,
        lines: Lines {
            ordered: &ordered,
            audience,
        },
        handling: &manifest.handling,
        imprint: &manifest.imprint,
    };
    serde_json::to_writer_pretty(&mut *out, &document)
        .context("cannot write the manifest as JSON")?;
    out.write_all(b"\n")
        .context("cannot write the manifest as JSON")
}

#[derive(Serialize)]
struct Document<'a> {
    number: &'a ManifestNumber,
    direction: Direction,
    revision: Revision,
    replaces: Option<Revision>,
    run: RunWindow,
    from: &'a Party,
    to: &'a Party,
    carrier: &'a Party,
    totals: Totals,
    list_digest: ListDigest,
    cases: &'a [Case],
    lines: Lines<'a>,
    handling: &'a [String],
    imprint: &'a Imprint,
}

struct Lines<'a> {
    ordered: &'a Ordered<'a>,
    audience: Audience,
}

impl Serialize for Lines<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut sequence = serializer.serialize_seq(Some(self.ordered.len()))?;
        for (_, Numbered { number, line }) in self.ordered.lines() {
            let in_house = match self.audience {
                Audience::Outsiders => None,
                Audience::InHouse => line.in_house.as_ref(),
            };
            sequence.serialize_element(&Shown {
                number,
                line: Outside::of(line),
                in_house,
            })?;
        }
        sequence.end()
    }
}

#[derive(Serialize)]
struct Shown<'a> {
    number: usize,
    #[serde(flatten)]
    line: Outside<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_house: Option<&'a InHouse>,
}

/// What outsiders are told of a line: named one by one, so that a new field is not told by accident.
#[derive(Serialize)]
struct Outside<'a> {
    barcode: &'a crate::id::Barcode,
    kind: super::ItemKind,
    media_type: &'a str,
    case: Option<&'a crate::id::Code>,
    protection: &'a super::Protection,
    returns: super::Return,
    reason: &'a str,
    urgency: super::Urgency,
    remark: &'a str,
}

impl<'a> Outside<'a> {
    fn of(line: &'a Line) -> Self {
        Self {
            barcode: &line.barcode,
            kind: line.kind,
            media_type: &line.media_type,
            case: line.case.as_ref(),
            protection: &line.protection,
            returns: line.returns,
            reason: &line.reason,
            urgency: line.urgency,
            remark: &line.remark,
        }
    }
}
