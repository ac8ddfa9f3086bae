//! `verify`, `set show`.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::Session;
use super::args::VerifyArgs;
use super::output::{self, size};
use crate::app::App;
use crate::catalogue::{
    BackupSet, Encryption, HoldEvent, HoldSubject, SetCopy, SetDefinition, View,
};
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
            super::scrub::files(&format!("copy {}", copy.copy), &copy.files)?;
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
    /// The hold that keeps it: its own, or that of its definition.
    hold: Option<HoldEvent>,
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
    let (terms, rows) = app.catalogue.read(|view| {
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
        Ok::<_, Error>((DefinitionTerms::of(view, definition)?, rows))
    })?;
    if session.is_json() {
        return output::json(&serde_json::json!({
            "definition": terms.definition, "holds": terms.holds, "sets": rows
        }));
    }
    let definition = &terms.definition;
    output::line(format!(
        "{} ({}) of {}",
        definition.name, definition.id, definition.source
    ))?;
    terms.lines(app).iter().try_for_each(output::line)?;
    for row in rows {
        output::line(format!(
            "\nSet {} of {}, {}: {} members, {}, {}, kept until {}",
            row.set.id,
            row.set.month,
            row.set.state,
            row.set.totals.members,
            size(row.set.totals.bytes),
            counted(row.segments as u64, "segment", "segments"),
            day(row.set.retain_until)
        ))?;
        if let Some(hold) = &row.hold {
            output::line(format!("  held: {}", hold_words(hold)))?;
        }
        for copy in row.copies {
            let until = copy.copy.retain_until;
            let kept = if until == row.set.retain_until {
                String::new()
            } else {
                format!("; kept until {}", day(until))
            };
            let cartridges: Vec<String> = copy
                .cartridges
                .iter()
                .map(|(barcode, place)| format!("{barcode} ({place})"))
                .collect();
            output::line(format!(
                "  copy {} ({}), {}: {}{kept}",
                copy.copy.copy,
                copy.copy.pool,
                copy.copy.state,
                cartridges.join(", ")
            ))?;
        }
    }
    Ok(())
}

/// A definition, and what only other parts of the record say of it.
struct DefinitionTerms {
    definition: SetDefinition,
    /// Names of the keys it names.
    keys: Vec<String>,
    /// Every hold on it or on one of its sets, oldest first.
    holds: Vec<HoldEvent>,
    /// The hold on all of its sets.
    held: Option<HoldEvent>,
}

impl DefinitionTerms {
    fn of(view: &View<'_>, definition: SetDefinition) -> Result<Self> {
        let keys = definition.recipients.iter();
        Ok(Self {
            keys: keys
                .map(|key| Ok(view.key(*key)?.name))
                .collect::<Result<_>>()?,
            holds: view.hold_history(definition.id)?,
            held: view.hold_on(HoldSubject::Definition(definition.id))?,
            definition,
        })
    }

    /// What is kept of the next set, where and for how long.
    fn lines(&self, app: &App) -> Vec<String> {
        let definition = &self.definition;
        let pools: Vec<String> = if definition.copies.is_empty() {
            app.config.monthly.copies.clone()
        } else {
            let own = definition.copies.iter();
            own.map(|(_, pool)| pool.to_string()).collect()
        };
        let kept = pools.iter().map(|pool| {
            let of_pool = || {
                pool.parse()
                    .map_or(0, |pool| app.config.retention_days(&pool))
            };
            let days = definition.retention_days.unwrap_or_else(of_pool);
            format!("{pool} ({})", counted(days.into(), "day", "days"))
        });
        let mut lines = vec![format!(
            "Copies     {}",
            kept.collect::<Vec<_>>().join(", ")
        )];
        if let Some(agency) = &definition.agency {
            lines.push(format!("Agency     {agency}"));
        }
        if !self.keys.is_empty() {
            lines.push(format!("Keys       {}", self.keys.join(", ")));
        }
        if let Some(hold) = &self.held {
            lines.push(format!("Held       {}", hold_words(hold)));
        }
        lines
    }
}

fn day(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d").to_string()
}

fn hold_words(hold: &HoldEvent) -> String {
    format!(
        "{} (since {}, by {} at {})",
        hold.reason,
        day(hold.at),
        hold.actor.person,
        hold.actor.station
    )
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
        hold: view.hold_of_set(set.id, set.definition)?,
        segments: view.segments(set.id)?.len(),
        set,
        copies,
    })
}
