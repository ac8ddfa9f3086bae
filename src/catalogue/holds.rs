//! Holds: what must be kept whatever its retention says.

use chrono::{DateTime, Utc};
use rusqlite::{Row, named_params};
use serde::{Deserialize, Serialize};

use super::error::CatalogueError;
use super::sql::{Moment, moment};
use super::store::{Tx, View};
use crate::id::{SetDefinitionId, SetId};
use crate::journal::Actor;

/// What a hold is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldSubject {
    /// Every set of a definition, those to come too.
    Definition(SetDefinitionId),
    /// One set.
    Set(SetId),
}

impl HoldSubject {
    fn columns(self) -> (Option<SetDefinitionId>, Option<SetId>) {
        match self {
            Self::Definition(definition) => (Some(definition), None),
            Self::Set(set) => (None, Some(set)),
        }
    }
}

/// Whether something is to be kept from now on whatever its retention says, or no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldChange {
    /// The hold begins.
    Placed,
    /// It ends.
    Released,
}

/// A hold that was placed or released.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldEvent {
    /// On what.
    pub subject: HoldSubject,
    /// Which of the two.
    pub change: HoldChange,
    /// Why, in a person's words.
    pub reason: String,
    /// Who did it, and where.
    pub actor: Actor,
    /// When.
    pub at: DateTime<Utc>,
}

fn event(row: &Row<'_>) -> rusqlite::Result<HoldEvent> {
    let definition: Option<SetDefinitionId> = row.get("definition")?;
    let subject = match definition {
        Some(definition) => HoldSubject::Definition(definition),
        None => HoldSubject::Set(row.get("backup_set")?),
    };
    Ok(HoldEvent {
        subject,
        change: if row.get("held")? {
            HoldChange::Placed
        } else {
            HoldChange::Released
        },
        reason: row.get("reason")?,
        actor: Actor {
            person: row.get("person")?,
            account: None,
            station: row.get("station")?,
        },
        at: moment(row, "at")?,
    })
}

impl View<'_> {
    /// The hold on this very subject, if one is in force.
    pub fn hold_on(&self, subject: HoldSubject) -> Result<Option<HoldEvent>, CatalogueError> {
        let (definition, set) = subject.columns();
        let newest = self.find(
            "SELECT * FROM hold_event WHERE definition IS ?1 AND backup_set IS ?2
             ORDER BY id DESC LIMIT 1",
            (definition, set),
            event,
        )?;
        Ok(newest.filter(|event| event.change == HoldChange::Placed))
    }

    /// The hold that keeps a set: its own, else that of its definition.
    pub fn hold_of_set(
        &self,
        set: SetId,
        definition: SetDefinitionId,
    ) -> Result<Option<HoldEvent>, CatalogueError> {
        match self.hold_on(HoldSubject::Set(set))? {
            Some(own) => Ok(Some(own)),
            None => self.hold_of_definition(definition),
        }
    }

    /// The hold that is on all sets of a definition, be it on the one whose pattern found it.
    pub fn hold_of_definition(
        &self,
        definition: SetDefinitionId,
    ) -> Result<Option<HoldEvent>, CatalogueError> {
        let own = self.hold_on(HoldSubject::Definition(definition))?;
        if own.is_some() {
            return Ok(own);
        }
        let all = self.all_definitions()?;
        // One that a pattern found just now is not on record before its run begins.
        let known = all.into_iter().find(|known| known.id == definition);
        match known.and_then(|known| known.parent) {
            Some(parent) => self.hold_on(HoldSubject::Definition(parent)),
            None => Ok(None),
        }
    }

    /// Every hold that was ever placed on a definition or on one of its sets, or released there,
    /// oldest first.
    pub fn hold_history(
        &self,
        definition: SetDefinitionId,
    ) -> Result<Vec<HoldEvent>, CatalogueError> {
        self.all(
            "SELECT * FROM hold_event WHERE definition = ?1
                OR backup_set IN (SELECT id FROM backup_set WHERE backup_set.definition = ?1)
             ORDER BY id",
            [definition],
            event,
        )
    }
}

impl Tx<'_> {
    /// Records that a hold was placed or released.
    pub fn add_hold_event(&self, new: &HoldEvent) -> Result<(), CatalogueError> {
        let (definition, set) = new.subject.columns();
        self.execute(
            "INSERT INTO hold_event (definition, backup_set, held, reason, person, station, at)
             VALUES (:definition, :set, :held, :reason, :person, :station, :at)",
            named_params! {
                ":definition": definition,
                ":set": set,
                ":held": new.change == HoldChange::Placed,
                ":reason": new.reason,
                ":person": new.actor.person,
                ":station": new.actor.station,
                ":at": Moment(new.at),
            },
        )
        .map(|_| ())
    }
}
