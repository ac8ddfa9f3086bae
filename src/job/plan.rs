//! What a run will do: pure decisions about sets, copies and cartridges.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::chosen::chosen;
use crate::app::App;
use crate::catalogue::{
    Cartridge, ContentState, ElementKind, MediumUse, Month, Place, PoolName, SetDefinition, View,
    Volume,
};
use crate::error::{Error, Result};
use crate::id::{Barcode, CopyNumber, LibraryId, SetDefinitionId, SetId};
use crate::key::recipients_for;

/// What was asked for.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Names or ids of set definitions; all when empty.
    pub sets: Vec<String>,
    /// The month it counts for; this one without it.
    pub month: Option<Month>,
}

/// A run as planned; kept with the run, so that a later session does the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The library, as configured.
    pub library: String,
    /// The month it counts for.
    pub month: Month,
    /// The sets, in order.
    pub sets: Vec<PlannedSet>,
    /// Read every copy back.
    pub verify: bool,
    /// Bring the cartridges to import/export elements.
    pub eject: bool,
    /// What a person should look at, known before it began.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// A set to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedSet {
    /// Its id.
    pub id: SetId,
    /// What it is a backup of.
    pub definition: SetDefinitionId,
    /// The definition's name.
    pub name: String,
    /// The pool of each copy.
    pub copies: Vec<(CopyNumber, PoolName)>,
    /// Days it is kept.
    pub retention_days: u32,
}

/// A run as planned, and what has to be on record before it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The run.
    pub plan: Plan,
    /// The definitions of its sets; those that patterns found are to be saved.
    pub definitions: Vec<SetDefinition>,
    /// What patterns did not find any more.
    pub gone: Vec<SetDefinitionId>,
}

/// Plans a run.
///
/// # Errors
/// Unknown sets, none defined, no key to encrypt to, no library, a pattern that finds nothing.
pub fn plan(app: &App, library: &str, request: &Request) -> Result<Planned> {
    let now = app.clock.now();
    let month = request.month.unwrap_or_else(|| Month::of(now));
    app.catalogue.read(|view| {
        if view.keys_in_use()?.is_empty() {
            return Err(Error::usage("there is no key to encrypt to")
                .hint("make one with \"tapeward key create site\""));
        }
        let chosen = chosen(view, &request.sets, month, now)?;
        let sets = chosen
            .definitions
            .iter()
            .map(|definition| planned(app, view, definition.clone(), now))
            .collect::<Result<_>>()?;
        Ok(Planned {
            plan: Plan {
                library: library.to_owned(),
                month,
                sets,
                verify: app.config.monthly.verify,
                eject: app.config.monthly.eject,
                warnings: chosen.warnings,
            },
            definitions: chosen.definitions,
            gone: chosen.gone,
        })
    })
}

fn planned(
    app: &App,
    view: &View<'_>,
    definition: SetDefinition,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<PlannedSet> {
    let copies: Vec<(CopyNumber, PoolName)> = if definition.copies.is_empty() {
        (1..)
            .map(CopyNumber)
            .zip(&app.config.monthly.copies)
            .map(|(copy, pool)| Ok((copy, pool.parse()?)))
            .collect::<Result<_>>()?
    } else {
        definition.copies.clone()
    };
    let pools: Vec<PoolName> = copies.iter().map(|(_, pool)| pool.clone()).collect();
    recipients_for(view, &definition, &pools)?;
    Ok(PlannedSet {
        id: SetId::generate(now),
        definition: definition.id,
        name: definition.name,
        copies,
        retention_days: definition
            .retention_days
            .unwrap_or(app.config.monthly.retention_days),
    })
}

/// A cartridge that might be written next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The cartridge.
    pub cartridge: Cartridge,
    /// Its living volume.
    pub volume: Option<Volume>,
}

/// Why a cartridge was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// A volume of the pool that has room.
    Appends,
    /// A labelled, empty volume of the pool.
    LabelledScratch,
    /// A scratch cartridge without a label.
    Blank,
    /// A volume whose retention has ended.
    Expired,
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Appends => "appended to",
            Self::LabelledScratch => "labelled scratch",
            Self::Blank => "new",
            Self::Expired => "expired, labelled anew",
        })
    }
}

/// Every cartridge of the record that is not out of use for its health.
pub fn candidates(view: &View<'_>) -> Result<Vec<Candidate>> {
    let out_of_use = view.quarantined_cartridges()?;
    view.cartridges()?
        .into_iter()
        .filter(|cartridge| !out_of_use.contains(&cartridge.id))
        .map(|cartridge| {
            let volume = view.volume_on(cartridge.id)?;
            Ok(Candidate { cartridge, volume })
        })
        .collect()
}

/// The cartridge to write next for a pool: one that can be appended to, else labelled scratch of
/// the pool, else a new one, else one whose retention has ended; by barcode among equals. Only
/// what is in the library counts, and nothing that is `taken`. One with data in an import/export
/// element was ejected and gets no more.
#[must_use]
pub fn choose<'a>(
    candidates: &'a [Candidate],
    library: LibraryId,
    pool: &PoolName,
    taken: &HashSet<Barcode>,
    now: chrono::DateTime<chrono::Utc>,
) -> Option<(&'a Candidate, Reason)> {
    candidates
        .iter()
        .filter(|candidate| !taken.contains(&candidate.cartridge.barcode))
        .filter(|candidate| {
            matches!(candidate.cartridge.place, Place::Element { library: place, .. } if place == library)
        })
        .filter_map(|candidate| suitability(candidate, pool, now).map(|reason| (candidate, reason)))
        .min_by_key(|(candidate, reason)| (*reason as u8, candidate.cartridge.barcode.clone()))
}

fn leaves(place: &Place) -> bool {
    matches!(
        place,
        Place::Element {
            kind: ElementKind::ImportExport,
            ..
        }
    )
}

fn suitability(
    candidate: &Candidate,
    pool: &PoolName,
    now: chrono::DateTime<chrono::Utc>,
) -> Option<Reason> {
    if !matches!(
        candidate.cartridge.medium_use,
        MediumUse::Data | MediumUse::Worm
    ) {
        return None;
    }
    let Some(volume) = &candidate.volume else {
        return Some(Reason::Blank);
    };
    match volume.content {
        // In a mail slot it is on its way out: a courier may have it in hand.
        ContentState::Filling if volume.pool == *pool && !leaves(&candidate.cartridge.place) => {
            Some(Reason::Appends)
        }
        ContentState::Scratch if volume.pool == *pool => Some(Reason::LabelledScratch),
        ContentState::Expired
            if !volume.worm && volume.retain_until.is_none_or(|until| until <= now) =>
        {
            Some(Reason::Expired)
        }
        _ => None,
    }
}
