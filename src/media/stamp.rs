//! Who says that something happened, when it happened, and how it is known.

use chrono::{DateTime, TimeDelta, Utc};

use crate::app::App;
use crate::catalogue::{Tx, View, Witness};
use crate::error::{Error, Result};
use crate::id::PersonCode;
use crate::journal::{self, Actor, Event};

/// How far a clock may be ahead of ours.
const AHEAD: TimeDelta = TimeDelta::minutes(5);

/// Who says that something happened, and when, as given on the command line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// The person whose hands it were, by badge; the operating system user alone without it.
    pub person: Option<PersonCode>,
    /// When it happened; now without it.
    pub at: Option<DateTime<Utc>>,
    /// Why, in words.
    pub reason: Option<String>,
}

/// The same, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// Who the journal names: the person with the account, and the station.
    pub actor: Actor,
    /// The person by badge, else the operating system user: who answers for it.
    pub by: String,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// When it is recorded.
    pub entered_at: DateTime<Utc>,
    /// How it is known.
    pub witness: Witness,
    /// Why, in words.
    pub reason: Option<String>,
}

impl Stamp {
    /// Whether it is entered later than it happened.
    #[must_use]
    pub fn is_late(&self) -> bool {
        self.at < self.entered_at
    }

    /// When it happened, where that is not when it is recorded.
    #[must_use]
    pub fn happened_at(&self) -> Option<DateTime<Utc>> {
        self.is_late().then_some(self.at)
    }

    /// Adds a journal entry in the name of whoever answers for it.
    ///
    /// # Errors
    /// The record cannot be written.
    pub fn note(&self, tx: &Tx<'_>, event: &Event) -> Result<()> {
        journal::append(tx, self.entered_at, &self.actor, event)?;
        Ok(())
    }

    /// The day it happened.
    #[must_use]
    pub fn day(&self) -> chrono::NaiveDate {
        self.at.date_naive()
    }
}

impl Said {
    /// Checks what was said.
    ///
    /// # Errors
    /// A person who is not known or has left; a time in the future.
    pub fn stamp(&self, app: &App, view: &View<'_>, witness: Witness) -> Result<Stamp> {
        let now = app.clock.now();
        if let Some(code) = &self.person {
            let person = view.person(code)?.ok_or_else(|| {
                Error::usage(format!("nobody has the badge {code}"))
                    .hint("\"tapeward person list\" shows all of them")
            })?;
            if person.closed_at.is_some() {
                return Err(Error::usage(format!("{} ({code}) has left", person.name)));
            }
        }
        let at = match self.at {
            Some(at) if at > now + AHEAD => {
                return Err(Error::usage(format!(
                    "{} is in the future, it is {} now",
                    at.format("%Y-%m-%d %H:%M"),
                    now.format("%Y-%m-%d %H:%M")
                )));
            }
            Some(at) => at.min(now),
            None => now,
        };
        Ok(Stamp {
            by: self
                .person
                .as_ref()
                .map_or_else(|| app.actor.person.clone(), ToString::to_string),
            actor: match &self.person {
                Some(person) => Actor {
                    person: person.to_string(),
                    account: Some(app.actor.person.clone()),
                    station: app.actor.station.clone(),
                },
                None => app.actor.clone(),
            },
            at,
            entered_at: now,
            witness,
            reason: self.reason.clone(),
        })
    }
}
