//! What is looked at and put on record before a run begins.

use chrono::{DateTime, Utc};

use super::chosen::as_new;
use crate::app::App;
use crate::catalogue::{SetDefinition, Source, Tx};
use crate::error::Result;
use crate::id::SetDefinitionId;
use crate::journal::Event as JournalEvent;

/// Before a run is begun: folders are there, and programs that are sources.
pub(super) fn can_be_read(definitions: &[SetDefinition]) -> Result<()> {
    for definition in definitions {
        match &definition.source {
            // A command may be what puts the folder there.
            Source::Folder(folder) if definition.commands.before.is_none() => {
                crate::set::readable_folder(folder)?;
            }
            Source::Command(source) => crate::source::is_there(&source.command)?,
            Source::Folder(_) | Source::Pattern(_) => {}
        }
    }
    Ok(())
}

/// What patterns found goes on record, and what they do not find any more out of use.
pub(super) fn save_found(
    app: &App,
    tx: &Tx<'_>,
    definitions: &[SetDefinition],
    gone: &[SetDefinitionId],
    now: DateTime<Utc>,
) -> Result<()> {
    for found in definitions.iter().filter(|one| one.parent.is_some()) {
        tx.save_definition(found.id, &as_new(found.clone()), now)?;
        let event = JournalEvent::DefinitionSaved {
            definition: found.id,
            name: found.name.clone(),
            source: found.source.to_string(),
        };
        app.note(tx, now, &event)?;
    }
    for definition in gone.iter().copied() {
        tx.retire_definition(definition, now)?;
        let event = JournalEvent::DefinitionRetired { definition };
        app.note(tx, now, &event)?;
    }
    Ok(())
}
