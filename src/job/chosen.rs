//! Which definitions a run is about: those that were named, and what patterns stand for.

use chrono::{DateTime, Utc};

use crate::appliance::{self, Taken};
use crate::catalogue::{Month, NewDefinition, SetDefinition, Source, View};
use crate::error::{Error, Result};
use crate::id::SetDefinitionId;

/// What a run is about.
#[derive(Debug, Default)]
pub(super) struct Chosen {
    /// The definitions, in order, none twice; none of them has a pattern. Those that have a parent
    /// need not be on record yet.
    pub(super) definitions: Vec<SetDefinition>,
    /// What patterns found before and do not find any more.
    pub(super) gone: Vec<SetDefinitionId>,
    /// What a person should look at.
    pub(super) warnings: Vec<String>,
}

/// The definitions with these names or ids; all in use when there are none.
pub(super) fn chosen(
    view: &View<'_>,
    names: &[String],
    month: Month,
    now: DateTime<Utc>,
) -> Result<Chosen> {
    let mut chosen = Chosen::default();
    if !names.is_empty() {
        for name in names {
            let (definition, only) = find(view, name)?;
            chosen.add(view, definition, only.as_deref(), month, now)?;
        }
        return Ok(chosen);
    }
    let all = view.definitions()?;
    if all.is_empty() {
        return Err(Error::usage("no set is defined")
            .hint("define one with \"tapeward set define NAME FOLDER\""));
    }
    for definition in all.into_iter().filter(|one| one.parent.is_none()) {
        chosen.add(view, definition, None, month, now)?;
    }
    if chosen.definitions.is_empty() {
        return Err(Error::usage("no pattern finds anything to back up")
            .hint("\"tapeward set expand NAME\" shows what a pattern stands for"));
    }
    Ok(chosen)
}

/// The definition a person means; where a pattern finds it, the one with the pattern, and the name
/// of what is wanted of that.
fn find(view: &View<'_>, text: &str) -> Result<(SetDefinition, Option<String>)> {
    let found = crate::set::find_definition(view, text);
    if let Ok(SetDefinition {
        parent: Some(parent),
        name,
        ..
    }) = found
    {
        return Ok((view.definition(parent)?, Some(name)));
    }
    if found.is_err() {
        for (at, _) in text.rmatch_indices('/') {
            let above = view.definition_by_name(&text[..at])?;
            if let Some(definition) = above
                && matches!(definition.source, Source::Pattern(_))
            {
                return Ok((definition, Some(text.to_owned())));
            }
        }
    }
    Ok((found?, None))
}

impl Chosen {
    fn add(
        &mut self,
        view: &View<'_>,
        definition: SetDefinition,
        only: Option<&str>,
        month: Month,
        now: DateTime<Utc>,
    ) -> Result<()> {
        if !matches!(definition.source, Source::Pattern(_)) {
            self.push(definition);
            return Ok(());
        }
        let expansion = appliance::expand(view, &definition, month, now)?;
        let is_wanted = |taken: &Taken| {
            only.is_none_or(|name| {
                taken
                    .name
                    .strip_prefix(name)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
        };
        if !expansion.taken.iter().any(is_wanted) {
            let name = only.unwrap_or(&definition.name);
            return Err(Error::usage(format!(
                "the pattern {} finds nothing for \"{name}\" in {month}",
                definition.source
            ))
            .hint(format!(
                "\"tapeward set expand {}\" shows what it stands for",
                definition.name
            )));
        }
        if only.is_none() {
            self.warnings.extend(expansion.warnings());
            let in_use = view.definitions()?.into_iter();
            let children = in_use.filter(|one| one.parent == Some(definition.id));
            let gone = children.map(|child| child.id).filter(|id| {
                expansion
                    .taken
                    .iter()
                    .all(|one| one.definition != Some(*id))
            });
            self.gone.extend(gone);
        }
        for taken in expansion.taken.iter().filter(|taken| is_wanted(taken)) {
            let id = taken
                .definition
                .unwrap_or_else(|| SetDefinitionId::generate(now));
            let child = SetDefinition {
                id,
                name: taken.name.clone(),
                source: Source::Folder(taken.path.clone()),
                parent: Some(definition.id),
                ..definition.clone()
            };
            self.push(child);
        }
        Ok(())
    }

    fn push(&mut self, definition: SetDefinition) {
        let is_same = |other: &SetDefinition| other.name == definition.name;
        if !self.definitions.iter().any(is_same) {
            self.definitions.push(definition);
        }
    }
}

/// A definition as it is saved.
pub(super) fn as_new(definition: SetDefinition) -> NewDefinition {
    NewDefinition {
        name: definition.name,
        source: definition.source,
        commands: definition.commands,
        parent: definition.parent,
        excludes: definition.excludes,
        compression: definition.compression,
        encryption: definition.encryption,
        copies: definition.copies,
        retention_days: definition.retention_days,
        agency: definition.agency,
        recipients: definition.recipients,
    }
}
