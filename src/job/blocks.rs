//! Sizes of blocks: those of the volumes of a set, and whether the drives take them.

use chrono::{DateTime, Utc};

use super::step::RunContext;
use crate::catalogue::{BlockLimit, PoolName, Tx, View};
use crate::config::Config;
use crate::error::{Context, Error, Result};
use crate::health::DriveSerial;
use crate::journal::Event;
use crate::library::mount::HeldDrive;
use crate::tape::volume::Trial;
use crate::tape::{BlockSize, BlockSizes};

/// Before any cartridge moves: every drive takes the blocks of volumes that would be labelled for
/// these pools.
///
/// # Errors
/// A usage error that names pool, drive and limit.
pub fn check<'a>(
    config: &Config,
    held: &[HeldDrive],
    pools: impl IntoIterator<Item = &'a PoolName>,
) -> Result<()> {
    for pool in pools {
        let size = config.block_size(pool)?;
        for drive in held {
            let what = format!("pool {pool}");
            if let Some(why) = drive.blocks.refusal(&drive.site, size, &what) {
                return Err(Error::usage(why).hint(format!(
                    "give [pool.{pool}] a smaller block-size in config.toml"
                )));
            }
        }
    }
    Ok(())
}

/// The block sizes of the volumes that copies in these pools may be written to: those that would
/// be labelled, and those that can be appended to.
pub fn of_pools<'a>(
    config: &Config,
    view: &View<'_>,
    pools: impl IntoIterator<Item = &'a PoolName>,
) -> Result<BlockSizes> {
    let mut sizes: Option<BlockSizes> = None;
    let mut add = |size| {
        sizes = Some(sizes.map_or_else(|| BlockSizes::all(size), |sizes| sizes.with(size)));
    };
    let volumes = view.volumes()?;
    for pool in pools {
        add(config.block_size(pool)?);
        for volume in &volumes {
            if volume.pool == *pool && super::label::may_append(volume.content) {
                add(BlockSize::try_from(volume.block_size).context("a volume on record")?);
            }
        }
    }
    Ok(sizes.unwrap_or_else(|| BlockSizes::all(BlockSize::DEFAULT)))
}

/// Records what paths and drives say, where it is new.
pub fn note(context: &RunContext, held: &[HeldDrive]) -> Result<()> {
    context.app.write(|tx, now| {
        for drive in held {
            let serial = serial(drive)?;
            let known = tx.block_limit(&serial)?;
            let same = known.as_ref().is_some_and(|known| {
                known.path == drive.blocks.path && known.device == drive.blocks.device
            });
            if !same {
                let limit = seen(drive, serial, now);
                save(context, tx, now, &limit)?;
            }
        }
        Ok(())
    })
}

/// Whether a block of this size must be tried with a drive before anything relies on it: once for
/// each size that is larger than those before.
pub fn trial(view: &View<'_>, drive: &HeldDrive, size: BlockSize) -> Result<Trial> {
    let known = view.block_limit(&serial(drive)?)?;
    let tried = same_path(known, drive).and_then(|known| known.tried);
    Ok(match tried {
        Some(tried) if tried >= u32::from(size) => Trial::None,
        _ => Trial::Block,
    })
}

/// What became of a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tried {
    /// The block came back as it was written.
    CameBack,
    /// It did not.
    Refused,
}

/// Records what became of a trial.
pub fn tried(
    context: &RunContext,
    tx: &Tx<'_>,
    now: DateTime<Utc>,
    drive: &HeldDrive,
    size: BlockSize,
    outcome: Tried,
) -> Result<()> {
    let serial = serial(drive)?;
    let known = same_path(tx.block_limit(&serial)?, drive);
    let mut limit = known.unwrap_or_else(|| seen(drive, serial, now));
    let size = Some(u32::from(size));
    match outcome {
        Tried::CameBack => limit.tried = limit.tried.max(size),
        Tried::Refused => limit.refused = limit.refused.min(size).or(size),
    }
    limit.at = now;
    save(context, tx, now, &limit)
}

fn serial(drive: &HeldDrive) -> Result<DriveSerial> {
    Ok(drive.site.serial.parse()?)
}

/// What was tried by another path says nothing of this one.
fn same_path(known: Option<BlockLimit>, drive: &HeldDrive) -> Option<BlockLimit> {
    known.filter(|known| known.path == drive.blocks.path && known.device == drive.blocks.device)
}

fn seen(drive: &HeldDrive, serial: DriveSerial, now: DateTime<Utc>) -> BlockLimit {
    BlockLimit {
        drive: serial,
        path: drive.blocks.path,
        device: drive.blocks.device,
        tried: None,
        refused: None,
        at: now,
    }
}

fn save(context: &RunContext, tx: &Tx<'_>, now: DateTime<Utc>, limit: &BlockLimit) -> Result<()> {
    tx.save_block_limit(limit)?;
    context.app.note(
        tx,
        now,
        &Event::BlockLimitSeen {
            run: context.run,
            serial: limit.drive.to_string(),
            path: limit.path,
            device: limit.device,
            tried: limit.tried,
            refused: limit.refused,
        },
    )
}
