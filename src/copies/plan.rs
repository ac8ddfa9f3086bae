//! What the open tasks come to: what is read from where, what is written to which pool, how many
//! cartridges that takes, and about how long.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::source;
use crate::app::App;
use crate::catalogue::{
    ContentState, CopyTask, Generation, MediumUse, Month, Place, PoolName, View,
};
use crate::error::{Error, Result};
use crate::id::{Barcode, LibraryId, TaskId, VolumeId};
use crate::media::reconcile::place_words;
use crate::restore::Figures;

/// What would be done.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    /// The tasks, those that are due first before the others.
    pub tasks: Vec<PlannedTask>,
    /// What is written to each pool.
    pub pools: Vec<PlannedPool>,
    /// Cartridges that have to be brought, with their places.
    pub bring: Vec<(Barcode, String)>,
    /// Bytes to copy.
    pub bytes: u64,
    /// About how long it takes, reading back included, without the time to bring cartridges.
    pub seconds: u64,
}

/// A task of a plan.
#[derive(Debug, Clone, Serialize)]
pub struct PlannedTask {
    /// The task.
    #[serde(flatten)]
    pub task: CopyTask,
    /// What its set is a set of.
    pub name: String,
    /// The month of the set.
    pub month: Month,
    /// The cartridge that is to hold none of it any more.
    pub barcode: Option<Barcode>,
    /// The pool written to.
    pub target: PoolName,
    /// Segments still to be copied.
    pub segments: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Where they are read.
    pub sources: Vec<Source>,
    /// Segments that are on no tape that can be read.
    pub unreadable: usize,
}

/// A cartridge that is read.
#[derive(Debug, Clone, Serialize)]
pub struct Source {
    /// Its barcode.
    pub barcode: Barcode,
    /// Where it is, in words.
    pub place: String,
    /// Whether it has to be brought first.
    pub bring: bool,
    /// Segments read from it.
    pub segments: usize,
    /// Bytes read from it.
    pub bytes: u64,
    #[serde(skip)]
    generation: Generation,
}

/// What is written to a pool.
#[derive(Debug, Clone, Serialize)]
pub struct PlannedPool {
    /// The pool.
    pub pool: PoolName,
    /// Bytes.
    pub bytes: u64,
    /// Scratch cartridges it takes, beyond the room on volumes of the pool in the library.
    pub cartridges: u64,
}

/// The tasks somebody means: these, or all that are open.
pub fn chosen(view: &View<'_>, ids: &[TaskId]) -> Result<Vec<CopyTask>> {
    let open = view.open_copy_tasks()?;
    if ids.is_empty() {
        return Ok(open);
    }
    for id in ids {
        if open.iter().all(|task| task.id != *id) {
            let task = view.copy_task(*id)?;
            return Err(Error::usage(format!("task {id} is {}", task.state))
                .hint("\"tapeward copy list\" shows what is open"));
        }
    }
    Ok(open
        .into_iter()
        .filter(|task| ids.contains(&task.id))
        .collect())
}

/// Plans tasks.
pub fn plan(app: &App, ids: &[TaskId], library: Option<LibraryId>, drives: usize) -> Result<Plan> {
    app.catalogue.read(|view| {
        let tasks = chosen(view, ids)?
            .into_iter()
            .map(|task| planned(view, task, library))
            .collect::<Result<Vec<_>>>()?;
        let pools = pools(view, &tasks)?;
        let mut bring = BTreeMap::new();
        for source in tasks.iter().flat_map(|task| &task.sources) {
            if source.bring {
                bring.insert(source.barcode.clone(), source.place.clone());
            }
        }
        Ok(Plan {
            bytes: tasks.iter().map(|task| task.bytes).sum(),
            seconds: seconds(&tasks, drives),
            pools,
            bring: bring.into_iter().collect(),
            tasks,
        })
    })
}

fn planned(view: &View<'_>, task: CopyTask, library: Option<LibraryId>) -> Result<PlannedTask> {
    let set = view.set(task.set)?;
    let lacking = source::lacking(view, task.set, task.copy, task.volume)?;
    let best = source::best(view, library, task.set, task.volume, &BTreeSet::new())?;
    let (mut bytes, mut unreadable) = (0, 0);
    let mut sources: Vec<Source> = Vec::new();
    for number in &lacking {
        let length = view.segment(task.set, *number)?.coded_length;
        bytes += length;
        let Some(copy) = best.get(number) else {
            unreadable += 1;
            continue;
        };
        let cartridge = view.cartridge(view.volume(copy.volume)?.cartridge)?;
        match sources
            .iter_mut()
            .find(|one| one.barcode == cartridge.barcode)
        {
            Some(known) => {
                known.segments += 1;
                known.bytes += length;
            }
            None => sources.push(Source {
                place: place_words(view, &cartridge.place)?,
                bring: !matches!(cartridge.place, Place::Element { library: place, .. }
                    if library.is_none_or(|here| here == place)),
                generation: cartridge.generation,
                barcode: cartridge.barcode,
                segments: 1,
                bytes: length,
            }),
        }
    }
    let target = target(view, &task)?;
    Ok(PlannedTask {
        name: view.definition(set.definition)?.name,
        month: set.month,
        barcode: barcode_of(view, task.volume)?,
        target,
        segments: lacking.len(),
        bytes,
        sources,
        unreadable,
        task,
    })
}

/// The pool a task writes to.
pub fn target(view: &View<'_>, task: &CopyTask) -> Result<PoolName> {
    if let Some(pool) = &task.pool {
        return Ok(pool.clone());
    }
    let copies = view.set_copies(task.set)?;
    let own = copies.into_iter().find(|copy| copy.copy == task.copy);
    own.map(|copy| copy.pool)
        .ok_or_else(|| Error::failed(format!("set {} has no copy {}", task.set, task.copy)))
}

/// The cartridge of a volume.
pub fn barcode_of(view: &View<'_>, volume: Option<VolumeId>) -> Result<Option<Barcode>> {
    let Some(volume) = volume else {
        return Ok(None);
    };
    Ok(Some(
        view.cartridge(view.volume(volume)?.cartridge)?.barcode,
    ))
}

fn pools(view: &View<'_>, tasks: &[PlannedTask]) -> Result<Vec<PlannedPool>> {
    let mut bytes: BTreeMap<&PoolName, u64> = BTreeMap::new();
    for task in tasks {
        *bytes.entry(&task.target).or_default() += task.bytes;
    }
    let leaving: BTreeSet<VolumeId> = tasks.iter().filter_map(|task| task.task.volume).collect();
    let volumes = view.volumes()?;
    let scratch = scratch_capacity(view)?;
    bytes
        .into_iter()
        .map(|(pool, bytes)| {
            let of_pool = volumes.iter().filter(|volume| volume.pool == *pool);
            let mut room = 0;
            let mut capacity = None;
            for volume in of_pool {
                capacity = capacity.max(Some(volume.capacity));
                let here = matches!(
                    view.cartridge(volume.cartridge)?.place,
                    Place::Element { .. }
                );
                if here && volume.content == ContentState::Filling && !leaving.contains(&volume.id)
                {
                    room += volume.capacity.saturating_sub(view.bytes_on(volume.id)?);
                }
            }
            let capacity = capacity.unwrap_or(scratch).max(1);
            Ok(PlannedPool {
                pool: pool.clone(),
                bytes,
                cartridges: bytes.saturating_sub(room).div_ceil(capacity),
            })
        })
        .collect()
}

/// What a scratch cartridge holds, going by their labels.
fn scratch_capacity(view: &View<'_>) -> Result<u64> {
    let mut smallest = None;
    for cartridge in view.cartridges()? {
        let data = matches!(cartridge.medium_use, MediumUse::Data | MediumUse::Worm);
        if data && view.volume_on(cartridge.id)?.is_none() {
            let holds = cartridge.generation.native_capacity();
            smallest = Some(smallest.map_or(holds, |other: u64| other.min(holds)));
        }
    }
    Ok(smallest.unwrap_or_else(|| Generation::Unknown.native_capacity()))
}

/// Reading while writing where there are two drives, one after the other where there is one; then
/// reading back.
fn seconds(tasks: &[PlannedTask], drives: usize) -> u64 {
    tasks
        .iter()
        .flat_map(|task| &task.sources)
        .map(|source| {
            let once = Figures::of(source.generation).whole(source.bytes);
            if drives > 1 { 2 * once } else { 3 * once }
        })
        .sum()
}
