//! Pools: what the volumes of a copy have in common.

use bytesize::ByteSize;
use serde::{Deserialize, Serialize};

use super::Config;
use crate::catalogue::{PlaceKind, PoolName};
use crate::error::{Context, Result};
use crate::rotation::Scheme;
use crate::tape::BlockSize;

/// What stands for any library where the place of a pool is named.
pub const LIBRARY: &str = "library";

/// One pool. What is left out is as for every pool.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PoolConfig {
    /// Size of the blocks of volumes labelled for it; `stream.block-size` without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block_size: Option<ByteSize>,
    /// Days its copies are kept; `monthly.retention-days` without it. A set that is defined with
    /// days of its own is kept for those in every pool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention_days: Option<u32>,
    /// In what the sets on one of its volumes agree.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub collocate: Vec<Collocate>,
    /// When its volumes are written and how long they are kept: `{ scheme = "monthly", keep-months = 12 }`,
    /// or another scheme. Once a month, for `retention-days`, without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation: Option<Scheme>,
    /// Names of the keys that open its volumes, instead of those for all pools and for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<String>,
    /// Where its cartridges belong when they are written: `library`, or the code of a place. Without it
    /// anywhere that media are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
}

/// Something in which all sets on a volume agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Collocate {
    /// Whose data it is.
    Agency,
    /// The month in which their retention ends.
    Retention,
    /// Whether they are held.
    Hold,
}

impl Config {
    /// A pool as configured; one without a section has the defaults.
    #[must_use]
    pub fn pool(&self, name: &PoolName) -> PoolConfig {
        self.pool.get(name.as_str()).cloned().unwrap_or_default()
    }

    /// Size of the blocks of volumes labelled for a pool.
    pub fn block_size(&self, pool: &PoolName) -> Result<BlockSize> {
        let size = self.pool(pool).block_size.unwrap_or(self.stream.block_size);
        BlockSize::new(size.as_u64()).context(format!("the block size of pool {pool}"))
    }

    /// The largest block that any pool has.
    pub fn largest_block(&self) -> Result<BlockSize> {
        let of_pools = self.pool.values().filter_map(|pool| pool.block_size);
        let largest = of_pools.fold(self.stream.block_size, Ord::max);
        BlockSize::new(largest.as_u64()).context("a block size")
    }

    /// Days a copy in a pool is kept, for sets without days of their own: those of its section, else as
    /// long as its rotation keeps the longest, else those for all pools.
    #[must_use]
    pub fn retention_days(&self, pool: &PoolName) -> u32 {
        let pool = self.pool(pool);
        let of_rotation = || pool.rotation.as_ref().map(Scheme::longest_days);
        let days = pool.retention_days.or_else(of_rotation);
        days.unwrap_or(self.monthly.retention_days)
    }

    /// What is wrong with a section of a pool.
    pub(super) fn check_pools(&self) -> std::result::Result<(), String> {
        for (name, pool) in &self.pool {
            if let Err(error) = name.parse::<PoolName>() {
                return Err(format!("[pool.\"{name}\"]: {error}"));
            }
            if let Some(size) = pool.block_size {
                super::check_block_size(&format!("pool.{name}.block-size"), size)?;
                if self.stream.ring_size.as_u64() < 4 * size.as_u64() {
                    return Err(format!(
                        "stream.ring-size is {}, it must hold at least four blocks of {size} \
                         (pool.{name}.block-size)",
                        self.stream.ring_size
                    ));
                }
            }
            if pool.retention_days == Some(0) {
                return Err(format!(
                    "pool.{name}.retention-days is 0, it must be at least 1"
                ));
            }
            let is_known = |place: &String| {
                place == LIBRARY || self.place.keys().any(|code| code.as_str() == place)
            };
            if let Some(place) = pool.place.as_ref().filter(|place| !is_known(place)) {
                return Err(format!(
                    "pool.{name}.place is \"{place}\", it must be \"{LIBRARY}\" or a place: there is no \
                     place.{place}"
                ));
            }
            self.check_rotation(name, pool)?;
            for (index, key) in pool.collocate.iter().enumerate() {
                if pool.collocate[..index].contains(key) {
                    return Err(format!("pool.{name}.collocate names something twice"));
                }
            }
        }
        Ok(())
    }

    fn check_rotation(&self, name: &str, pool: &PoolConfig) -> std::result::Result<(), String> {
        let kept = pool.place.as_deref().filter(|code| *code != LIBRARY);
        let mut places = self.place.iter();
        let place = kept.and_then(|kept| places.find(|(code, _)| code.as_str() == kept));
        let Some(scheme) = &pool.rotation else {
            return Ok(());
        };
        scheme
            .check()
            .map_err(|what| format!("pool.{name}.rotation {what}"))?;
        if pool.retention_days.is_some() && scheme.newer().is_none() {
            return Err(format!(
                "pool.{name} has retention-days and a rotation, and both say how long; leave one out"
            ));
        }
        if let Some((code, kind)) = place.map(|(code, place)| (code, place.kind))
            && matches!(
                kind,
                PlaceKind::Cloud | PlaceKind::Repair | PlaceKind::Foreign
            )
        {
            return Err(format!(
                "pool.{name} has a rotation, and its place {code} is of kind {kind}: cartridges rotate \
                 between library, safes, shelves, vaults and homes"
            ));
        }
        let goes_off_site = place.is_some_and(|(_, place)| place.kind.is_offsite());
        match scheme {
            Scheme::KeepSets(_) if !goes_off_site => Err(format!(
                "pool.{name}.rotation keeps sets off-site: name a vault or a home in pool.{name}.place"
            )),
            Scheme::GrandfatherFatherSon(_) if place.is_none() => Err(format!(
                "pool.{name}.rotation takes fathers and grandfathers out of the library: name one in \
                 pool.{name}.place"
            )),
            _ => Ok(()),
        }
    }
}
