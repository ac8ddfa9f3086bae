//! Keys of what drives encrypt, at the beginning of a session.

use serde_json::json;

use super::{Refused, Supply};
use crate::catalogue::ContentState;
use crate::error::{Error, Result};
use crate::id::{Barcode, StepId};
use crate::job::recorder::set_content;
use crate::job::volumes;
use crate::tape::volume::{Room, VolumeWriter};

impl Supply {
    /// Where the drive encrypts: a key for this session, on the tape and on record before the first
    /// segment. A volume without room gets none, it is exchanged for another.
    pub(super) fn with_drive_key(
        &self,
        mut writer: VolumeWriter,
        barcode: &Barcode,
        step: StepId,
    ) -> Result<(VolumeWriter, StepId), Refused> {
        if !self.options.codec.is_by_drive() || writer.room() == Room::ReserveOnly {
            return Ok((writer, step));
        }
        let app = &self.context.app;
        let set = match app.catalogue.read(|view| view.set(self.set)) {
            Ok(set) => set,
            Err(error) => return Err(Box::new((writer.into_drive(), error.into()))),
        };
        let recipients = &self.options.recipients;
        let file = match writer.begin_drive_key(self.set, recipients, Some(set.retain_until)) {
            Ok(file) => file,
            Err(error) => {
                let cut = self.cut_off(&mut writer, step);
                let what = format!("cannot encrypt on {barcode}");
                let error = Error::failed(what).because(error);
                return Err(Box::new((writer.into_drive(), cut.err().unwrap_or(error))));
            }
        };
        let volume = writer.volume();
        match app.write(|tx, now| volumes::add_files(tx, volume, &[file], now)) {
            Ok(()) => Ok((writer, step)),
            // The step stays open: what was written is cut off before anything else happens to the
            // volume.
            Err(error) => Err(Box::new((writer.into_drive(), error))),
        }
    }

    /// What could not be committed on a volume that others are written instead of goes, and a directory
    /// ends it. Where that cannot be, nothing is appended any more.
    fn cut_off(&self, writer: &mut VolumeWriter, step: StepId) -> Result<()> {
        let volume = writer.volume();
        match writer.rollback().and_then(|()| writer.write_directory()) {
            Ok(directory) => self
                .context
                .observe(step, &json!({ "closed": true }), |tx, now| {
                    volumes::add_files(tx, volume, &[directory], now)
                }),
            Err(error) => {
                let why = error.to_string();
                let seen = json!({ "ended early": why });
                self.context.observe(step, &seen, |tx, now| {
                    set_content(&self.context, tx, now, volume, ContentState::Full, &why)
                })
            }
        }
    }
}
