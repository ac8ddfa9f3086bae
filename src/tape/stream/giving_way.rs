//! A lane lets others have its drive between two segments, and takes it again.

use super::event::LaneEvent;
use super::lane::{Death, HasDirectory, Lane, Volume};
use super::supply::{Awaited, FinishReason, Leave};

impl Death {
    /// Nothing is sent to a lane that has no volume.
    pub(super) fn without_volume() -> Self {
        Self {
            drive: None,
            why: "its drive was given away".to_owned(),
        }
    }
}

impl Lane {
    /// Between two segments: gives way if somebody who goes first wants the drive or the volume. Not
    /// while it is the only one of several that may still have a segment: the others would stand
    /// still in the middle of theirs, where they cannot give way.
    pub(super) fn give_way_if_wanted(
        &self,
        volume: Volume,
        unfiled: &mut bool,
    ) -> Result<Volume, Death> {
        let stays = matches!(volume, Volume::Away) || self.shared.is_needed(self.copy);
        if stays || !self.supply.is_wanted(self.copy) {
            return Ok(volume);
        }
        self.give_way(volume, unfiled, Leave::Wanted)
    }

    /// Closes the volume behind what is committed, gives its drive away and waits for one. The
    /// others go on meanwhile; where there is no other, the ring fills up and the stream waits.
    /// `unfiled` tells whether files are on the tape that no directory tells of.
    pub(super) fn give_way(
        &self,
        volume: Volume,
        unfiled: &mut bool,
        why: Leave,
    ) -> Result<Volume, Death> {
        let closed = match volume {
            Volume::Open(mut writer) => {
                let filed = if *unfiled {
                    self.write_directory(&mut writer)
                } else {
                    Ok(())
                };
                match filed {
                    Ok(()) => self.finished(*writer, FinishReason::GivenWay, HasDirectory::Yes),
                    Err(error) => self.give_up(writer, &error)?,
                }
            }
            other => other,
        };
        let Volume::Finished(finished) = closed else {
            return Ok(closed);
        };
        *unfiled = false;
        let rests = why == Leave::Wanted && self.shared.rest(self.copy);
        if rests {
            self.items.rest();
        }
        let back = self
            .supply
            .give_way(self.copy, *finished, why, &|| self.awaited());
        match back {
            Ok(Some(writer)) => {
                self.tell(LaneEvent::VolumeOpened {
                    volume: writer.volume(),
                });
                if rests {
                    self.shared.come_back(self.copy);
                }
                Ok(Volume::Open(Box::new(writer)))
            }
            Ok(None) => Ok(Volume::Away),
            Err(error) => Err(Death {
                drive: None,
                why: error.to_string(),
            }),
        }
    }

    fn awaited(&self) -> Awaited {
        let has_items = self.items.has_items();
        let over = self.items.is_closed() && !has_items;
        if over || self.shared.is_detached(self.copy) || self.shared.check().is_err() {
            Awaited::Never
        } else if has_items {
            Awaited::Now
        } else {
            Awaited::Later
        }
    }
}
