//! Which of the drives of a run a cartridge goes into.

use std::cmp::Reverse;

use super::complete::Order;
use super::drives::Drives;
use super::run::Job;
use super::supply;
use crate::error::Result;
use crate::id::{Barcode, VolumeId};
use crate::library::fitting;
use crate::library::mount::{HeldDrive, MoveWitness};
use crate::tape::BlockSize;

/// What a drive can do with a cartridge, the more the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Fit {
    takes_blocks: bool,
    writes: bool,
    reads: bool,
}

impl Fit {
    fn of(held: &HeldDrive, barcode: &Barcode, blocks: Option<BlockSize>) -> Self {
        Self {
            takes_blocks: blocks.is_none_or(|size| held.blocks.objection(size).is_none()),
            writes: fitting::can_write(&held.site, barcode),
            reads: fitting::can_read(&held.site, barcode),
        }
    }
}

/// The drive that can do most with a cartridge whose blocks have this size. Of several alike that of
/// the oldest generation, which leaves the newer ones to what only they can do; of these the last.
fn best_fit<'a>(
    drives: impl Iterator<Item = &'a HeldDrive>,
    barcode: &Barcode,
    blocks: Option<BlockSize>,
) -> Option<(usize, Fit)> {
    let does = |held: &HeldDrive| {
        let older = Reverse(fitting::generation(&held.site));
        (Fit::of(held, barcode, blocks), older)
    };
    let ranked = drives.map(does).enumerate();
    let best = ranked.max_by_key(|(_, does)| *does);
    best.map(|(index, (fit, _))| (index, fit))
}

/// A drive by its place among those that nobody is working with.
#[derive(Debug, Clone, Copy)]
pub(super) enum BestDrive {
    Idle(usize),
    Occupied(usize),
}

impl Drives {
    /// The drive for a cartridge that is in none: an empty one, unless one with another cartridge can
    /// do more with it.
    pub(super) fn best_drive(
        &self,
        barcode: &Barcode,
        blocks: Option<BlockSize>,
    ) -> Option<BestDrive> {
        let drives = self.mounted.iter().map(|(seat, _)| &seat.held);
        let occupied = best_fit(drives, barcode, blocks);
        match (best_fit(self.idle.iter(), barcode, blocks), occupied) {
            (Some((index, fit)), Some((_, other))) if fit >= other => Some(BestDrive::Idle(index)),
            (Some((index, _)), None) => Some(BestDrive::Idle(index)),
            (_, Some((index, _))) => Some(BestDrive::Occupied(index)),
            (None, None) => None,
        }
    }

    /// Whether one of these cartridges can be written in another drive while this one is read in
    /// its own; when there are none, that is another matter.
    pub(super) fn can_write_beside(
        &self,
        read: &Barcode,
        targets: &[(Barcode, BlockSize)],
    ) -> Result<bool> {
        let blocks = self.context().block_size(read)?;
        let seats = self.mounted.iter().map(|(seat, _)| &seat.held);
        let reads_in = match (self.position(read), self.best_drive(read, blocks)) {
            (Some(index), _) | (None, Some(BestDrive::Occupied(index))) => {
                self.mounted.get(index).map(|(seat, _)| &seat.held)
            }
            (None, Some(BestDrive::Idle(index))) => self.idle.get(index),
            (None, None) => None,
        };
        let Some(reads_in) = reads_in.map(|held| held.site.element) else {
            return Ok(false);
        };
        let others = self.idle.iter().chain(seats);
        let mut others = others.filter(|held| held.site.element != reads_in);
        let can_write = |held: &HeldDrive| {
            targets.iter().any(|(barcode, blocks)| {
                let fit = Fit::of(held, barcode, Some(*blocks));
                fit.takes_blocks && fit.writes
            })
        };
        Ok(targets.is_empty() || others.any(can_write))
    }
}

impl Job {
    /// Whether one drive can read the volume while another one writes. Where a single drive can do
    /// both, or none but the one that reads can write, it goes by way of the disk.
    pub(super) fn reads_while_writing(&mut self, order: &Order, volume: VolumeId) -> Result<bool> {
        if self.drives.available() < 2 {
            return Ok(false);
        }
        let Some((_, pool)) = order.pools.iter().find(|(copy, _)| *copy == order.copy) else {
            return Ok(true);
        };
        let mut targets = supply::usable(&self.context, order.set.id, order.copy, pool)?;
        let barcode = self.context.app.catalogue.read(|view| {
            let cartridge = view.volume(volume)?.cartridge;
            view.cartridge(cartridge)
        })?;
        let read = &barcode.barcode;
        targets.retain(|(target, _)| {
            target != read && !order.without.contains(target) && !self.set_aside.contains(target)
        });
        // It may be in the drive that the other one needs.
        if self.drives.has(read) && !self.drives.can_write_beside(read, &targets)? {
            self.drives.unmount(read, None)?;
        }
        self.drives.can_write_beside(read, &targets)
    }
}
