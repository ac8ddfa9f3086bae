//! The index of a set goes with a copy of it that is made from tape: its cartridges are enough to read
//! it, whatever happens to the record.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::sync::Arc;

use super::coded_file::{Appended, CodedFile};
use super::complete::Order;
use super::recorder::set_content;
use super::run::Job;
use super::set_index::is_whole;
use super::volumes;
use crate::catalogue::{
    ContentState, Place, SegmentCopyState, SetState, StoredIndex, TapeFileKind, View,
};
use crate::error::{Context, Error, Result};
use crate::id::{SetId, VolumeId};
use crate::progress::Event;
use crate::tape::copy::start_of;
use crate::tape::volume::{FileStart, VolumeWriter};
use crate::tape::{FileKind, TapeFile, VolumeError};

/// A set's index as it goes on tape.
#[derive(Debug)]
pub(super) struct SetIndex {
    coded: CodedFile,
    start: FileStart,
}

/// Where it is taken from.
enum Origin {
    Here(StoredIndex),
    Tape(VolumeId, TapeFile),
}

impl Order {
    /// Whether no volume that the copy is on, and stays on, has the index of the set.
    pub(super) fn lacks_index(&self, view: &View<'_>) -> Result<bool> {
        if !matches!(self.set.state, SetState::Complete | SetState::Sealed) {
            return Ok(false);
        }
        let rows = view.segment_copies(self.set.id)?;
        let stays = rows.iter().filter(|row| {
            row.copy == self.copy
                && Some(row.volume) != self.leaving
                && matches!(
                    row.state,
                    SegmentCopyState::Committed
                        | SegmentCopyState::Verified
                        | SegmentCopyState::Replacing
                )
        });
        let volumes: BTreeSet<VolumeId> = stays.map(|row| row.volume).collect();
        for volume in volumes {
            if index_on(view, self.set.id, volume)?.is_some() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The index of a set on a volume.
fn index_on(view: &View<'_>, set: SetId, volume: VolumeId) -> Result<Option<TapeFile>> {
    for row in view.tape_files(volume)? {
        if row.kind == TapeFileKind::SetIndex {
            let file = volumes::from_row(&row)?;
            if file.set == Some(set) {
                return Ok(Some(file));
            }
        }
    }
    Ok(None)
}

impl Job {
    /// The index of a set whose copy lacks it: that of the record, else one on a tape that is here.
    /// None, which is said, where it cannot be had: the copy can be read without it.
    pub(super) fn index_for(&mut self, order: &Order) -> Result<Option<SetIndex>> {
        let app = Arc::clone(&self.context.app);
        if !app.catalogue.read(|view| order.lacks_index(view))? {
            return Ok(None);
        }
        let index = match self.origin(order)? {
            Some(Origin::Here(stored)) => self.encoded(order, &stored),
            Some(Origin::Tape(volume, file)) => self.copied(volume, &file),
            None => Err(Error::failed(
                "it is neither here nor on a cartridge in the library",
            )),
        };
        match index {
            Ok(index) => Ok(Some(index)),
            Err(error) if error.kind() == crate::error::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                self.no_index(order, &error);
                Ok(None)
            }
        }
    }

    pub(super) fn no_index(&self, order: &Order, why: &dyn std::error::Error) {
        self.context.app.watcher.event(Event::Problem {
            subject: format!("set {}, copy {}", order.name, order.copy),
            what: format!("the index of the set was not written to it: {why}"),
        });
    }

    fn origin(&self, order: &Order) -> Result<Option<Origin>> {
        let app = &self.context.app;
        if let Some(stored) = &order.set.index
            && is_whole(&app.indexes().join(&stored.file), stored)?
        {
            return Ok(Some(Origin::Here(stored.clone())));
        }
        let here = self.context.library_id;
        app.catalogue.read(|view| {
            let rows = view.segment_copies(order.set.id)?;
            let volumes: BTreeSet<VolumeId> = rows.iter().map(|row| row.volume).collect();
            for id in volumes {
                let volume = view.volume(id)?;
                let place = view.cartridge(volume.cartridge)?.place;
                let is_here = matches!(place, Place::Element { library, .. } if library == here);
                if is_here
                    && volume.ended_at.is_none()
                    && let Some(file) = index_on(view, order.set.id, id)?
                {
                    return Ok(Some(Origin::Tape(id, file)));
                }
            }
            Ok(None)
        })
    }

    fn encoded(&self, order: &Order, stored: &StoredIndex) -> Result<SetIndex> {
        let app = &self.context.app;
        let set = &order.set;
        let definition = app.catalogue.read(|view| view.definition(set.definition))?;
        let options = self.stream_options(set, &definition)?;
        let path = app.indexes().join(&stored.file);
        let what = || format!("cannot read {}", path.display());
        let mut file = File::open(&path).context(what())?;
        let codec = options.codec.for_index();
        let coded = CodedFile::encode(&app.state, codec, &options.recipients, |encoder| {
            let mut buffer = vec![0; 256 << 10];
            loop {
                match file.read(&mut buffer).context(what())? {
                    0 => return Ok(()),
                    read => encoder.write(&buffer[..read]).context(what())?,
                }
            }
        })?;
        let start = FileStart {
            kind: FileKind::SetIndex,
            set: Some(set.id),
            segment: None,
            codec,
            expires: Some(set.retain_until),
        };
        Ok(SetIndex { coded, start })
    }

    fn copied(&mut self, volume: VolumeId, file: &TapeFile) -> Result<SetIndex> {
        let start = start_of(file).context("its labels cannot be read")?;
        let folder = self.context.app.state.clone();
        let coded = self
            .drives
            .with_reader(volume, |reader| CodedFile::read(&folder, reader, file))?;
        Ok(SetIndex { coded, start })
    }

    /// Writes the index to a volume with room for it, and records it there. It was not written, which
    /// is said, where the volume has none or the tape is bad.
    ///
    /// # Errors
    /// Nobody knows how the volume ends.
    pub(super) fn append_index(
        &self,
        order: &Order,
        index: &mut SetIndex,
        writer: &mut VolumeWriter,
    ) -> Result<Result<(), VolumeError>> {
        match index.coded.append(writer, index.start.clone()) {
            Ok(Appended::Files(files)) => {
                let volume = writer.volume();
                self.context.app.write(|tx, now| {
                    let filling = ContentState::Filling;
                    set_content(&self.context, tx, now, volume, filling, "written to")?;
                    volumes::add_files(tx, volume, &files, now)?;
                    let until = tx.set_copy(order.set.id, order.copy)?.retain_until;
                    Ok(tx.extend_retention(volume, until)?)
                })?;
                Ok(Ok(()))
            }
            Ok(Appended::NoRoom) => Ok(Ok(())),
            Ok(Appended::Failed(error)) => {
                self.no_index(order, &error);
                Ok(Ok(()))
            }
            Err(error) => Ok(Err(error)),
        }
    }
}

impl SetIndex {
    /// Whether the volume has room for it.
    pub(super) fn fits(&self, writer: &mut VolumeWriter) -> Result<bool> {
        self.coded
            .fits(writer)
            .context("cannot ask how much room is left")
    }
}
