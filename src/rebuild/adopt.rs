//! What the tapes know goes into the record: volumes and the files on them.

use chrono::{DateTime, NaiveTime, Utc};

use super::Report;
use super::fetch::Fetched;
use super::sets;
use super::survey::Surveyed;
use crate::app::App;
use crate::catalogue::{Cartridge, ContentState, NewVolume, PoolName, Tx};
use crate::copies::task;
use crate::error::{Error, Result};
use crate::id::VolumeId;
use crate::job::volumes;
use crate::journal::Event as JournalEvent;
use crate::tape::label::TrailerGroup;
use crate::tape::{FileKind, TapeFile};

/// The pool of volumes nobody knows the pool of.
pub(super) const UNKNOWN_POOL: &str = "found on tape";

/// Adds everything that the record does not know.
pub(super) fn adopt(
    app: &App,
    tx: &Tx<'_>,
    now: DateTime<Utc>,
    surveys: &[Surveyed],
    fetched: &Fetched,
    report: &mut Report,
) -> Result<()> {
    let room = Room { app, tx, now };
    let mut good = Vec::new();
    for surveyed in surveys {
        if room.volume(surveyed, report)? {
            good.push(surveyed);
        }
    }
    sets::adopt(&room, &good, fetched, report)
}

/// One transaction, for everything that is adopted.
pub(super) struct Room<'a> {
    pub(super) app: &'a App,
    pub(super) tx: &'a Tx<'a>,
    pub(super) now: DateTime<Utc>,
}

impl Room<'_> {
    /// The volume and its files. Says whether the tape is as the record has it, so far as that
    /// goes.
    fn volume(&self, surveyed: &Surveyed, report: &mut Report) -> Result<bool> {
        let (tx, header) = (self.tx, &surveyed.header);
        let cartridge = tx
            .cartridge_by_barcode(&surveyed.barcode)?
            .ok_or_else(|| Error::failed(format!("{} is not on record", surveyed.barcode)))?;
        if let Some(other) = tx.volume_on(cartridge.id)?
            && other.id != header.volume
        {
            let kept = other.retain_until.is_some_and(|until| self.now < until);
            if kept || !other.content.may_be_relabelled() {
                report.problems.push(format!(
                    "{}: the record has volume {} on it, and it carries {}: not used",
                    surveyed.barcode, other.id, header.volume
                ));
                return Ok(false);
            }
            tx.lose_volume(other.id, self.now)?;
            self.note(&JournalEvent::VolumeEnded {
                volume: other.id,
                reason: format!("{} was seen to carry another label", surveyed.barcode),
            })?;
        }
        match tx.find_volume(header.volume)? {
            Some(known) if known.ended_at.is_some() => {
                report.problems.push(format!(
                    "{}: the record says that volume {} is gone, and it is here: not used",
                    surveyed.barcode, header.volume
                ));
                return Ok(false);
            }
            Some(known) if known.cartridge != cartridge.id => {
                report.problems.push(format!(
                    "{}: volume {} is on two cartridges: this one is not used",
                    surveyed.barcode, header.volume
                ));
                return Ok(false);
            }
            Some(_) => {}
            None => {
                self.add_volume(surveyed, &cartridge)?;
                report.volumes_added += 1;
            }
        }
        self.files(surveyed, report)
    }

    fn add_volume(&self, surveyed: &Surveyed, cartridge: &Cartridge) -> Result<()> {
        let header = &surveyed.header;
        let pool: PoolName = UNKNOWN_POOL.parse()?;
        self.tx.add_volume(
            &NewVolume {
                id: header.volume,
                cartridge: cartridge.id,
                serial: header.serial,
                pool: pool.clone(),
                capacity: header.native_capacity,
                block_size: header.block_size.into(),
                worm: surveyed.worm,
                labelled_at: header.labelled,
            },
            None,
        )?;
        self.note(&JournalEvent::VolumeLabelled {
            volume: header.volume,
            cartridge: cartridge.id,
            run: None,
            serial: header.serial,
            pool,
            overwrote: None,
        })?;
        if let Some(until) = header.retain_until {
            self.tx.extend_retention(header.volume, until)?;
        }
        // Nothing is appended to a volume that was only found.
        self.content(header.volume, ContentState::Full, "found on tape")
    }

    /// Files the record lacks; one that is not as the record says puts the volume aside.
    fn files(&self, surveyed: &Surveyed, report: &mut Report) -> Result<bool> {
        let volume = surveyed.header.volume;
        let known = self.tx.tape_files(volume)?;
        let mut fresh = Vec::new();
        let mut disagrees = None;
        for file in &surveyed.files {
            match known.iter().find(|row| row.number == file.tape_file) {
                None => fresh.push(file.clone()),
                Some(row) if row.trailer == file.trailer.as_str() => {}
                Some(row) => {
                    disagrees = Some(format!(
                        "tape file {} is not what the record says it is",
                        row.number
                    ));
                    break;
                }
            }
        }
        let last = surveyed.files.last().map(|file| file.tape_file);
        if let Some(beyond) = known.last().filter(|row| Some(row.number) > last)
            && surveyed.whole
        {
            disagrees = Some(format!(
                "the tape ends before tape file {}, which is on record",
                beyond.number
            ));
        }
        if let Some(what) = disagrees {
            let what = format!("{}: {what}", surveyed.barcode);
            self.content(volume, ContentState::Quarantined, &what)?;
            report.problems.push(what);
            return Ok(false);
        }
        self.keep(volume, &fresh)?;
        report.files_added += fresh.len() as u64;
        volumes::add_files(self.tx, volume, &fresh, surveyed.written)?;
        if !surveyed.whole {
            self.content(volume, ContentState::Full, "its end cannot be read")?;
        }
        Ok(true)
    }

    /// What was found is kept as long as its labels say, whatever else is known of it.
    fn keep(&self, volume: VolumeId, fresh: &[TapeFile]) -> Result<()> {
        let expires = fresh
            .iter()
            .filter_map(|file| TrailerGroup::parse(&file.trailer).ok())
            .filter_map(|group| group.file1.expires.day()?.succ_opt())
            .max();
        if let Some(day) = expires {
            let until = day.and_time(NaiveTime::MIN).and_utc();
            self.tx.extend_retention(volume, until)?;
        }
        let scratch = self.tx.volume(volume)?.content == ContentState::Scratch;
        if scratch && fresh.iter().any(|file| file.kind == FileKind::Segment) {
            self.content(volume, ContentState::Full, "segments were found on it")?;
        }
        Ok(())
    }

    pub(super) fn content(
        &self,
        volume: VolumeId,
        content: ContentState,
        reason: &str,
    ) -> Result<()> {
        let now = self.tx.volume(volume)?.content;
        if now == content || !now.may_become(content) {
            return Ok(());
        }
        self.tx
            .set_content(volume, content, self.now, reason, None)?;
        self.note(&JournalEvent::VolumeContent {
            volume,
            run: None,
            content,
            reason: reason.to_owned(),
        })?;
        if content == ContentState::Quarantined {
            task::quarantined(self.app, self.tx, self.now, volume, reason)?;
        }
        Ok(())
    }

    pub(super) fn note(&self, event: &JournalEvent) -> Result<()> {
        self.app.note(self.tx, self.now, event)
    }
}
