//! The tar stream of a set, read from whichever tapes are here.

use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender};

use super::select::{Range, Selection};
use crate::app::App;
use crate::catalogue::{Place, Segment, SegmentCopy, SegmentCopyState};
use crate::error::{Context, Error, ErrorKind, Result};
use crate::id::{Barcode, CopyNumber, LibraryId, SetId};
use crate::index::IndexReader;
use crate::job::{Drives, volumes};
use crate::key::Identities;
use crate::progress::Event;
use crate::tape::CodecError;
use crate::tape::codec::{FrameSize, FrameTable, PlaintextReader};
use crate::tape::volume::VolumeReader;

/// Bytes handed over at a time.
const CHUNK: usize = 1 << 20;

/// What goes from the thread that reads the tape to the one that writes files.
#[derive(Debug)]
pub(super) enum Piece {
    /// A range begins at this stream offset.
    Begin(u64),
    /// Its next bytes.
    Bytes(Vec<u8>),
    /// It is complete.
    End,
}

/// A segment that is needed, and the copies of it that are here.
#[derive(Debug)]
struct Source {
    segment: Segment,
    copies: Vec<(SegmentCopy, Barcode)>,
}

/// The segments of a selection and where they can be read.
#[derive(Debug)]
pub(super) struct Tapes {
    sources: Vec<Source>,
}

impl Tapes {
    /// Finds every segment of the selection on cartridges in the library.
    ///
    /// # Errors
    /// [`ErrorKind::OperatorNeeded`] naming the cartridges to bring.
    pub(super) fn find(
        app: &App,
        library: LibraryId,
        set: SetId,
        segments: Vec<Segment>,
        selection: &Selection,
        copy: Option<CopyNumber>,
    ) -> Result<Self> {
        let needed = selection.needed(segments)?;
        let mut missing: Vec<(Barcode, String)> = Vec::new();
        let sources = app.catalogue.read(|view| {
            let all = view.segment_copies(set)?;
            let mut sources = Vec::new();
            for segment in needed {
                let mut copies = Vec::new();
                let mut elsewhere = Vec::new();
                for row in &all {
                    let live = matches!(
                        row.state,
                        SegmentCopyState::Committed | SegmentCopyState::Verified
                    );
                    let asked = copy.is_none_or(|wanted| wanted == row.copy);
                    if row.segment != segment.number || !live || !asked {
                        continue;
                    }
                    let cartridge = view.cartridge(view.volume(row.volume)?.cartridge)?;
                    match cartridge.place {
                        Place::Element { library: place, .. } if place == library => {
                            copies.push((row.clone(), cartridge.barcode));
                        }
                        place => elsewhere.push((
                            cartridge.barcode,
                            crate::media::reconcile::place_words(view, &place)?,
                        )),
                    }
                }
                if copies.is_empty() {
                    if elsewhere.is_empty() {
                        return Err(Error::failed(format!(
                            "segment {} of set {set} is on no tape{}",
                            segment.number.0,
                            copy.map_or_else(String::new, |copy| format!(" of copy {copy}"))
                        )));
                    }
                    missing.extend(elsewhere.into_iter().take(1));
                }
                sources.push(Source { segment, copies });
            }
            Ok::<_, Error>(sources)
        })?;
        if missing.is_empty() {
            return Ok(Self { sources });
        }
        missing.sort();
        missing.dedup();
        let list: Vec<String> = missing
            .into_iter()
            .map(|(barcode, place)| format!("{barcode} ({place})"))
            .collect();
        Err(Error::new(
            ErrorKind::OperatorNeeded,
            format!("not in the library: {}", list.join(", ")),
        )
        .hint("bring them, put them into mail slots, then try again"))
    }

    /// The cartridges that will be read if nothing goes wrong.
    pub(super) fn barcodes(&self) -> Vec<Barcode> {
        let mut all = Vec::new();
        for source in &self.sources {
            if let Some((_, barcode)) = source.copies.first()
                && !all.contains(barcode)
            {
                all.push(barcode.clone());
            }
        }
        all
    }

    /// Reads every range and hands it over. What no copy can deliver is left out; the stretches of
    /// stream that are missing are returned.
    pub(super) fn send(
        &self,
        app: &Arc<App>,
        selection: &Selection,
        index: &IndexReader,
        identities: &Identities,
        drives: &mut Drives,
        to: &Sender<Piece>,
    ) -> Result<Vec<(Range, Error)>> {
        let mut lost = Vec::new();
        for range in selection.ranges() {
            let range = range?;
            let mut at = range.start;
            while at < range.end {
                if to.send(Piece::Begin(at)).is_err() {
                    // The other side has given up and says why.
                    return Ok(lost);
                }
                let stretch = Range {
                    start: at,
                    end: range.end,
                };
                at = match self.send_range(app, stretch, identities, drives, to)? {
                    Sent::All => range.end,
                    Sent::NobodyListens => return Ok(lost),
                    Sent::Until(gap, why) => {
                        lost.push((gap, why));
                        selection
                            .next_member(index, gap.end)?
                            .unwrap_or(range.end)
                            .max(gap.end)
                    }
                };
                if to.send(Piece::End).is_err() {
                    return Ok(lost);
                }
            }
        }
        Ok(lost)
    }

    fn send_range(
        &self,
        app: &Arc<App>,
        range: Range,
        identities: &Identities,
        drives: &mut Drives,
        to: &Sender<Piece>,
    ) -> Result<Sent> {
        let mut at = range.start;
        for source in &self.sources {
            let segment = &source.segment;
            let end = segment.stream_offset + segment.plaintext_length;
            if at >= end || range.end <= segment.stream_offset {
                continue;
            }
            if at < segment.stream_offset {
                return Err(Error::failed(format!(
                    "the record has a hole before segment {}",
                    segment.number.0
                )));
            }
            let wanted = Range {
                start: at,
                end: end.min(range.end),
            };
            match source.send(app, wanted, identities, drives, to)? {
                Sent::All => at = wanted.end,
                stopped => return Ok(stopped),
            }
        }
        Ok(Sent::All)
    }
}

/// How far a stretch was sent.
enum Sent {
    /// To its end.
    All,
    /// Not this rest of a segment, and why.
    Until(Range, Error),
    /// Nobody receives any more.
    NobodyListens,
}

impl Source {
    /// Sends a stretch from the first copy that can be read, going on with the next one where it
    /// fails.
    fn send(
        &self,
        app: &Arc<App>,
        wanted: Range,
        identities: &Identities,
        drives: &mut Drives,
        to: &Sender<Piece>,
    ) -> Result<Sent> {
        let mut at = wanted.start;
        let mut last = None;
        for (number, (copy, barcode)) in self.copies.iter().enumerate() {
            let mut listening = true;
            let read = self.files(app, copy).and_then(|(files, frames)| {
                drives.with_reader(copy.volume, |reader| {
                    let mut sender = Sending {
                        app,
                        at: &mut at,
                        to,
                        listening: &mut listening,
                    };
                    self.read(reader, &files, frames, wanted, identities, &mut sender)
                })
            });
            match read {
                Ok(()) => identities.proved_on(copy.volume),
                Err(_) => identities.disproved(),
            }
            match read {
                Ok(()) if listening => return Ok(Sent::All),
                Ok(()) => return Ok(Sent::NobodyListens),
                // No other copy opens with a key that this one does not open with.
                Err(error) if is_wrong_key(&error) => return Err(error),
                Err(error) if error.kind() == ErrorKind::Failed => {
                    if number + 1 < self.copies.len() {
                        // Another copy may have it: worth a line, no more.
                        app.watcher.event(Event::Problem {
                            subject: barcode.to_string(),
                            what: error.to_string(),
                        });
                    }
                    last = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
        let gap = Range {
            start: at,
            end: self.segment.stream_offset + self.segment.plaintext_length,
        };
        let why = last.unwrap_or_else(|| {
            Error::failed(format!("segment {} is on no tape", self.segment.number.0))
        });
        Ok(Sent::Until(gap, why))
    }

    fn files(
        &self,
        app: &App,
        copy: &SegmentCopy,
    ) -> Result<(crate::tape::SegmentFiles, Option<FrameTable>)> {
        let files = app
            .catalogue
            .read(|view| volumes::segment_files(view, copy))?;
        let set = app.catalogue.read(|view| view.set(copy.set))?;
        let compressed = matches!(
            self.segment.codec,
            crate::catalogue::Codec::Zstd | crate::catalogue::Codec::ZstdAge
        );
        let Some(stored) = set.index.filter(|_| compressed) else {
            return Ok((files, None));
        };
        let index = IndexReader::open(&app.indexes().join(&stored.file))
            .context("the set's index cannot be read")?;
        let table = index.frames_of(self.segment.number).ok_or_else(|| {
            Error::failed(format!(
                "the set's index has no frames of segment {}",
                self.segment.number.0
            ))
        })?;
        let table = frame_table(table, self.segment.plaintext_length)?;
        Ok((files, Some(table)))
    }

    fn read(
        &self,
        reader: &mut VolumeReader,
        files: &crate::tape::SegmentFiles,
        frames: Option<FrameTable>,
        wanted: Range,
        identities: &Identities,
        to: &mut Sending<'_>,
    ) -> Result<()> {
        let segment = &self.segment;
        let what = || format!("segment {} cannot be read", segment.number.0);
        let payload = reader.payload(&files.data);
        let whole = *to.at == segment.stream_offset
            && wanted.end == segment.stream_offset + segment.plaintext_length;
        if whole {
            let coded = BufReader::with_capacity(CHUNK, payload);
            let mut plain =
                crate::tape::codec::decode(coded, volumes::tape_codec(segment.codec), identities)
                    .context(what())?;
            to.copy(&mut plain, wanted.end).context(what())?;
            if *to.listening {
                // Reading to the end compares the segment's digest.
                io::copy(&mut plain, &mut io::sink()).context(what())?;
            }
            return Ok(());
        }
        let mut plain = PlaintextReader::open(
            payload,
            volumes::tape_codec(segment.codec),
            segment.plaintext_length,
            frames,
            identities,
        )
        .context(what())?;
        plain
            .seek(SeekFrom::Start(*to.at - segment.stream_offset))
            .context(what())?;
        to.copy(&mut plain, wanted.end).context(what())
    }
}

/// Bytes on their way to the other thread.
struct Sending<'a> {
    app: &'a App,
    /// Stream offset of the next byte.
    at: &'a mut u64,
    to: &'a Sender<Piece>,
    listening: &'a mut bool,
}

impl Sending<'_> {
    fn copy(&mut self, from: &mut dyn Read, end: u64) -> io::Result<()> {
        while *self.at < end {
            if self.app.interrupt.requested() {
                *self.listening = false;
                return Ok(());
            }
            let wanted = usize::try_from(end - *self.at)
                .unwrap_or(usize::MAX)
                .min(CHUNK);
            let mut bytes = vec![0; wanted];
            let mut filled = 0;
            while filled < wanted {
                match from.read(&mut bytes[filled..]) {
                    Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                    Ok(read) => filled += read,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            *self.at += filled as u64;
            if self.to.send(Piece::Bytes(bytes)).is_err() {
                *self.listening = false;
                return Ok(());
            }
        }
        Ok(())
    }
}

/// Reads one range after the other; the end of a range is the end of the input until the next
/// one is begun.
#[derive(Debug)]
pub(super) struct RangeReader {
    pieces: Receiver<Piece>,
    bytes: Vec<u8>,
    used: usize,
    ended: bool,
}

impl RangeReader {
    pub(super) fn new(pieces: Receiver<Piece>) -> Self {
        Self {
            pieces,
            bytes: Vec::new(),
            used: 0,
            ended: true,
        }
    }

    /// Stream offset of the next range; `None` after the last.
    pub(super) fn next_range(&mut self) -> Option<u64> {
        for piece in &self.pieces {
            if let Piece::Begin(start) = piece {
                self.ended = false;
                self.bytes.clear();
                self.used = 0;
                return Some(start);
            }
        }
        None
    }

    /// Skips what is left of a range.
    pub(super) fn finish_range(&mut self) {
        while !self.ended {
            match self.pieces.recv() {
                Ok(Piece::Bytes(_) | Piece::Begin(_)) => {}
                Ok(Piece::End) | Err(_) => self.ended = true,
            }
        }
    }
}

impl Read for RangeReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.used == self.bytes.len() {
            if self.ended {
                return Ok(0);
            }
            match self.pieces.recv() {
                Ok(Piece::Bytes(bytes)) => {
                    self.bytes = bytes;
                    self.used = 0;
                }
                Ok(Piece::End) => self.ended = true,
                // The tape could not be read further.
                Ok(Piece::Begin(_)) | Err(_) => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
        let count = buffer.len().min(self.bytes.len() - self.used);
        buffer[..count].copy_from_slice(&self.bytes[self.used..self.used + count]);
        self.used += count;
        Ok(count)
    }
}

fn is_wrong_key(error: &Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if matches!(
            error.downcast_ref::<CodecError>(),
            Some(CodecError::WrongIdentity { .. })
        ) {
            return true;
        }
        cause = error.source();
    }
    false
}

fn frame_table(table: &crate::index::FrameTable, plaintext_length: u64) -> Result<FrameTable> {
    let wrong = || Error::failed("the set's index has an impossible table of frames");
    let size = u32::try_from(table.frame_plaintext).map_err(|_| wrong())?;
    let lengths = table
        .coded_lengths
        .iter()
        .map(|length| u32::try_from(*length).map_err(|_| wrong()))
        .collect::<Result<_>>()?;
    Ok(FrameTable {
        frame_size: FrameSize::try_from(size).map_err(|_| wrong())?,
        plaintext_length,
        lengths,
    })
}
