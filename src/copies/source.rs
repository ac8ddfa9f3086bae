//! What a copy of a set lacks, and from where it is read.

use std::collections::{BTreeMap, BTreeSet};

use crate::archive::member::SegmentNumber;
use crate::catalogue::{Place, SegmentCopy, SegmentCopyState, View};
use crate::error::Result;
use crate::id::{CopyNumber, LibraryId, SetId, VolumeId};

/// Segments a copy does not have, or has on the volume it is `leaving`, in order.
pub fn lacking(
    view: &View<'_>,
    set: SetId,
    copy: CopyNumber,
    leaving: Option<VolumeId>,
) -> Result<Vec<SegmentNumber>> {
    let mut lacking = view.missing_segments(set, copy)?;
    if let Some(volume) = leaving {
        lacking.extend(view.segments_to_move(set, copy, volume)?);
    }
    lacking.sort_unstable();
    Ok(lacking)
}

/// For each segment of a set the copy to read: one in the library if there is one, one that is
/// not on the volume to be left where there is another, and none on a `bad` volume.
pub fn best(
    view: &View<'_>,
    library: Option<LibraryId>,
    set: SetId,
    leaving: Option<VolumeId>,
    bad: &BTreeSet<VolumeId>,
) -> Result<BTreeMap<SegmentNumber, SegmentCopy>> {
    let mut best: BTreeMap<SegmentNumber, ((bool, bool), SegmentCopy)> = BTreeMap::new();
    for copy in view.segment_copies(set)? {
        let readable = matches!(
            copy.state,
            SegmentCopyState::Committed | SegmentCopyState::Verified
        );
        if !readable || bad.contains(&copy.volume) {
            continue;
        }
        let cartridge = view.volume(copy.volume)?.cartridge;
        let here = match view.cartridge(cartridge)?.place {
            Place::Element { library: place, .. } => library.is_none_or(|here| here == place),
            _ => false,
        };
        let rank = (!here, leaving == Some(copy.volume));
        if best
            .get(&copy.segment)
            .is_none_or(|(other, _)| rank < *other)
        {
            best.insert(copy.segment, (rank, copy));
        }
    }
    Ok(best
        .into_iter()
        .map(|(number, (_, copy))| (number, copy))
        .collect())
}
