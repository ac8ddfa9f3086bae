//! To which keys a set is encrypted.

use std::collections::BTreeSet;

use crate::catalogue::{Key, PoolName, SetDefinition, View};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::id::KeyId;

/// The keys for a set with copies in these pools, oldest first: those its definition names, else
/// those of each pool: the ones its section names, else those in use for all pools or for it. A
/// segment is the same bytes in every copy, so a key for one of the pools opens the copies in the
/// others too. In place of a key that was replaced, the one that replaced it is taken.
///
/// # Errors
/// A usage error when there is none, and for one that is named and was retired for good.
pub fn recipients_for(
    config: &Config,
    view: &View<'_>,
    definition: &SetDefinition,
    pools: &[PoolName],
) -> Result<Vec<Key>> {
    let all = view.keys()?;
    let mut chosen = BTreeSet::new();
    for key in &definition.recipients {
        let named = all.iter().find(|known| known.id == *key);
        let in_use = named.and_then(|key| newest(&all, key)).ok_or_else(|| {
            let name = named.map_or_else(|| key.to_string(), |key| key.name.clone());
            Error::usage(format!(
                "set {} is to be encrypted to key \"{name}\", which is out of use",
                definition.name
            ))
            .hint("define it again with other keys, or without --key for those of its pools")
        })?;
        chosen.insert(in_use.id);
    }
    if definition.recipients.is_empty() {
        for pool in pools {
            chosen.extend(of_pool(config, &all, pool)?);
        }
    }
    let keys: Vec<Key> = view
        .keys_in_use()?
        .into_iter()
        .filter(|key| chosen.contains(&key.id))
        .collect();
    if keys.is_empty() {
        return Err(Error::usage(format!(
            "there is no key to encrypt to for set {}",
            definition.name
        ))
        .hint("make one with \"tapeward key create site\""));
    }
    Ok(keys)
}

fn of_pool(config: &Config, all: &[Key], pool: &PoolName) -> Result<Vec<KeyId>> {
    let names = config.pool(pool).keys;
    if names.is_empty() {
        let in_use = all.iter().filter(|key| key.retired_at.is_none());
        let for_it = in_use.filter(|key| key.is_for(std::slice::from_ref(pool)));
        return Ok(for_it.map(|key| key.id).collect());
    }
    names
        .iter()
        .map(|name| {
            let named = all.iter().find(|key| key.name == *name);
            let in_use = named.and_then(|key| newest(all, key));
            in_use.map(|key| key.id).ok_or_else(|| {
                let what = if named.is_some() {
                    "out of use"
                } else {
                    "not known"
                };
                Error::usage(format!(
                    "[pool.{pool}] names the key \"{name}\" in keys, which is {what}"
                ))
                .hint("\"tapeward key list\" shows which there are")
            })
        })
        .collect()
}

/// The key if it is in use, else the one in use that came in its place.
fn newest<'a>(all: &'a [Key], key: &'a Key) -> Option<&'a Key> {
    let mut seen = BTreeSet::new();
    let mut next = Some(key);
    while let Some(key) = next {
        if key.retired_at.is_none() {
            return Some(key);
        }
        if !seen.insert(key.id) {
            return None;
        }
        let id = key.id;
        let mut later = all.iter().filter(|other| other.replaces == Some(id));
        next = later.next_back();
    }
    None
}
