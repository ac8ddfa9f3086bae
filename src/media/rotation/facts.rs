//! The snapshot a plan is made from.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Days, NaiveDate, Utc};

use super::Request;
use super::rooms::{self, Rooms};
use crate::app::App;
use crate::catalogue::{
    self, Cartridge, ContentState, CopyOnVolume, Generation, MoveReason, Movement, MovementState,
    SetCopyState, SetState, Source, View,
};
use crate::error::{Error, Result};
use crate::id::{CartridgeId, CopyNumber, ItemId, SetDefinitionId, SetId, VolumeId};
use crate::library::fitting;
use crate::rotation::{
    BackupSet, Content, Monthly, PlannedMove, Pool, PoolIndex, Protection, Rank, Recall, Scheme,
    Series, SeriesIndex, SetCopy, SetIndex, Snapshot, Stock, Volume, VolumeIndex, WorkingDay,
};

/// Everything that is read once.
struct Record<'a> {
    app: &'a App,
    view: &'a View<'a>,
    rooms: Rooms,
    pools: Vec<Pool>,
    pool_names: BTreeMap<String, PoolIndex>,
    series: Vec<Series>,
    definitions: BTreeMap<SetDefinitionId, SeriesIndex>,
    moves: BTreeMap<ItemId, Movement>,
    notes: Vec<String>,
}

/// The snapshot, and what had to be assumed.
pub(super) fn snapshot(app: &App, request: &Request) -> Result<(Snapshot, Vec<String>)> {
    app.catalogue.read(|view| {
        let rooms = rooms::rooms(app, view, request.library.as_deref())?;
        let moves = view.open_movements()?;
        let mut record = Record {
            app,
            view,
            rooms,
            pools: Vec::new(),
            pool_names: BTreeMap::new(),
            series: Vec::new(),
            definitions: BTreeMap::new(),
            moves: moves
                .into_iter()
                .map(|movement| (movement.item, movement))
                .collect(),
            notes: Vec::new(),
        };
        record.read_series()?;
        record.snapshot(request)
    })
}

impl Record<'_> {
    fn snapshot(mut self, request: &Request) -> Result<(Snapshot, Vec<String>)> {
        let site = rooms::site(self.app)?;
        let (volumes, positions) = self.volumes(request.from)?;
        let (sets, copies) = self.sets(&positions, &volumes, &site)?;
        self.count_others()?;
        let writable = self.writable(&volumes)?;
        let stock = self.stock(&volumes);
        let snapshot = Snapshot {
            site,
            library: self.rooms.library,
            writable,
            places: self.rooms.places,
            carriers: self.rooms.carriers,
            pools: self.pools,
            series: self.series,
            sets,
            copies,
            volumes,
            late: Vec::new(),
            stock,
            acclimatisation_days: self.rooms.acclimatisation_days,
        };
        Ok((snapshot, self.notes))
    }

    /// The pool of a name, with its scheme: once a month where it names none.
    fn pool(&mut self, name: &catalogue::PoolName) -> PoolIndex {
        if let Some(known) = self.pool_names.get(name.as_str()) {
            return *known;
        }
        let config = self.app.config.pool(name);
        let (scheme, retention_days) = match config.rotation {
            Some(scheme) => (scheme, config.retention_days),
            None => {
                let monthly = Monthly {
                    keep_months: 12,
                    day: 1,
                };
                let days = self.app.config.retention_days(name);
                (Scheme::Monthly(monthly), Some(days))
            }
        };
        let keep_at = config.place.and_then(|code| self.rooms.kept(&code));
        let index = PoolIndex::new(self.pools.len());
        self.pools.push(Pool {
            name: name.as_str().to_owned(),
            scheme,
            keep_at: keep_at.unwrap_or(self.rooms.library),
            retention_days,
        });
        self.pool_names.insert(name.as_str().to_owned(), index);
        index
    }

    fn read_series(&mut self) -> Result<()> {
        let bytes = self.view.newest_set_bytes()?;
        for definition in self.view.definitions()? {
            // What a pattern finds is defined by itself.
            if matches!(definition.source, Source::Pattern(_)) {
                continue;
            }
            let own: Vec<catalogue::PoolName> = definition
                .copies
                .iter()
                .map(|copy| copy.1.clone())
                .collect();
            let names = if own.is_empty() {
                let monthly = self.app.config.monthly.copies.iter();
                monthly
                    .map(|name| {
                        name.parse()
                            .map_err(|error| Error::usage(format!("{error}")))
                    })
                    .collect::<Result<Vec<_>>>()?
            } else {
                own
            };
            let copies = names.iter().map(|name| self.pool(name)).collect();
            let known = bytes
                .get(&definition.id)
                .copied()
                .filter(|bytes| *bytes > 0);
            if known.is_none() {
                self.notes.push(format!(
                    "{} was never written: one cartridge for each copy is assumed",
                    definition.name
                ));
            }
            let index = SeriesIndex::new(self.series.len());
            self.definitions.insert(definition.id, index);
            self.series.push(Series {
                held: self.view.hold_of_definition(definition.id)?.is_some(),
                name: definition.name,
                copies,
                bytes: known.unwrap_or(0),
                retention_days: definition.retention_days,
                // A job encrypts whatever it writes.
                protection: Protection::Encrypted,
            });
        }
        Ok(())
    }

    fn volumes(
        &mut self,
        from: NaiveDate,
    ) -> Result<(Vec<Volume>, BTreeMap<VolumeId, VolumeIndex>)> {
        let of_cartridges: BTreeMap<CartridgeId, catalogue::Volume> = self
            .view
            .volumes()?
            .into_iter()
            .map(|volume| (volume.cartridge, volume))
            .collect();
        let bytes = self.view.bytes_on_volumes()?;
        let written = self.view.last_written()?;
        let mounts = self.view.mounts()?;
        let outside = self.view.last_outside()?;
        let recalled = self.view.recalled_items()?;
        let in_clear = self.in_clear()?;
        let mut out_of_use = self.view.quarantined_cartridges()?;
        out_of_use.extend(self.view.foreign_tapes()?.iter().map(|tape| tape.cartridge));
        let mut volumes = Vec::new();
        let mut positions = BTreeMap::new();
        for cartridge in self.view.cartridges()? {
            let on = of_cartridges.get(&cartridge.id);
            let item = ItemId::from(cartridge.id);
            let mut content = on.map_or(Content::Scratch, |volume| content(volume.content));
            if out_of_use.contains(&cartridge.id) {
                content = Content::OutOfUse;
            }
            let capacity = on.map_or(cartridge.generation.native_capacity(), |on| on.capacity);
            let used = on.and_then(|on| bytes.get(&on.id)).copied().unwrap_or(0);
            let remaining = match content {
                Content::Scratch => capacity,
                Content::Filling => capacity.saturating_sub(used),
                Content::Full | Content::Expired | Content::OutOfUse => 0,
            };
            if let Some(on) = on {
                positions.insert(on.id, VolumeIndex::new(volumes.len()));
            }
            let (place, planned, mut recall) = self.movement(&cartridge);
            if recall.is_none()
                && planned.is_none()
                && let Some(back) = recalled.get(&item)
            {
                let wanted = from;
                recall = Some(Recall {
                    wanted,
                    back: *back,
                });
            }
            let pool = on.map(|on| self.pool(&on.pool));
            volumes.push(Volume {
                barcode: cartridge.barcode.as_str().to_owned(),
                generation: cartridge.generation,
                medium_use: cartridge.medium_use,
                content,
                pool,
                capacity,
                remaining,
                wear: mounts.get(&cartridge.id).copied().unwrap_or(0),
                place,
                since: outside.get(&item).map_or_else(
                    || from.checked_sub_days(Days::new(365)).unwrap_or(from),
                    DateTime::date_naive,
                ),
                written: on
                    .and_then(|on| written.get(&on.id))
                    .map(DateTime::date_naive),
                protection: match on.is_some_and(|on| in_clear.contains(&on.id)) {
                    false => Protection::Encrypted,
                    true if self.is_exempt(cartridge.id) => Protection::Excepted,
                    true => Protection::Plain,
                },
                planned,
                recall,
            });
        }
        let largest = self.buys(&volumes).native_capacity();
        for series in self.series.iter_mut().filter(|series| series.bytes == 0) {
            series.bytes = largest;
        }
        Ok((volumes, positions))
    }

    /// Where a cartridge is for the plan, and what is planned with it.
    fn movement(
        &self,
        cartridge: &Cartridge,
    ) -> (
        Option<crate::rotation::PlaceIndex>,
        Option<PlannedMove>,
        Option<Recall>,
    ) {
        let here = self.rooms.of(&cartridge.place);
        let Some(movement) = self.moves.get(&ItemId::from(cartridge.id)) else {
            return (here, None, None);
        };
        let to = self.rooms.of(&movement.destination);
        if movement.state == MovementState::InTransit {
            let recall = Recall {
                wanted: movement.due,
                back: movement.return_on,
            };
            let recall = Some(recall).filter(|_| movement.reason == MoveReason::Recall);
            return (to, None, recall);
        }
        match (movement.reason, to) {
            (MoveReason::Recall, _) => {
                let recall = Recall {
                    wanted: movement.due,
                    back: movement.return_on,
                };
                (here, None, Some(recall))
            }
            (_, Some(to)) => {
                let on = movement.due;
                (here, Some(PlannedMove { to, on }), None)
            }
            (_, None) => (here, None, None),
        }
    }

    fn sets(
        &mut self,
        positions: &BTreeMap<VolumeId, VolumeIndex>,
        volumes: &[Volume],
        site: &crate::rotation::Calendar,
    ) -> Result<(Vec<BackupSet>, Vec<SetCopy>)> {
        let rows = self.view.copies_on_volumes()?;
        let wanted: BTreeSet<SetId> = rows.iter().map(|row| row.set).collect();
        let mut by_copy: BTreeMap<(SetId, CopyNumber), Vec<&CopyOnVolume>> = BTreeMap::new();
        for row in &rows {
            by_copy.entry((row.set, row.copy)).or_default().push(row);
        }
        let mut sets = Vec::new();
        let mut copies = Vec::new();
        for set in self.view.sets()? {
            if !wanted.contains(&set.id) {
                continue;
            }
            let index = SetIndex::new(sets.len());
            let all = self.view.set_copies(set.id)?;
            let held = self.view.hold_of_set(set.id, set.definition)?.is_some();
            sets.push(BackupSet {
                series: self.definitions.get(&set.definition).copied(),
                date: set.started_at.date_naive(),
                // What is still written or completed is kept until that is settled.
                held: held || matches!(set.state, SetState::Open | SetState::Sealed),
                protection: if set.recipients.is_empty() {
                    Protection::Plain
                } else {
                    Protection::Encrypted
                },
            });
            for copy in &all {
                let Some(rows) = by_copy.get(&(set.id, copy.copy)) else {
                    continue;
                };
                let pool = self.pool(&copy.pool);
                let on: Vec<VolumeIndex> = rows
                    .iter()
                    .filter_map(|row| positions.get(&row.volume))
                    .copied()
                    .collect();
                let facts = &self.pools[pool.at()];
                let keep_at = Some(facts.keep_at);
                let there = on
                    .iter()
                    .all(|volume| volumes[volume.at()].place == keep_at);
                copies.push(SetCopy {
                    set: index,
                    pool,
                    rank: rank(&facts.scheme, set.started_at.date_naive(), site),
                    until: day_from(until(copy, &all, set.retain_until)),
                    complete: is_whole(copy.state),
                    arrived: there && !on.is_empty(),
                    volumes: on,
                });
            }
        }
        Ok((sets, copies))
    }

    /// Volumes with something on them that is not encrypted.
    fn in_clear(&self) -> Result<BTreeSet<VolumeId>> {
        let sets = self.view.sets()?.into_iter();
        let plain: BTreeSet<SetId> = sets
            .filter(|set| set.recipients.is_empty())
            .map(|set| set.id)
            .collect();
        let rows = self.view.sets_on_volumes()?.into_iter();
        let on = rows.filter(|(set, _)| plain.contains(set));
        Ok(on.map(|(_, volume)| volume).collect())
    }

    /// Whether somebody has allowed a cartridge to leave unencrypted.
    fn is_exempt(&self, cartridge: CartridgeId) -> bool {
        let movement = self.moves.get(&ItemId::from(cartridge));
        movement.is_some_and(|movement| movement.exempt.is_some())
    }

    /// Things that lie where cartridges could.
    fn count_others(&mut self) -> Result<()> {
        for thing in self.view.things()? {
            if thing.kind.holds_data()
                && let Some(place) = self.rooms.of(&thing.place)
            {
                self.rooms.occupy(place);
            }
        }
        Ok(())
    }

    /// Generations of which a drive on record writes a cartridge on record; all where no drive is known.
    fn writable(&self, volumes: &[Volume]) -> Result<Vec<Generation>> {
        let drives = self.view.drives()?;
        let writes = |volume: &&Volume| {
            let Ok(barcode) = volume.barcode.parse() else {
                return true;
            };
            drives.is_empty()
                || drives
                    .iter()
                    .any(|drive| fitting::writes(&drive.product, &barcode))
        };
        let found: BTreeSet<Generation> = volumes
            .iter()
            .filter(writes)
            .map(|volume| volume.generation)
            .collect();
        Ok(found.into_iter().collect())
    }

    /// What is bought: as configured, else what most cartridges are.
    fn buys(&self, volumes: &[Volume]) -> Generation {
        let mut counted: BTreeMap<Generation, usize> = BTreeMap::new();
        for volume in volumes
            .iter()
            .filter(|volume| volume.medium_use.holds_data())
        {
            *counted.entry(volume.generation).or_default() += 1;
        }
        let most = counted.into_iter().max_by_key(|(_, count)| *count);
        let most = most.map_or(Generation::Unknown, |(generation, _)| generation);
        self.app.config.rotation.buy.unwrap_or(most)
    }

    fn stock(&self, volumes: &[Volume]) -> Stock {
        let config = &self.app.config.rotation;
        let generation = self.buys(volumes);
        Stock {
            minimum: config.minimum_scratch,
            lead_days: config.lead_days,
            generation,
            capacity: generation.native_capacity(),
            ordered: Vec::new(),
        }
    }
}

fn content(state: ContentState) -> Content {
    match state {
        ContentState::Scratch => Content::Scratch,
        ContentState::Filling => Content::Filling,
        ContentState::Full | ContentState::Held => Content::Full,
        ContentState::Expired => Content::Expired,
        ContentState::Quarantined | ContentState::Retired | ContentState::Destroyed => {
            Content::OutOfUse
        }
    }
}

fn is_whole(state: SetCopyState) -> bool {
    matches!(state, SetCopyState::Complete | SetCopyState::Verified)
}

/// How long a copy is kept: as long as its set, unless a verified copy is kept longer.
fn until(
    copy: &catalogue::SetCopy,
    all: &[catalogue::SetCopy],
    set_until: DateTime<Utc>,
) -> DateTime<Utc> {
    let stands_in = |other: &catalogue::SetCopy| {
        other.copy != copy.copy
            && other.state == SetCopyState::Verified
            && other.retain_until > copy.retain_until
    };
    if all.iter().any(stands_in) {
        copy.retain_until
    } else {
        copy.retain_until.max(set_until)
    }
}

/// The first whole day on which something may go.
fn day_from(until: DateTime<Utc>) -> NaiveDate {
    let day = until.date_naive();
    if until.time() == chrono::NaiveTime::MIN {
        day
    } else {
        day.succ_opt().unwrap_or(day)
    }
}

/// What the scheme makes of a set of a day; of one that it would not have written, a month's.
fn rank(scheme: &Scheme, date: NaiveDate, site: &crate::rotation::Calendar) -> Rank {
    let before = site.open_before(date).and_then(|day| day.succ_opt());
    let since = before.unwrap_or(date);
    scheme
        .rank(WorkingDay { date, since })
        .unwrap_or(Rank::Monthly)
}
