//! Which drive is in which element, by moving a cartridge into the element and looking which
//! drive has it. Nothing is written or read.

use std::time::Duration;

use tapeward_drivers::smc::ElementAddress;
use tapeward_drivers::ssc::Readiness;
use tapeward_drivers::{Changer, Drive};

use crate::clock::SharedClock;
use crate::error::{Context, Error, ErrorKind, Result};

/// Longest time from the robot's move until a drive sees the cartridge: loading, and for a new
/// LTO-9 cartridge the drive's calibration, in which it already says that one is there.
const LOAD_LIMIT: Duration = Duration::from_secs(300);
/// How often to ask.
const LOAD_PAUSE: Duration = Duration::from_millis(500);

/// The cartridge to try with.
#[derive(Debug, Clone, Copy)]
pub struct TrialCartridge {
    /// Where it is, and where it goes back to.
    pub home: ElementAddress,
    /// The picker to use.
    pub picker: ElementAddress,
}

/// Tries every element in turn and returns, for each, the index of the drive that saw the
/// cartridge. The cartridge is back home afterwards.
///
/// # Errors
/// A drive that has a cartridge already; an element whose cartridge no drive sees (it is brought
/// back first); a cartridge that can't be brought back, with where it is.
pub fn find_drives(
    changer: &mut Changer,
    drives: &mut [Drive],
    cartridge: TrialCartridge,
    elements: &[ElementAddress],
    clock: &SharedClock,
) -> Result<Vec<Option<usize>>> {
    for drive in drives.iter_mut() {
        drive
            .consume_unit_attentions()
            .context("a drive does not answer")?;
        let state = drive.readiness();
        if !matches!(state, Readiness::NoMedium) {
            return Err(Error::new(
                ErrorKind::Locked,
                format!("{} must be empty, but is {state}", drive.path()),
            )
            .hint("unload the drives that are not matched yet, then try again"));
        }
    }
    let mut found = Vec::new();
    for element in elements {
        changer
            .move_medium(cartridge.picker, cartridge.home, *element)
            .context(format!(
                "cannot move the cartridge of element {} to element {element}",
                cartridge.home
            ))?;
        let seen = wait_for_one(drives, clock);
        // Whatever was seen, the cartridge goes back.
        if let Ok(Some(index)) = &seen {
            let drive = &mut drives[*index];
            drive
                .unload()
                .context(format!("cannot unload {}", drive.path()))?;
        }
        changer
            .move_medium(cartridge.picker, *element, cartridge.home)
            .context(format!(
                "cannot bring the cartridge in element {element} back to element {}",
                cartridge.home
            ))?;
        found.push(seen?);
    }
    Ok(found)
}

/// The only drive that has a cartridge now.
fn wait_for_one(drives: &mut [Drive], clock: &SharedClock) -> Result<Option<usize>> {
    let give_up = clock.monotonic() + LOAD_LIMIT;
    loop {
        let mut full = Vec::new();
        for (index, drive) in drives.iter_mut().enumerate() {
            match drive.readiness() {
                Readiness::NoMedium | Readiness::UnitAttention(_) => {}
                // A path that fails is not a drive with a cartridge.
                Readiness::Other(error) => {
                    return Err(Error::failed("a drive does not answer").because(error));
                }
                _ => full.push(index),
            }
        }
        match full.as_slice() {
            [index] => return Ok(Some(*index)),
            [] if clock.monotonic() >= give_up => return Ok(None),
            [] => clock.pause(LOAD_PAUSE),
            _ => {
                return Err(Error::failed(
                    "several drives got a cartridge at once: somebody else uses the library",
                ));
            }
        }
    }
}
