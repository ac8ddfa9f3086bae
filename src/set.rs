//! Set definitions: what is backed up.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use chrono::{DateTime, Utc};

use crate::app::App;
use crate::appliance::Pattern;
use crate::catalogue::{
    BackupSet, CommandSource, Commands, Compression, Encryption, HoldSubject, NewDefinition,
    PoolName, SetDefinition, SetState, Source, View,
};
use crate::error::{Context, Error, Result};
use crate::id::{CopyNumber, KeyId, SetDefinitionId, SetId};
use crate::journal::Event;
use crate::retention;
use crate::source::{is_there, spool_folder};

/// What a person says about a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// Unique name.
    pub name: String,
    /// What to back up.
    pub source: Source,
    /// Commands before and after.
    pub commands: Commands,
    /// Paths to leave out, below the source or absolute.
    pub excludes: Vec<PathBuf>,
    /// Compression before encryption.
    pub compression: Compression,
    /// Who encrypts.
    pub encryption: Encryption,
    /// Where, for whom and how long its sets are kept.
    pub terms: Terms,
}

/// Where, for whom and how long sets are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Terms {
    /// The pool of each copy; none: those of the monthly job.
    pub copies: Vec<PoolName>,
    /// Days they are kept, in whichever pool; none: as their pools say.
    pub retention_days: Option<u32>,
    /// Names of the keys they are encrypted to; none: those of their pools.
    pub keys: Vec<String>,
    /// Whose data it is.
    pub agency: Option<String>,
    /// Why they are held from the first on.
    pub hold: Option<String>,
}

/// Most copies of a set.
const MOST_COPIES: usize = 9;

/// Records a definition, or changes the one of that name.
///
/// # Errors
/// A name nobody could type, a source that is no readable folder, an exclude outside of it.
pub fn define(app: &App, wanted: &Definition) -> Result<SetDefinitionId> {
    let name = &wanted.name;
    if name.trim() != name || name.is_empty() || name.chars().any(char::is_control) {
        return Err(Error::usage(format!(
            "{name:?} cannot be the name of a set"
        )));
    }
    if name.parse::<SetId>().is_ok() {
        return Err(
            Error::usage(format!("\"{name}\" looks like the id of a set"))
                .hint("choose a name people recognise"),
        );
    }
    let (source, excludes) = checked(wanted)?;
    for command in [&wanted.commands.before, &wanted.commands.after] {
        command.as_ref().map_or(Ok(()), is_there)?;
    }
    let terms = &wanted.terms;
    let copies = numbered(&terms.copies)?;
    let agency = terms.agency.as_deref().map(agency).transpose()?;
    app.write(|tx, now| {
        let recipients = recipients(tx, &terms.keys)?;
        let id = tx.save_definition(
            SetDefinitionId::generate(now),
            &NewDefinition {
                name: name.clone(),
                source: source.clone(),
                commands: wanted.commands.clone(),
                parent: None,
                excludes,
                compression: wanted.compression,
                encryption: wanted.encryption,
                copies: copies.clone(),
                retention_days: terms.retention_days,
                recipients,
                agency: agency.map(str::to_owned),
            },
            now,
        )?;
        app.note(
            tx,
            now,
            &Event::DefinitionSaved {
                definition: id,
                name: name.clone(),
                source: source.to_string(),
            },
        )?;
        if let Some(reason) = &terms.hold {
            retention::place(app, tx, now, HoldSubject::Definition(id), reason)?;
            retention::review(app, tx, now)?;
        }
        Ok(id)
    })
}

/// The source as it is recorded, and what is left out of it.
fn checked(wanted: &Definition) -> Result<(Source, Vec<PathBuf>)> {
    let (source, root) = match &wanted.source {
        // A command may be what puts the folder there.
        Source::Folder(path) if wanted.commands.before.is_some() && path.is_absolute() => {
            (wanted.source.clone(), path.clone())
        }
        Source::Folder(path) => {
            let folder = readable_folder(path)?;
            (Source::Folder(folder.clone()), folder)
        }
        Source::Command(source) => {
            is_there(&source.command)?;
            if !wanted.excludes.is_empty() {
                return Err(Error::usage(
                    "nothing can be left out of what a command writes",
                ));
            }
            let spool = source.spool.as_deref().map(spool_folder).transpose()?;
            let command = source.command.clone();
            return Ok((
                Source::Command(CommandSource { command, spool }),
                Vec::new(),
            ));
        }
        Source::Pattern(source) => {
            Pattern::parse(&source.pattern)?;
            // Each folder that is found has the same things left out.
            (wanted.source.clone(), PathBuf::from(&source.pattern))
        }
    };
    let excludes = wanted.excludes.iter().map(|path| below(&root, path));
    Ok((source, excludes.collect::<Result<_>>()?))
}

/// Each copy in a pool of its own.
fn numbered(pools: &[PoolName]) -> Result<Vec<(CopyNumber, PoolName)>> {
    if pools.len() > MOST_COPIES {
        return Err(Error::usage(format!(
            "a set has at most {MOST_COPIES} copies, these are {}",
            pools.len()
        )));
    }
    let distinct: BTreeSet<&PoolName> = pools.iter().collect();
    if distinct.len() < pools.len() {
        return Err(Error::usage("two copies of a set cannot be in one pool")
            .hint("they could come to stand on one cartridge"));
    }
    Ok((1..).map(CopyNumber).zip(pools.iter().cloned()).collect())
}

fn agency(name: &str) -> Result<&str> {
    let plain = !name.is_empty() && name.trim() == name && !name.chars().any(char::is_control);
    if !plain {
        return Err(Error::usage(format!(
            "{name:?} cannot be the name of an agency"
        )));
    }
    Ok(name)
}

/// The keys of these names, all of which must be in use.
fn recipients(view: &View<'_>, names: &[String]) -> Result<Vec<KeyId>> {
    let in_use = view.keys_in_use()?;
    names
        .iter()
        .map(|name| {
            let key = in_use.iter().find(|key| key.name == *name);
            key.map(|key| key.id).ok_or_else(|| {
                Error::usage(format!("no key in use is called \"{name}\""))
                    .hint("\"tapeward key list\" shows which there are")
            })
        })
        .collect()
}

/// The folder as an absolute path without links, if it can be listed.
pub fn readable_folder(path: &Path) -> Result<PathBuf> {
    let named = |what: &str| format!("{what} the source {}", path.display());
    let canonical = std::fs::canonicalize(path)
        .map_err(|error| Error::usage(named("cannot find")).because(error))?;
    std::fs::read_dir(&canonical)
        .map_err(|error| Error::usage(named("cannot read")).because(error))?;
    Ok(canonical)
}

fn below(source: &Path, path: &Path) -> Result<PathBuf> {
    let relative = if path.is_absolute() {
        path.strip_prefix(source).map_err(|_| {
            Error::usage(format!(
                "{} is not below the source {}",
                path.display(),
                source.display()
            ))
        })?
    } else {
        path
    };
    let plain: PathBuf = relative
        .components()
        .filter(|part| *part != Component::CurDir)
        .collect();
    let inside = plain
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    if plain.as_os_str().is_empty() || !inside {
        return Err(Error::usage(format!(
            "\"{}\" cannot be left out of {}",
            path.display(),
            source.display()
        )));
    }
    Ok(plain)
}

/// The definition with this name or id.
pub fn find_definition(view: &View<'_>, text: &str) -> Result<SetDefinition> {
    if let Some(found) = view.definition_by_name(text)? {
        return Ok(found);
    }
    let all = view.definitions()?;
    if let Ok(id) = text.parse::<SetDefinitionId>()
        && let Some(found) = all.iter().find(|definition| definition.id == id)
    {
        return Ok(found.clone());
    }
    let names: Vec<String> = all.into_iter().map(|definition| definition.name).collect();
    let error = Error::usage(format!("no set is called \"{text}\""));
    Err(if names.is_empty() {
        error.hint("define one with \"tapeward set define NAME FOLDER\"")
    } else {
        error.hint(format!("defined: {}", names.join(", ")))
    })
}

/// The set a person means: its own id, or the newest complete one of a definition, begun at or
/// before `at` where that is given.
pub fn find_set(view: &View<'_>, text: &str, at: Option<DateTime<Utc>>) -> Result<BackupSet> {
    if let Ok(id) = text.parse::<SetId>()
        && let Some(set) = view.sets()?.into_iter().find(|set| set.id == id)
    {
        return Ok(set);
    }
    let definition = find_definition(view, text)?;
    if let Some(at) = at {
        let sets = view.sets_of(definition.id)?;
        let mut old = sets.into_iter().rev().filter(|set| set.started_at <= at);
        return old
            .find(|set| set.state == SetState::Complete)
            .ok_or_else(|| {
                Error::usage(format!(
                    "no set of \"{}\" that is complete on tape was begun by {}",
                    definition.name,
                    at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
                ))
                .hint(format!(
                    "\"tapeward set show {}\" shows all of them",
                    definition.name
                ))
            });
    }
    view.newest_set(definition.id)
        .context("cannot look for sets")?
        .ok_or_else(|| {
            Error::usage(format!(
                "no set of \"{}\" is complete on tape",
                definition.name
            ))
            .hint("run \"tapeward job run\", or \"tapeward job list\" to see what is under way")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excludes_stay_inside() {
        let source = Path::new("/srv/data");
        let check = |path: &str| below(source, Path::new(path)).ok();
        assert_eq!(check("target"), Some(PathBuf::from("target")));
        assert_eq!(check("./a/b"), Some(PathBuf::from("a/b")));
        assert_eq!(check("/srv/data/a"), Some(PathBuf::from("a")));
        assert_eq!(check("../other"), None);
        assert_eq!(check("/srv/other"), None);
        assert_eq!(check("."), None);
    }
}
