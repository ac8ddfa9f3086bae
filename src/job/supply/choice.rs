//! Which cartridge a copy goes on with.

use super::{State, Supply};
use crate::catalogue::PoolName;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{Barcode, CopyNumber, SetId};
use crate::job::collocation;
use crate::job::plan::{self, Candidate, Reason, Unsuitable, Wanted};
use crate::job::step::RunContext;
use crate::tape::BlockSize;

/// The cartridges in the library that a copy of a set may go onto, whatever drives there are, with
/// the size of their blocks.
pub(in crate::job) fn usable(
    context: &RunContext,
    set: SetId,
    copy: CopyNumber,
    pool: &PoolName,
) -> Result<Vec<(Barcode, BlockSize)>> {
    let (candidates, wanted) = wanted(context, set, copy, pool)?;
    let new_blocks = context.app.config.block_size(pool)?;
    let usable = candidates
        .into_iter()
        .filter(|candidate| plan::suitability(candidate, &wanted).is_ok());
    let with_blocks = usable.map(|candidate| {
        let blocks = candidate.blocks().unwrap_or(new_blocks);
        (candidate.cartridge.barcode, blocks)
    });
    Ok(with_blocks.collect())
}

fn wanted(
    context: &RunContext,
    set: SetId,
    copy: CopyNumber,
    pool: &PoolName,
) -> Result<(Vec<Candidate>, Wanted)> {
    let app = &context.app;
    let now = app.clock.now();
    app.catalogue.read(|view| {
        let row = view.set_copy(set, copy)?;
        let wanted = Wanted {
            library: context.library_id,
            pool: pool.clone(),
            collocate: app.config.pool(pool).collocate,
            traits: collocation::traits(view, &view.set(set)?, &row)?,
            now,
        };
        Ok((plan::candidates(view, now)?, wanted))
    })
}

impl Supply {
    pub(super) fn choose(&self, state: &mut State, copy: CopyNumber) -> Result<Candidate> {
        let app = &self.context.app;
        let pool = self
            .pools
            .get(&copy)
            .ok_or_else(|| Error::failed(format!("copy {copy} has no pool")))?;
        let (mut candidates, wanted) = wanted(&self.context, self.set, copy, pool)?;
        let new_blocks = app.config.block_size(pool)?;
        candidates.retain(|candidate| {
            let barcode = &candidate.cartridge.barcode;
            let blocks = candidate.blocks().unwrap_or(new_blocks);
            !state.taken.contains(barcode)
                && !state.set_aside.contains(barcode)
                && !state.drives.is_stuck(barcode)
                && state.drives.can_write(barcode, blocks)
        });
        self.tell_passed_over(state, &candidates, &wanted);
        let mounted = candidates.iter().find(|candidate| {
            let usable = plan::suitability(candidate, &wanted);
            matches!(usable, Ok(Reason::Appends | Reason::LabelledScratch))
                && state.drives.has(&candidate.cartridge.barcode)
        });
        let chosen = match mounted {
            Some(candidate) => Some(candidate),
            None => {
                plan::choose(&candidates, &wanted, &state.taken).map(|(candidate, _)| candidate)
            }
        };
        let chosen = chosen.cloned().ok_or_else(|| {
            Error::new(
                ErrorKind::OperatorNeeded,
                format!(
                    "the library holds no {}cartridge that copy {copy} (pool {pool}) can be \
                     written on{}",
                    if state.set_aside.is_empty() { "" } else { "other " },
                    state.set_aside.in_words()
                ),
            )
            .hint("bring scratch cartridges, \"tapeward media add --from-library\", then \"tapeward job resume\"")
        })?;
        state.taken.insert(chosen.cartridge.barcode.clone());
        Ok(chosen)
    }

    /// Says once of each cartridge with room why it is not appended to.
    fn tell_passed_over(&self, state: &mut State, candidates: &[Candidate], wanted: &Wanted) {
        for candidate in candidates {
            let barcode = &candidate.cartridge.barcode;
            if let Err(Unsuitable::Collocation(why)) = plan::suitability(candidate, wanted)
                && state.passed_over.insert(barcode.clone())
            {
                let app = &self.context.app;
                app.say(format!("{barcode} is not appended to: {why}"));
            }
        }
    }
}
