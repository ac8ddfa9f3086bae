//! The plan of rotation from the record and the configuration.

mod facts;
mod rooms;
mod words;

use chrono::NaiveDate;

use crate::app::App;
use crate::error::{Error, Result};
use crate::rotation::{self, PlanError};

pub use words::{NamedLine, NamedPlan, NamedWarning};

/// What is planned for which library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// First day.
    pub from: NaiveDate,
    /// Last day.
    pub to: NaiveDate,
    /// The library that writes, by its name in the configuration; the only one without it.
    pub library: Option<String>,
}

/// Plans from the record as it is now; changes nothing.
///
/// # Errors
/// Usage errors where configuration or record ask for what must not be.
pub fn plan(app: &App, request: &Request) -> Result<NamedPlan> {
    let (snapshot, notes) = facts::snapshot(app, request)?;
    let plan =
        rotation::plan(&snapshot, request.from, request.to).map_err(|error| refused(&error))?;
    Ok(words::name(&snapshot, &plan, request, notes))
}

fn refused(error: &PlanError) -> Error {
    let hint = match error {
        PlanError::Stretch { .. } => "--from and --to are dates like 2026-12-01",
        PlanError::Together { .. } => {
            "name another place for one of its pools: place = \"CODE\" in its section of config.toml"
        }
        PlanError::NoCarrier { .. } => "set carrier of that place in config.toml",
        PlanError::Calendar { .. } | PlanError::Scheme { .. } | PlanError::Nonsense { .. } => {
            "change config.toml"
        }
    };
    Error::usage(error.to_string()).hint(hint)
}
