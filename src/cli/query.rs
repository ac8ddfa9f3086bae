//! `verify`, `set show`.

use std::sync::Arc;

use serde::Serialize;

use super::Session;
use super::args::VerifyArgs;
use super::output::{self, size};
use crate::app::App;
use crate::catalogue::{BackupSet, Encryption, SetCopy, View};
use crate::error::{Error, Result};
use crate::id::{Barcode, SetId};
use crate::job::{run as job, verify as job_verify};
use crate::media::reconcile;
use crate::progress::counted;
use crate::tape::verify::Depth;

pub(super) fn verify(session: &Session, args: &VerifyArgs) -> Result<()> {
    let app = Arc::new(session.open()?);
    let set = app
        .catalogue
        .read(|view| crate::set::find_set(view, &args.set, None))?;
    let library = Arc::new(app.library(args.choice.library.as_deref(), "verify")?);
    let by_drive = set.encryption == Encryption::Drive;
    let identities = if args.content || by_drive {
        Some(Arc::new(app.identities(&args.identity, &set.recipients)?))
    } else {
        None
    };
    let depth = match &identities {
        Some(identities) if args.content => Depth::Content(identities),
        _ => Depth::Bytes,
    };
    let verified = job::verify_set(&app, &library, set.id, args.copy, depth, identities.clone())?;
    if session.is_json() {
        output::json(&serde_json::json!({ "set": set.id, "copies": verified }))?;
    } else {
        for copy in &verified {
            output::line(format!(
                "copy {}: segments as they were written: {} ({}); not so: {}",
                copy.copy,
                copy.segments,
                size(copy.bytes),
                copy.damaged.len()
            ))?;
            for absent in &copy.absent {
                output::line(format!(
                    "copy {}: {} is not in the library ({}) and was not looked at",
                    copy.copy, absent.barcode, absent.place
                ))?;
            }
        }
    }
    job_verify::damage(&verified)
}

/// A set with its copies and their cartridges.
#[derive(Debug, Serialize)]
struct SetRow {
    #[serde(flatten)]
    set: BackupSet,
    segments: usize,
    copies: Vec<CopyRow>,
}

#[derive(Debug, Serialize)]
struct CopyRow {
    #[serde(flatten)]
    copy: SetCopy,
    cartridges: Vec<(Barcode, String)>,
}

pub(super) fn show_set(session: &Session, app: &App, text: &str) -> Result<()> {
    let (definition, rows) = app.catalogue.read(|view| {
        let (definition, sets) = match text
            .parse::<SetId>()
            .ok()
            .and_then(|id| view.sets().ok()?.into_iter().find(|set| set.id == id))
        {
            Some(set) => (view.definition(set.definition)?, vec![set]),
            None => {
                let definition = crate::set::find_definition(view, text)?;
                let sets = view.sets_of(definition.id)?;
                (definition, sets)
            }
        };
        let rows = sets
            .into_iter()
            .map(|set| set_row(view, set))
            .collect::<Result<Vec<_>>>()?;
        Ok::<_, Error>((definition, rows))
    })?;
    if session.is_json() {
        return output::json(&serde_json::json!({ "definition": definition, "sets": rows }));
    }
    output::line(format!(
        "{} ({}) of {}",
        definition.name, definition.id, definition.source
    ))?;
    for row in rows {
        output::line(format!(
            "\nSet {} of {}, {}: {} members, {}, {}, kept until {}",
            row.set.id,
            row.set.month,
            row.set.state,
            row.set.totals.members,
            size(row.set.totals.bytes),
            counted(row.segments as u64, "segment", "segments"),
            row.set.retain_until.format("%Y-%m-%d")
        ))?;
        for copy in row.copies {
            let cartridges: Vec<String> = copy
                .cartridges
                .iter()
                .map(|(barcode, place)| format!("{barcode} ({place})"))
                .collect();
            output::line(format!(
                "  copy {} ({}), {}: {}",
                copy.copy.copy,
                copy.copy.pool,
                copy.copy.state,
                cartridges.join(", ")
            ))?;
        }
    }
    Ok(())
}

fn set_row(view: &View<'_>, set: BackupSet) -> Result<SetRow> {
    let mut copies = Vec::new();
    for copy in view.set_copies(set.id)? {
        let mut cartridges: Vec<(Barcode, String)> = Vec::new();
        for segment in view.live_copies(set.id, copy.copy)? {
            let cartridge = view.cartridge(view.volume(segment.volume)?.cartridge)?;
            if cartridges
                .iter()
                .all(|(barcode, _)| *barcode != cartridge.barcode)
            {
                let place = reconcile::place_words(view, &cartridge.place)?;
                cartridges.push((cartridge.barcode, place));
            }
        }
        copies.push(CopyRow { copy, cartridges });
    }
    Ok(SetRow {
        segments: view.segments(set.id)?.len(),
        set,
        copies,
    })
}
