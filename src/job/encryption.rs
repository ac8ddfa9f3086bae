//! What a set asks of the drives it goes to, before a run of it is begun or gone on with.

use tapeward_drivers::Drive;

use super::plan::Plan;
use crate::app::App;
use crate::catalogue::{Encryption, SetCopyState, SetDefinition, SetState};
use crate::error::{Error, Result};
use crate::id::SetId;
use crate::library::Library;
use crate::library::mount::HeldDrive;
use crate::library::robot::DriveSite;
use crate::tape::volume::check_encryption;

/// Where sets are to be encrypted by the drive and are not finished, every drive can be given a key:
/// to write, and to read what was written.
pub(super) fn can_encrypt(
    app: &App,
    library: &Library,
    plan: &Plan,
    definitions: &[SetDefinition],
    held: &[HeldDrive],
) -> Result<()> {
    for set in &plan.sets {
        let by_drive = definitions.iter().any(|definition| {
            definition.id == set.definition && definition.encryption == Encryption::Drive
        });
        if !by_drive || is_finished(app, plan, set.id)? {
            continue;
        }
        for drive in held {
            let site = &drive.site;
            check_drive(&set.name, site, &mut library.open_unit(&site.unit)?)?;
        }
    }
    Ok(())
}

/// Whether nothing of a set is left to write or to read. Of one that is not begun everything is.
fn is_finished(app: &App, plan: &Plan, id: SetId) -> Result<bool> {
    app.catalogue.read(|view| {
        let Some(made) = view.sets()?.into_iter().find(|set| set.id == id) else {
            return Ok(false);
        };
        let over = |state| match state {
            SetCopyState::Writing | SetCopyState::Incomplete => false,
            SetCopyState::Complete => !plan.verify,
            SetCopyState::Verified | SetCopyState::Lost | SetCopyState::Expired => true,
        };
        Ok(match made.state {
            SetState::Open => false,
            SetState::Complete => view.set_copies(id)?.iter().all(|copy| over(copy.state)),
            SetState::Sealed | SetState::Failed | SetState::Expired => true,
        })
    })
}

fn check_drive(set: &str, site: &DriveSite, drive: &mut Drive) -> Result<()> {
    check_encryption(drive).map_err(|error| {
        Error::failed(format!(
            "set {set} cannot be encrypted by {} (serial {})",
            site.name, site.serial
        ))
        .because(error)
    })
}

#[cfg(test)]
mod tests {
    use tapeward_drivers::ScsiError;
    use tapeward_drivers::device::{Missing, TapeDrive};
    use tapeward_drivers::sense::SenseData;
    use tapeward_drivers::smc::{ElementAddress, ElementKind};
    use tapeward_drivers::ssc::modes::ModesSet;
    use tapeward_drivers::ssc::{
        self, BlockAddress, DriveModes, Position, ReadOutcome, Readiness, Removal, Space,
        Synchronize, WriteError, WriteOutcome,
    };

    use super::*;
    use crate::config::DriveConfig;
    use crate::library::connection::Unit;
    use crate::library::element::ElementName;

    /// As a drive behind the kernel's tape driver is; nothing may be done to it.
    #[derive(Debug)]
    struct ByKernel;

    impl TapeDrive for ByKernel {
        fn path(&self) -> &'static str {
            "/dev/nst3"
        }

        fn scsi(&mut self) -> Option<&mut ssc::Drive> {
            None
        }

        fn lacks(&self) -> &'static [Missing] {
            &[Missing::Encryption]
        }

        fn consume_unit_attentions(&mut self) -> Result<Vec<SenseData>, ScsiError> {
            unreachable!("nothing is sent")
        }

        fn readiness(&mut self) -> Readiness {
            unreachable!("nothing is sent")
        }

        fn load(&mut self) -> Result<(), ScsiError> {
            unreachable!("nothing is moved")
        }

        fn unload(&mut self) -> Result<(), ScsiError> {
            unreachable!("nothing is moved")
        }

        fn rewind(&mut self) -> Result<(), ScsiError> {
            unreachable!("nothing is moved")
        }

        fn prevent_removal(&mut self, _: Removal) -> Result<(), ScsiError> {
            unreachable!("nothing is sent")
        }

        fn write_block(&mut self, _: &[u8]) -> Result<WriteOutcome, WriteError> {
            unreachable!("nothing is written")
        }

        fn write_filemarks(&mut self, _: u32, _: Synchronize) -> Result<WriteOutcome, WriteError> {
            unreachable!("nothing is written")
        }

        fn read_block(&mut self, _: &mut [u8]) -> Result<ReadOutcome, ScsiError> {
            unreachable!("nothing is read")
        }

        fn space(&mut self, _: Space) -> Result<(), ScsiError> {
            unreachable!("nothing is moved")
        }

        fn locate(&mut self, _: BlockAddress) -> Result<(), ScsiError> {
            unreachable!("nothing is moved")
        }

        fn position(&mut self) -> Result<Position, ScsiError> {
            unreachable!("nothing is sent")
        }

        fn modes(&mut self) -> Result<DriveModes, ScsiError> {
            unreachable!("nothing is sent")
        }

        fn set_modes(&mut self, _: &DriveModes) -> Result<ModesSet, ScsiError> {
            unreachable!("nothing is changed")
        }
    }

    #[test]
    fn a_drive_behind_the_kernels_driver_is_refused_and_nothing_is_done_to_it() {
        let site = DriveSite {
            name: ElementName {
                kind: ElementKind::DataTransfer,
                number: 1,
            },
            element: ElementAddress(257),
            serial: "AZ00000A".to_owned(),
            vendor: "HPE".to_owned(),
            product: "Ultrium 8-SCSI".to_owned(),
            revision: "N9S1".to_owned(),
            unit: Unit::Attached(DriveConfig::default()),
        };
        let mut drive: Drive = Box::new(ByKernel);
        let error = check_drive("films", &site, &mut drive).unwrap_err();
        let text = error.to_string();
        for words in [
            "set films cannot be encrypted by drive:1 (serial AZ00000A)",
            "/dev/nst3",
            "kernel's tape driver",
            "path = \"sg\"",
            "--encryption",
        ] {
            assert!(text.contains(words), "{words:?} is not in {text}");
        }
        assert!(!text.contains('\n'), "{text}");
    }
}
