//! Reading stretches of stream from the cartridge in a drive.

use std::io::{BufReader, Seek, SeekFrom};

use crossbeam_channel::Sender;
use tapeward_drivers::ssc::BlockAddress;
use tapeward_drivers::ssc::access_order::UserDataSegment;
use tapeward_drivers::ssc::position::Partition;

use super::copies::Leg;
use super::pieces::{Begin, Copied, Piece, hand_over};
use super::request::Wanted;
use crate::app::App;
use crate::catalogue::{Segment, Volume};
use crate::error::{Context, Error, Result};
use crate::id::Barcode;
use crate::job::volumes;
use crate::key::Identities;
use crate::progress::Interrupt;
use crate::tape::codec::{FrameSize, FrameTable, PlaintextReader};
use crate::tape::document::VolumeHeader;
use crate::tape::layout::BlockSize;
use crate::tape::volume::VolumeReader;
use crate::tape::{CodecError, SegmentFiles, VolumeError};

/// Bytes read at a time where a segment is read whole.
const CHUNK: usize = 1 << 20;

/// A stretch to read from this cartridge.
#[derive(Debug)]
pub(super) struct Stretch<'a> {
    /// Number of its work.
    pub(super) work: usize,
    /// Number of the leg.
    pub(super) leg_number: usize,
    pub(super) leg: &'a Leg,
    pub(super) set: usize,
    /// What the writer is told, if the item begins here.
    pub(super) begin: Option<Begin>,
    /// Whether the item ends here.
    pub(super) last: bool,
    pub(super) to: Sender<Piece>,
}

/// How reading a stretch ended.
#[derive(Debug)]
pub(super) enum Read {
    /// All of it was read.
    All,
    /// Stopped; nothing is wrong.
    Stopped(Copied),
    /// Not from this stream offset on.
    Failed(u64, Error),
}

/// A segment and where it is on the cartridge.
#[derive(Debug)]
pub(super) struct OnTape {
    pub(super) files: SegmentFiles,
    frames: Option<FrameTable>,
}

impl OnTape {
    pub(super) fn find(app: &App, wanted: &Wanted, leg: &Leg) -> Result<Self> {
        let files = app
            .catalogue
            .read(|view| volumes::segment_files(view, &leg.held.row))?;
        let segment = &leg.segment;
        let compressed = segment.codec.is_compressed();
        let frames = if compressed {
            let table = wanted.index.frames_of(segment.number).ok_or_else(|| {
                Error::failed(format!(
                    "the set's index has no frames of segment {}",
                    segment.number.0
                ))
            })?;
            Some(frame_table(table, segment.plaintext_length)?)
        } else {
            None
        };
        Ok(Self { files, frames })
    }

    /// About which blocks hold a stretch.
    pub(super) fn blocks(&self, leg: &Leg) -> UserDataSegment {
        let data = &self.files.data;
        let block = |offset: u64| {
            let plain = u128::from(leg.segment.plaintext_length.max(1));
            let coded = u128::from(offset) * u128::from(data.length) / plain;
            let coded = u64::try_from(coded).unwrap_or(u64::MAX);
            let number = coded / data.block_size.as_u64();
            BlockAddress(data.first_block.0 + number.min(data.blocks.saturating_sub(1)))
        };
        let start = leg.segment.stream_offset;
        UserDataSegment {
            partition: Partition(0),
            first: block(leg.range.start - start),
            last: block((leg.range.end - start).saturating_sub(1)),
        }
    }
}

/// Reads stretches of one segment, nearest first; what came of each is told to `done`. Goes on
/// after one that failed.
pub(super) fn read_segment(
    reader: &mut VolumeReader,
    on_tape: &OnTape,
    stretches: &[Stretch<'_>],
    identities: &Identities,
    interrupt: &Interrupt,
    mut done: impl FnMut(&Stretch<'_>, Read) -> Result<()>,
) -> Result<()> {
    let mut rest = stretches;
    while let Some((first, others)) = rest.split_first() {
        if others.is_empty() && is_whole(&first.leg.segment, first.leg) {
            let read = read_whole(reader, on_tape, first, identities, interrupt);
            proves(identities, first, &read);
            return done(first, read);
        }
        let opened = reader
            .payload(&on_tape.files.data)
            .context(what(&first.leg.segment))
            .and_then(|payload| {
                PlaintextReader::open(
                    payload,
                    first.leg.segment.codec,
                    first.leg.segment.plaintext_length,
                    on_tape.frames.clone(),
                    identities,
                )
                .context(what(&first.leg.segment))
            });
        let mut plain = match opened {
            Ok(plain) => plain,
            Err(error) => {
                done(first, Read::Failed(first.leg.range.start, error))?;
                rest = others;
                continue;
            }
        };
        while let Some((stretch, others)) = rest.split_first() {
            rest = others;
            let mut at = stretch.leg.range.start;
            let seek = SeekFrom::Start(at - stretch.leg.segment.stream_offset);
            let begun = stretch.begin();
            let end = stretch.leg.range.end;
            let copied = plain.seek(seek).and_then(|_| {
                if begun {
                    hand_over(&mut plain, &mut at, end, &stretch.to, interrupt)
                } else {
                    Ok(Copied::Unheard)
                }
            });
            let read = match copied {
                Ok(Copied::All) => Read::All,
                Ok(stopped) => Read::Stopped(stopped),
                Err(error) => {
                    let error = Error::failed(what(&stretch.leg.segment)).because(error);
                    Read::Failed(at, error)
                }
            };
            let failed = matches!(read, Read::Failed(..));
            proves(identities, stretch, &read);
            done(stretch, read)?;
            if failed {
                break;
            }
        }
    }
    Ok(())
}

/// What was read to its end was opened by one of the identities, and is authentic.
fn proves(identities: &Identities, stretch: &Stretch<'_>, read: &Read) {
    match read {
        Read::All => identities.proved_on(stretch.leg.held.row.volume),
        Read::Failed(..) => identities.disproved(),
        Read::Stopped(_) => {}
    }
}

/// Reads a segment from its first byte to its last; its digest is compared.
fn read_whole(
    reader: &mut VolumeReader,
    on_tape: &OnTape,
    stretch: &Stretch<'_>,
    identities: &Identities,
    interrupt: &Interrupt,
) -> Read {
    let segment = &stretch.leg.segment;
    let mut at = stretch.leg.range.start;
    let coded = match reader.payload(&on_tape.files.data).context(what(segment)) {
        Ok(payload) => BufReader::with_capacity(CHUNK, payload),
        Err(error) => return Read::Failed(at, error),
    };
    let decoded = crate::tape::codec::decode(coded, segment.codec, identities);
    let mut plain = match decoded.context(what(segment)) {
        Ok(plain) => plain,
        Err(error) => return Read::Failed(at, error),
    };
    if !stretch.begin() {
        return Read::Stopped(Copied::Unheard);
    }
    let end = stretch.leg.range.end;
    match hand_over(&mut plain, &mut at, end, &stretch.to, interrupt) {
        Ok(Copied::All) => {}
        Ok(stopped) => return Read::Stopped(stopped),
        Err(error) => return Read::Failed(at, Error::failed(what(segment)).because(error)),
    }
    // Reading to the end compares the digest of the segment.
    match std::io::copy(&mut plain, &mut std::io::sink()) {
        Ok(_) => Read::All,
        Err(error) => Read::Failed(at, Error::failed(what(segment)).because(error)),
    }
}

impl Stretch<'_> {
    /// Tells the writer that an item begins; whether it still listens.
    fn begin(&self) -> bool {
        self.begin
            .is_none_or(|begin| self.to.send(Piece::Begin(begin)).is_ok())
    }
}

fn is_whole(segment: &Segment, leg: &Leg) -> bool {
    leg.range.start == segment.stream_offset
        && leg.range.end == segment.stream_offset + segment.plaintext_length
}

fn what(segment: &Segment) -> String {
    format!("segment {} cannot be read", segment.number.0)
}

/// What `volume.json` of a volume says, as the record has it.
pub(super) fn header(volume: &Volume, barcode: &Barcode) -> Result<VolumeHeader> {
    Ok(VolumeHeader {
        volume: volume.id,
        serial: volume.serial,
        barcode: Some(barcode.clone()),
        block_size: BlockSize::new(volume.block_size.into())
            .context("the record holds an impossible block size")?,
        native_capacity: volume.capacity,
        labelled: volume.labelled_at,
        retain_until: volume.retain_until,
    })
}

/// Whether nobody's identity opens what was read.
pub(super) fn is_wrong_key(error: &Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if matches!(
            error.downcast_ref::<CodecError>(),
            Some(CodecError::WrongIdentity { .. })
        ) || matches!(
            error.downcast_ref::<VolumeError>(),
            Some(VolumeError::KeyNotOpened { .. })
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
