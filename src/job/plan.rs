//! What a run will do: pure decisions about sets, copies and cartridges.

use std::collections::{BTreeSet, HashSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::chosen::chosen;
use super::collocation::{self, Disagreement, Traits};
use crate::app::App;
use crate::catalogue::{
    Cartridge, ContentState, ElementKind, MediumUse, Month, Place, PoolName, SetDefinition,
    SetState, View, Volume,
};
use crate::config::Collocate;
use crate::error::{Error, Result};
use crate::id::{Barcode, CopyNumber, LibraryId, SetDefinitionId, SetId};
use crate::key::recipients_for;
use crate::retention;
use crate::tape::BlockSize;

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
    /// What a person should know who did not mean it so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
}

impl Plan {
    /// The pools of all copies.
    pub fn pools(&self) -> impl Iterator<Item = &PoolName> {
        let copies = self.sets.iter().flat_map(|set| &set.copies);
        copies.map(|(_, pool)| pool)
    }
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
    /// Days single copies are kept, where that differs.
    #[serde(default)]
    pub copy_retention_days: Vec<(CopyNumber, u32)>,
    /// Whose data it is.
    #[serde(default)]
    pub agency: Option<String>,
}

impl PlannedSet {
    /// Days a copy is kept.
    #[must_use]
    pub fn days_of(&self, copy: CopyNumber) -> u32 {
        let own = self
            .copy_retention_days
            .iter()
            .find(|(other, _)| *other == copy);
        own.map_or(self.retention_days, |(_, days)| *days)
    }
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
        let again = chosen
            .definitions
            .iter()
            .filter_map(|definition| had_already(view, definition, month).transpose());
        Ok(Planned {
            plan: Plan {
                library: library.to_owned(),
                month,
                sets,
                verify: app.config.monthly.verify,
                eject: app.config.monthly.eject,
                warnings: chosen.warnings,
                remarks: again.collect::<Result<_>>()?,
            },
            definitions: chosen.definitions,
            gone: chosen.gone,
        })
    })
}

/// What to say when the month has a complete set already: writing one more is allowed, but may be a
/// command given twice.
fn had_already(
    view: &View<'_>,
    definition: &SetDefinition,
    month: Month,
) -> Result<Option<String>> {
    let sets = view.sets_of(definition.id)?;
    let last = sets
        .iter()
        .rfind(|set| set.month == month && set.state == SetState::Complete);
    Ok(last.map(|set| {
        let made = set.started_at.format("%Y-%m-%d %H:%M UTC");
        let name = &definition.name;
        format!("set {name}: {month} has it already, made {made}; it is written once more")
    }))
}

fn planned(
    app: &App,
    view: &View<'_>,
    definition: SetDefinition,
    now: DateTime<Utc>,
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
    recipients_for(&app.config, view, &definition, &pools)?;
    let own_days = definition.retention_days;
    let days = |pool: &PoolName| own_days.unwrap_or_else(|| app.config.retention_days(pool));
    let longest = pools.iter().map(days).max();
    let retention_days = longest.unwrap_or(app.config.monthly.retention_days);
    let copy_retention_days = copies
        .iter()
        .map(|(copy, pool)| (*copy, days(pool)))
        .filter(|(_, days)| *days != retention_days)
        .collect();
    Ok(PlannedSet {
        id: SetId::generate(now),
        definition: definition.id,
        name: definition.name,
        copies,
        retention_days,
        copy_retention_days,
        agency: definition.agency,
    })
}

/// What will matter of a copy that is planned for where it is put.
pub fn traits(
    view: &View<'_>,
    set: &PlannedSet,
    copy: CopyNumber,
    now: DateTime<Utc>,
) -> Result<Traits> {
    let days = chrono::TimeDelta::days(i64::from(set.days_of(copy)));
    Ok(Traits {
        agency: set.agency.clone(),
        retention: Month::of(now + days),
        held: view.hold_of_definition(set.definition)?.is_some(),
    })
}

/// A cartridge that might be written next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The cartridge.
    pub cartridge: Cartridge,
    /// How often it was mounted.
    pub wear: u32,
    /// Its living volume.
    pub volume: Option<Volume>,
    /// What is on it, where more can be appended.
    pub contents: BTreeSet<Traits>,
    /// An expired volume on which something must be kept after all.
    pub is_kept: bool,
}

/// Mounts that make a difference in wear: cartridges are made for thousands, and people expect the next
/// barcode.
const WEAR_STEP: u32 = 50;

impl Candidate {
    /// Size of the blocks that would be written on it; none before it has a label.
    #[must_use]
    pub fn blocks(&self) -> Option<BlockSize> {
        let volume = self.volume.as_ref()?;
        let appended = super::label::may_append(volume.content);
        appended.then(|| volume.block_size.try_into().ok())?
    }
}

/// What a cartridge is wanted for.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The library it must be in.
    pub library: LibraryId,
    /// The pool.
    pub pool: PoolName,
    /// In what the sets on it must agree.
    pub collocate: Vec<Collocate>,
    /// What is to be written.
    pub traits: Traits,
    /// Now.
    pub now: DateTime<Utc>,
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

/// Every cartridge of the record that is not out of use for its health, is not kept as another program
/// left it, and is not to go somewhere.
pub fn candidates(view: &View<'_>, now: DateTime<Utc>) -> Result<Vec<Candidate>> {
    let mut out_of_use = view.quarantined_cartridges()?;
    out_of_use.extend(view.foreign_tapes()?.iter().map(|tape| tape.cartridge));
    // What is to leave takes no new data.
    out_of_use.extend(
        view.open_movements()?
            .iter()
            .map(|movement| movement.item.as_cartridge()),
    );
    let mounts = view.mounts()?;
    view.cartridges()?
        .into_iter()
        .filter(|cartridge| !out_of_use.contains(&cartridge.id))
        .map(|cartridge| {
            let volume = view.volume_on(cartridge.id)?;
            let (mut contents, mut is_kept) = (BTreeSet::new(), false);
            match &volume {
                Some(volume) if volume.content == ContentState::Filling => {
                    contents = collocation::contents(view, volume.id)?;
                }
                Some(volume) if volume.content == ContentState::Expired => {
                    is_kept = !retention::keeps(view, volume.id, now)?.is_empty();
                }
                _ => {}
            }
            Ok(Candidate {
                wear: mounts.get(&cartridge.id).copied().unwrap_or(0),
                cartridge,
                volume,
                contents,
                is_kept,
            })
        })
        .collect()
}

/// The cartridge to write next for a pool: one that can be appended to, else labelled scratch of
/// the pool, else a new one, else one whose retention has ended; the least worn of what is to be
/// labelled, else by barcode. Only what is in the library counts, and nothing that is `taken`. One with
/// data in an import/export element was ejected and gets no more.
#[must_use]
pub fn choose<'a>(
    candidates: &'a [Candidate],
    wanted: &Wanted,
    taken: &HashSet<Barcode>,
) -> Option<(&'a Candidate, Reason)> {
    candidates
        .iter()
        .filter(|candidate| !taken.contains(&candidate.cartridge.barcode))
        .filter(|candidate| {
            matches!(candidate.cartridge.place, Place::Element { library: place, .. } if place == wanted.library)
        })
        .filter_map(|candidate| suitability(candidate, wanted).ok().map(|reason| (candidate, reason)))
        .min_by_key(|(candidate, reason)| {
            // One that is being filled is filled before another one is begun.
            let wear = match reason {
                Reason::Appends => 0,
                Reason::LabelledScratch | Reason::Blank | Reason::Expired => {
                    candidate.wear / WEAR_STEP
                }
            };
            (*reason as u8, wear, candidate.cartridge.barcode.clone())
        })
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

/// Why a cartridge will not do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unsuitable {
    /// There is room on it, and what it holds is not to be mixed with this.
    Collocation(Box<Disagreement>),
    /// Anything else.
    Other,
}

/// What a cartridge would be used as.
///
/// # Errors
/// Why it will not do.
pub fn suitability(
    candidate: &Candidate,
    wanted: &Wanted,
) -> std::result::Result<Reason, Unsuitable> {
    if !matches!(
        candidate.cartridge.medium_use,
        MediumUse::Data | MediumUse::Worm
    ) {
        return Err(Unsuitable::Other);
    }
    let Some(volume) = &candidate.volume else {
        return Ok(Reason::Blank);
    };
    let of_pool = volume.pool == wanted.pool;
    match volume.content {
        // In a mail slot it is on its way out: a courier may have it in hand.
        ContentState::Filling if of_pool && !leaves(&candidate.cartridge.place) => {
            collocation::agrees(&wanted.collocate, &wanted.traits, &candidate.contents)
                .map_err(Unsuitable::Collocation)?;
            Ok(Reason::Appends)
        }
        ContentState::Scratch if of_pool => Ok(Reason::LabelledScratch),
        ContentState::Expired if !volume.worm && !candidate.is_kept => match volume.retain_until {
            Some(until) if wanted.now < until => Err(Unsuitable::Other),
            _ => Ok(Reason::Expired),
        },
        _ => Err(Unsuitable::Other),
    }
}
