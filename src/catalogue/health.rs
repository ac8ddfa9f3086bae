//! What mounts showed, and who was taken out of use for it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use rusqlite::{Row, named_params};

use super::error::CatalogueError;
use super::sql::{Json, Moment, moment, text_column};
use super::store::{Tx, View};
use crate::health::blame::Unit;
use crate::health::{Decided, DriveSerial, Observation, Snapshot, Verdict};
use crate::id::{CartridgeId, RunId};

text_column!(DriveSerial, Verdict);

/// A decision about a drive or cartridge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthDecision {
    /// About whom.
    pub unit: Unit,
    /// What.
    pub verdict: Verdict,
    /// By whom.
    pub by: DecidedBy,
    /// Why, in words.
    pub reason: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// Who decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecidedBy {
    /// The rule for what the standard calls critical.
    Rule,
    /// A person; the journal knows who.
    Person,
}

fn observation(row: &Row<'_>) -> rusqlite::Result<Observation> {
    Ok(Observation {
        cartridge: row.get("cartridge")?,
        drive: row.get("drive")?,
        model: row.get("model")?,
        at: moment(row, "at")?,
        usage: row.get::<_, Json<_>>("usage")?.0,
    })
}

fn decided(row: &Row<'_>) -> rusqlite::Result<(Unit, Decided)> {
    let cartridge: Option<CartridgeId> = row.get("cartridge")?;
    let unit = match cartridge {
        Some(cartridge) => Unit::Cartridge(cartridge),
        None => Unit::Drive(row.get("drive")?),
    };
    Ok((
        unit,
        Decided {
            verdict: row.get("verdict")?,
            at: moment(row, "at")?,
        },
    ))
}

impl View<'_> {
    /// Everything health is judged from: mounts since `oldest`, all decisions.
    pub fn health(&self, oldest: DateTime<Utc>) -> Result<Snapshot, CatalogueError> {
        let observations = self.all(
            "SELECT cartridge, drive, model, at, usage FROM mount_observation
             WHERE at >= ?1 ORDER BY at, id",
            [Moment(oldest)],
            observation,
        )?;
        let (drives, cartridges) = self.health_decisions()?;
        Ok(Snapshot {
            observations,
            drives,
            cartridges,
        })
    }

    /// Cartridges that are out of use for their health.
    pub fn quarantined_cartridges(&self) -> Result<BTreeSet<CartridgeId>, CatalogueError> {
        Ok(quarantined(self.health_decisions()?.1))
    }

    /// Drives that are out of use for their health.
    pub fn quarantined_drives(&self) -> Result<BTreeSet<DriveSerial>, CatalogueError> {
        Ok(quarantined(self.health_decisions()?.0))
    }

    /// The newest decision about each drive and each cartridge.
    #[allow(clippy::type_complexity)] // two maps of the same kind
    fn health_decisions(
        &self,
    ) -> Result<
        (
            BTreeMap<DriveSerial, Decided>,
            BTreeMap<CartridgeId, Decided>,
        ),
        CatalogueError,
    > {
        let rows = self.all(
            "SELECT cartridge, drive, verdict, at FROM health_decision ORDER BY id",
            [],
            decided,
        )?;
        let (mut drives, mut cartridges) = (BTreeMap::new(), BTreeMap::new());
        for (unit, decided) in rows {
            match unit {
                Unit::Drive(drive) => drives.insert(drive, decided),
                Unit::Cartridge(cartridge) => cartridges.insert(cartridge, decided),
            };
        }
        Ok((drives, cartridges))
    }

    /// Whether a drive with this serial number is on record.
    pub fn knows_drive(&self, drive: &DriveSerial) -> Result<bool, CatalogueError> {
        self.one(
            "SELECT EXISTS (SELECT 1 FROM drive WHERE serial = ?1)",
            [drive],
            |row| row.get(0),
        )
    }
}

fn quarantined<K: Ord>(decisions: BTreeMap<K, Decided>) -> BTreeSet<K> {
    decisions
        .into_iter()
        .filter(|(_, decided)| decided.verdict == Verdict::Quarantined)
        .map(|(unit, _)| unit)
        .collect()
}

impl Tx<'_> {
    /// Keeps what a mount showed. The drive is on record.
    pub fn add_observation(
        &self,
        observation: &Observation,
        run: Option<RunId>,
    ) -> Result<(), CatalogueError> {
        self.execute(
            "INSERT INTO mount_observation (cartridge, drive, model, run, at, usage)
             VALUES (:cartridge, :drive, :model, :run, :at, :usage)",
            named_params! {
                ":cartridge": observation.cartridge,
                ":drive": observation.drive,
                ":model": observation.model,
                ":run": run,
                ":at": Moment(observation.at),
                ":usage": Json(&observation.usage),
            },
        )
        .map(|_| ())
    }

    /// Keeps a decision.
    pub fn add_health_decision(&self, decision: &HealthDecision) -> Result<(), CatalogueError> {
        let (cartridge, drive) = match &decision.unit {
            Unit::Cartridge(cartridge) => (Some(*cartridge), None),
            Unit::Drive(drive) => (None, Some(drive)),
        };
        self.execute(
            "INSERT INTO health_decision (cartridge, drive, verdict, automatic, reason, at)
             VALUES (:cartridge, :drive, :verdict, :automatic, :reason, :at)",
            named_params! {
                ":cartridge": cartridge,
                ":drive": drive,
                ":verdict": decision.verdict,
                ":automatic": decision.by == DecidedBy::Rule,
                ":reason": decision.reason,
                ":at": Moment(decision.at),
            },
        )
        .map(|_| ())
    }
}
