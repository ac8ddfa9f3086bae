//! Who says that something happened, when it happened, and how it is known.

use chrono::{DateTime, TimeDelta, Utc};

use crate::app::App;
use crate::catalogue::{View, Witness};
use crate::error::{Error, Result};
use crate::id::PersonCode;

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
    /// The person, by badge.
    pub person: Option<PersonCode>,
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
            person: self.person.clone(),
            at,
            entered_at: now,
            witness,
            reason: self.reason.clone(),
        })
    }
}
