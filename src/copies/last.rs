//! What no good copy is left of.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use super::task::must_be_kept;
use crate::catalogue::View;
use crate::error::{Error, ErrorKind, Result};
use crate::id::SetId;
use crate::progress::counted;

/// Segments of which no good copy is left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WithoutCopy {
    /// The set.
    pub set: SetId,
    /// What it is a set of.
    pub name: String,
    /// How many segments.
    pub segments: usize,
    /// Whether a doubtful copy may still be read.
    pub doubtful: bool,
}

impl fmt::Display for WithoutCopy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let segments = counted(self.segments as u64, "segment", "segments");
        let left = if self.doubtful {
            "a doubtful copy only"
        } else {
            "no copy"
        };
        write!(f, "{segments} of {} ({}): {left}", self.name, self.set)
    }
}

/// Says that no good copy of something is left.
///
/// # Errors
/// [`ErrorKind::OperatorNeeded`] unless there is none such.
pub fn without_copy(found: &[WithoutCopy]) -> Result<()> {
    if found.is_empty() {
        return Ok(());
    }
    let sets: Vec<String> = found.iter().map(ToString::to_string).collect();
    Err(Error::new(
        ErrorKind::OperatorNeeded,
        format!("THE LAST GOOD COPY IS GONE: {}", sets.join("; ")),
    )
    .hint(if found.iter().all(|one| one.doubtful) {
        "it may still be read: \"tapeward copy run --all\" copies it to another cartridge"
    } else {
        "bring the cartridge back if it can be found and \"tapeward verify\" it; else back the \
         source up again while it is there"
    }))
}

/// Of these sets, segments of which no good copy is left.
pub fn left_without(view: &View<'_>, sets: &BTreeSet<SetId>) -> Result<Vec<WithoutCopy>> {
    let mut found = Vec::new();
    let sole = view.sole_copies_of(sets)?;
    for set in sets {
        if !must_be_kept(view, *set)? {
            continue;
        }
        let (none, doubtful) = view.segments_without_good_copy(*set, &sole)?;
        let name = view.definition(view.set(*set)?.definition)?.name;
        for (segments, doubtful) in [(none, false), (doubtful, true)] {
            if segments > 0 {
                found.push(WithoutCopy {
                    set: *set,
                    name: name.clone(),
                    segments,
                    doubtful,
                });
            }
        }
    }
    Ok(found)
}
