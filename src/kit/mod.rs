//! The recovery kit: what is where, which keys open it, and every command that brings it back
//! with `mt`, `dd`, `age`, `zstd` and `tar`, on paper and as files. It holds no private half.

mod commands;
mod contents;
mod export;
mod pages;
mod status;

use chrono::{DateTime, TimeDelta, Utc};

use crate::app::App;
use crate::catalogue::{KitForm, MadeKit};
use crate::error::{Context, Result};
use crate::journal::Event;
use crate::print::Paper;

pub use contents::{Contents, KitCartridge, KitCopy, KitKey, KitSet, Piece};
pub use export::export;
pub use status::{Status, outcome, status};

/// What is on a kit besides its contents.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Imprint {
    made_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    /// Lines about people, from the configuration.
    contacts: Vec<String>,
    /// Who made it, where.
    made_by: String,
}

impl Imprint {
    fn of(app: &App) -> Self {
        let made_at = app.clock.now();
        Self {
            made_at,
            expires_at: made_at + TimeDelta::days(app.config.kit.valid_days.into()),
            contacts: app.config.kit.contacts.clone(),
            made_by: format!("{} on {}", app.actor.person, app.actor.station),
        }
    }
}

/// Makes the kit as a PDF; `deliver` brings it where it belongs, and only then the record says
/// that there is one.
///
/// # Errors
/// What the record or `deliver` refuses.
pub fn print(
    app: &App,
    paper: Paper,
    deliver: impl FnOnce(&[u8]) -> Result<()>,
) -> Result<MadeKit> {
    let contents = contents::gather(app)?;
    let imprint = Imprint::of(app);
    let pdf = pages::pages(&contents, &imprint, paper)?;
    deliver(&pdf)?;
    record(app, &contents, &imprint, KitForm::Print)
}

fn record(app: &App, contents: &Contents, imprint: &Imprint, form: KitForm) -> Result<MadeKit> {
    let made = MadeKit {
        made_at: imprint.made_at,
        expires_at: imprint.expires_at,
        form,
        digest: contents.digest()?,
        outline: serde_json::to_value(contents.outline()).context("cannot record the kit")?,
    };
    app.write(|tx, now| {
        tx.add_kit(&made)?;
        app.note(
            tx,
            now,
            &Event::KitMade {
                form,
                digest: made.digest.to_string(),
                expires_at: made.expires_at,
            },
        )
    })?;
    Ok(made)
}
