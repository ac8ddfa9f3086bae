//! What earlier sessions of a set wrote.

use super::run::Job;
use crate::archive::links::{EarlierMembers, NothingEarlier};
use crate::archive::member::IndexEntry;
use crate::error::Result;
use crate::id::SetId;
use crate::index::IndexReader;

/// What earlier sessions wrote, from the index parts of the segments on tape.
pub(super) struct Earlier {
    parts: Vec<IndexReader>,
}

impl Earlier {
    pub(super) fn open(job: &Job, set: SetId) -> Result<Box<dyn EarlierMembers>> {
        let mut parts = job.parts(set)?;
        if parts.is_empty() {
            return Ok(Box::new(NothingEarlier));
        }
        parts.reverse();
        Ok(Box::new(Self { parts }))
    }
}

impl EarlierMembers for Earlier {
    fn lookup(&self, path: &[u8]) -> Option<IndexEntry> {
        self.parts.iter().find_map(|part| {
            part.lookup(path)
                .inspect_err(|error| tracing::warn!(%error, "an index part cannot be read"))
                .ok()
                .flatten()
        })
    }
}
