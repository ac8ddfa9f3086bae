//! To which keys a set is encrypted.

use crate::catalogue::{Key, PoolName, SetDefinition, View};
use crate::error::{Error, Result};

/// The keys in use for a set with copies in these pools, oldest first: those its definition names,
/// else those for all pools or one of these. A segment is the same bytes in every copy, so a key
/// for one of the pools opens the copies in the others too.
///
/// # Errors
/// A usage error when there is none.
pub fn recipients_for(
    view: &View<'_>,
    definition: &SetDefinition,
    pools: &[PoolName],
) -> Result<Vec<Key>> {
    let mut keys = view.keys_in_use()?;
    if definition.recipients.is_empty() {
        keys.retain(|key| key.is_for(pools));
    } else {
        keys.retain(|key| definition.recipients.contains(&key.id));
    }
    if keys.is_empty() {
        return Err(Error::usage(format!(
            "there is no key to encrypt to for set {}",
            definition.name
        ))
        .hint("make one with \"tapeward key create site\""));
    }
    Ok(keys)
}
