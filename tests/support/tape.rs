//! A virtual library in this process, its drives with cartridges in them, and streams to write.
#![allow(dead_code, unreachable_pub)] // each test program uses its own part
#![allow(clippy::unwrap_used)] // a test's helpers fail as the test itself does

use std::collections::VecDeque;
use std::io::Read;
use std::sync::{Arc, Mutex};

use crossbeam_channel::{Receiver, Sender, unbounded};
use tapeward::archive::member::{ResumePoint, SegmentNumber, SetForm};
use tapeward::clock::{Clock, ManualClock, SharedClock};
use tapeward::id::{CopyNumber, KeyId, RunId, SetDefinitionId, SetId, VolumeId};
use tapeward::key::{Identities, Recipient, create_identity_file};
use tapeward::tape::codec::{Codec, decode};
use tapeward::tape::document::{SetFacts, VolumeHeader};
use tapeward::tape::layout::{BlockSize, BlockSizes, SegmentFiles, TapeFile, serial_from_barcode};
use tapeward::tape::stream::{
    Feeding, FinishedVolume, Geometry, LaneEnd, LaneEvent, LaneState, SegmentClosed, Segmenter,
    SegmenterStart, StopFlag, StreamEvent, StreamOptions, SupplyError, VolumeSupply,
};
use tapeward::tape::volume::{
    DriveCompression, LabelPolicy, VolumeReader, VolumeRecord, VolumeWriter, WriterSettings,
};
use tapeward_drivers::smc::Changer;
use tapeward_drivers::socket::{InitiatorId, Lun};
use tapeward_drivers::transport::Transport;
use tapeward_drivers::{Drive, ssc};
use tapeward_sim::{CartridgeSpec, Durability, InProcess, Library, LibrarySpec, create};
use tempfile::TempDir;

pub const MIB: u64 = 1 << 20;
const HOST: InitiatorId = InitiatorId([7; 16]);

/// A library in a folder that goes away with it.
pub struct Room {
    pub library: Arc<Library>,
    pub folder: TempDir,
    pub clock: Arc<ManualClock>,
}

impl Room {
    pub fn new(cartridges: impl IntoIterator<Item = CartridgeSpec>) -> Arc<Self> {
        let folder = tempfile::tempdir().unwrap();
        let spec = cartridges.into_iter().fold(
            LibrarySpec::new("generic", "TEST0001"),
            LibrarySpec::with_cartridge,
        );
        let path = folder.path().join("library");
        create(&path, &spec).unwrap();
        let library = Library::open(&path, Durability::Process).unwrap();
        Arc::new(Self {
            library,
            folder,
            clock: ManualClock::shared("2026-11-21T09:00:00Z".parse().unwrap()),
        })
    }

    /// Cartridges named like this, all of one size.
    pub fn with(barcodes: &[&str], capacity: u64) -> Arc<Self> {
        Self::new(
            barcodes
                .iter()
                .map(|barcode| CartridgeSpec::labelled(barcode).with_capacity(capacity)),
        )
    }

    fn move_cartridge(&self, barcode: &str, to: u16) {
        let place = self.place_of(barcode);
        let transport = InProcess::connect(&self.library, Lun::CHANGER, HOST);
        let mut changer = Changer::new(Box::new(transport));
        while changer.test_unit_ready().is_err() {}
        let inventory = changer
            .inventory(&tapeward_drivers::smc::InventoryOptions::default())
            .unwrap();
        let transport = inventory
            .elements
            .iter()
            .find(|element| element.kind == tapeward_drivers::smc::ElementKind::MediumTransport)
            .unwrap()
            .address;
        let address = tapeward_drivers::smc::ElementAddress;
        changer
            .move_medium(transport, address(place), address(to))
            .unwrap();
    }

    fn place_of(&self, barcode: &str) -> u16 {
        self.library
            .elements()
            .iter()
            .find(|element| {
                let id = element.cartridge.as_ref();
                id.is_some_and(|id| id.as_str() == barcode)
            })
            .unwrap_or_else(|| panic!("{barcode} is not in the library"))
            .address
    }

    /// Puts a cartridge into a drive (from 0) and returns the drive, ready.
    pub fn load(&self, barcode: &str, bay: u16) -> Drive {
        self.move_cartridge(barcode, 0x0101 + bay);
        self.drive(bay)
    }

    /// A path to a drive, unit attentions taken.
    pub fn drive(&self, bay: u16) -> Drive {
        let mut drive: Drive = Box::new(ssc::Drive::new(Box::new(self.path(bay))));
        drive.consume_unit_attentions().unwrap();
        drive
    }

    pub fn path(&self, bay: u16) -> InProcess {
        InProcess::connect(&self.library, Lun(bay + 1), HOST)
    }

    /// Takes the cartridge out of a drive.
    pub fn unload(&self, barcode: &str) {
        let free = self
            .library
            .elements()
            .iter()
            .find(|element| element.address > 0x0400 && element.cartridge.is_none())
            .unwrap()
            .address;
        self.move_cartridge(barcode, free);
    }

    pub fn settings(&self, geometry: Geometry) -> WriterSettings {
        WriterSettings {
            clock: Arc::<ManualClock>::clone(&self.clock) as SharedClock,
            geometry,
            compression: DriveCompression::Off,
        }
    }

    pub fn header(&self, barcode: &str, geometry: Geometry, capacity: u64) -> VolumeHeader {
        let barcode = barcode.parse().unwrap();
        VolumeHeader {
            volume: VolumeId::generate(self.clock.now()),
            serial: serial_from_barcode(&barcode).unwrap(),
            barcode: Some(barcode),
            block_size: geometry.blocks.largest,
            native_capacity: capacity,
            labelled: self.clock.now(),
            retain_until: None,
        }
    }

    /// Loads a blank cartridge and labels it.
    pub fn label(
        &self,
        barcode: &str,
        bay: u16,
        geometry: Geometry,
        capacity: u64,
    ) -> VolumeWriter {
        let drive = self.load(barcode, bay);
        let header = self.header(barcode, geometry, capacity);
        VolumeWriter::label_new(
            drive,
            header,
            LabelPolicy::BlankOnly,
            self.settings(geometry),
        )
        .unwrap()
    }

    pub fn append(&self, bay: u16, record: VolumeRecord, geometry: Geometry) -> VolumeWriter {
        VolumeWriter::open_append(self.drive(bay), record, self.settings(geometry)).unwrap()
    }

    pub fn reader(&self, bay: u16, volume: VolumeId) -> VolumeReader {
        VolumeReader::open(self.drive(bay), volume).unwrap()
    }
}

/// Swaps finished volumes for blank ones, in order, and keeps what was on record of each.
pub struct Shelf {
    room: Arc<Room>,
    geometry: Geometry,
    capacity: u64,
    blanks: Mutex<Vec<(CopyNumber, VecDeque<&'static str>)>>,
    pub in_drive: Mutex<Vec<(u16, String)>>,
    /// What is made of the path to a drive when a further volume is labelled.
    pub wrap: Mutex<Option<Box<Wrap>>>,
}

pub type Wrap = dyn Fn(Box<dyn Transport>) -> Box<dyn Transport> + Send;

impl Shelf {
    pub fn new(
        room: &Arc<Room>,
        geometry: Geometry,
        capacity: u64,
        blanks: &[(u8, &[&'static str])],
    ) -> Arc<Self> {
        Arc::new(Self {
            room: Arc::clone(room),
            geometry,
            capacity,
            blanks: Mutex::new(
                blanks
                    .iter()
                    .map(|(copy, all)| (CopyNumber(*copy), all.iter().copied().collect()))
                    .collect(),
            ),
            in_drive: Mutex::new(Vec::new()),
            wrap: Mutex::new(None),
        })
    }

    /// Labels the next blank of a copy in the drive with the copy's number.
    pub fn first(&self, copy: u8) -> VolumeWriter {
        let copy = CopyNumber(copy);
        let barcode = self.take(copy).unwrap();
        let bay = u16::from(copy.0) - 1;
        self.in_drive
            .lock()
            .unwrap()
            .push((bay, barcode.to_owned()));
        self.room.label(barcode, bay, self.geometry, self.capacity)
    }

    fn take(&self, copy: CopyNumber) -> Option<&'static str> {
        let mut blanks = self.blanks.lock().unwrap();
        let (_, shelf) = blanks.iter_mut().find(|(of, _)| *of == copy)?;
        shelf.pop_front()
    }
}

impl VolumeSupply for Shelf {
    fn next(
        &self,
        copy: CopyNumber,
        finished: FinishedVolume,
    ) -> Result<VolumeWriter, SupplyError> {
        drop(finished.drive);
        let bay = u16::from(copy.0) - 1;
        // One robot: one move at a time.
        let mut in_drive = self.in_drive.lock().unwrap();
        let Some(barcode) = self.take(copy) else {
            return Err(SupplyError {
                why: "no blank cartridge is left".to_owned(),
            });
        };
        let slot = in_drive.iter_mut().find(|(of, _)| *of == bay).unwrap();
        self.room.unload(&slot.1);
        barcode.clone_into(&mut slot.1);
        let drive = self.room.load(barcode, bay);
        let drive = match &*self.wrap.lock().unwrap() {
            Some(wrap) => Box::new(ssc::Drive::new(wrap(Box::new(self.room.path(bay))))),
            None => drive,
        };
        let header = self.room.header(barcode, self.geometry, self.capacity);
        let settings = self.room.settings(self.geometry);
        VolumeWriter::label_new(drive, header, LabelPolicy::BlankOnly, settings).map_err(|error| {
            SupplyError {
                why: error.to_string(),
            }
        })
    }
}

/// Keys in files.
pub struct Keys {
    pub folder: TempDir,
    pub recipients: Vec<Recipient>,
}

impl Keys {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let now = "2026-11-21T09:00:00Z".parse().unwrap();
        let recipients = ["site", "escrow"]
            .iter()
            .map(|name| create_identity_file(&folder.path().join(name), now).unwrap())
            .collect();
        Self { folder, recipients }
    }

    pub fn identities(&self) -> Identities {
        Identities::load(&[self.folder.path().join("escrow")]).unwrap()
    }
}

pub fn options(codec: Codec, keys: &Keys) -> StreamOptions {
    StreamOptions {
        blocks: BlockSizes::all(BlockSize::new(16 << 10).unwrap()),
        segment_size: 64 * MIB,
        ring_size: 64 * MIB,
        codec,
        recipients: keys.recipients.clone(),
    }
}

pub fn set_facts(clock: &dyn Clock) -> SetFacts {
    let now = clock.now();
    SetFacts {
        set: SetId::generate(now),
        definition: SetDefinitionId::generate(now),
        run: RunId::generate(now),
        created: now,
        retain_until: Some(now + chrono::TimeDelta::days(365)),
        // As many as `Keys::new` makes.
        keys: vec![KeyId::generate(now), KeyId::generate(now)],
        form: SetForm::Tree,
    }
}

/// How long a lane may stand still.
pub const PATIENCE: std::time::Duration = std::time::Duration::from_secs(600);

/// A stream about to be written.
pub struct Stream {
    pub keys: Keys,
    pub options: StreamOptions,
    pub geometry: Geometry,
    pub set: SetFacts,
    pub stop: StopFlag,
    pub clock: SharedClock,
    pub sender: Sender<StreamEvent>,
    pub events: Receiver<StreamEvent>,
    pub resume: ResumePoint,
    pub first_segment: SegmentNumber,
}

impl Stream {
    pub fn new(room: &Room, codec: Codec, capacity: u64) -> Self {
        let keys = Keys::new();
        let options = options(codec, &keys);
        let (sender, events) = unbounded();
        Self {
            geometry: Geometry::new(&options, capacity),
            options,
            keys,
            set: set_facts(&*room.clock),
            stop: StopFlag::new(),
            clock: Arc::<ManualClock>::clone(&room.clock),
            sender,
            events,
            resume: ResumePoint::default(),
            first_segment: SegmentNumber(0),
        }
    }

    pub fn start(
        &self,
        lanes: Vec<(u8, VolumeWriter)>,
        supply: Arc<dyn VolumeSupply>,
    ) -> Segmenter {
        Segmenter::start(SegmenterStart {
            set: self.set.clone(),
            options: self.options.clone(),
            geometry: self.geometry,
            resume: self.resume.clone(),
            first_segment: self.first_segment,
            lanes: lanes
                .into_iter()
                .map(|(copy, writer)| (CopyNumber(copy), writer))
                .collect(),
            supply,
            events: self.sender.clone(),
            stop: self.stop.clone(),
            clock: self.clock.clone(),
            patience: PATIENCE,
        })
        .unwrap()
    }

    pub fn outcome(&self) -> Outcome {
        Outcome::of(self.events.try_iter())
    }
}

/// Events sorted.
#[derive(Default)]
pub struct Outcome {
    pub closed: Vec<SegmentClosed>,
    /// Copy, segment, volume, files.
    pub committed: Vec<(u8, SegmentNumber, VolumeId, SegmentFiles)>,
    /// Copy, segment, why.
    pub lost: Vec<(u8, SegmentNumber, String)>,
    /// Copy, volume, file.
    pub filed: Vec<(u8, VolumeId, TapeFile)>,
    pub skipped: Vec<(u8, String)>,
    pub dead: Vec<(u8, String)>,
    pub left_behind: Vec<(u8, String)>,
    pub fed: Vec<(u8, Feeding)>,
    pub opened: Vec<(u8, VolumeId)>,
    pub finished: Vec<(u8, VolumeId, bool)>,
}

impl Outcome {
    fn of(events: impl Iterator<Item = StreamEvent>) -> Self {
        let mut outcome = Self::default();
        for event in events {
            let (copy, event) = match event {
                StreamEvent::SegmentClosed(closed) => {
                    outcome.closed.push(*closed);
                    continue;
                }
                StreamEvent::Lane { copy, event } => (copy.0, event),
            };
            match event {
                LaneEvent::VolumeOpened { volume } => outcome.opened.push((copy, volume)),
                LaneEvent::Committed {
                    segment,
                    volume,
                    files,
                } => {
                    let closed = outcome
                        .closed
                        .iter()
                        .any(|one| one.facts.segment == segment);
                    assert!(closed, "a segment was committed before it was closed");
                    outcome.committed.push((copy, segment, volume, *files));
                }
                LaneEvent::Filed { volume, file } => outcome.filed.push((copy, volume, *file)),
                LaneEvent::SegmentLost { segment, why, .. } => {
                    outcome.lost.push((copy, segment, why));
                }
                LaneEvent::Fed(feeding) => outcome.fed.push((copy, feeding)),
                LaneEvent::SetIndexSkipped { why } => outcome.skipped.push((copy, why)),
                LaneEvent::VolumeFinished {
                    volume,
                    has_directory,
                    ..
                } => outcome.finished.push((copy, volume, has_directory)),
                LaneEvent::LeftBehind { why } => outcome.left_behind.push((copy, why)),
                LaneEvent::Dead { why } => outcome.dead.push((copy, why)),
            }
        }
        outcome
    }

    /// Everything on record of a volume, header first.
    pub fn record(&self, header: &[TapeFile], volume: VolumeId) -> VolumeRecord {
        let mut files = header.to_vec();
        for (_, _, of, segment) in &self.committed {
            if *of == volume {
                files.extend(segment.iter().cloned());
            }
        }
        for (_, of, file) in &self.filed {
            if *of == volume {
                files.push(file.clone());
            }
        }
        files.sort_by_key(|file| file.sequence);
        VolumeRecord { volume, files }
    }

    pub fn segments_of(&self, copy: u8) -> Vec<SegmentNumber> {
        let mut all: Vec<_> = self
            .committed
            .iter()
            .filter(|(of, ..)| *of == copy)
            .map(|(_, segment, ..)| *segment)
            .collect();
        all.sort_unstable();
        all
    }
}

/// Reads a segment's data off a volume and decodes it.
pub fn read_segment(
    reader: &mut VolumeReader,
    file: &TapeFile,
    codec: Codec,
    keys: &Keys,
) -> Vec<u8> {
    let mut plaintext = Vec::new();
    let coded = std::io::BufReader::new(reader.payload(file).unwrap());
    decode(coded, codec, &keys.identities())
        .unwrap()
        .read_to_end(&mut plaintext)
        .unwrap();
    plaintext
}

/// The volume a lane ended with.
pub fn volume_of(ends: &[LaneEnd], copy: u8) -> VolumeId {
    ends.iter()
        .find(|end| end.copy.0 == copy)
        .map(|end| match &end.state {
            LaneState::Open(writer) => writer.volume(),
            LaneState::Finished(finished) => finished.volume,
            LaneState::Dead { why, .. } => panic!("{why}"),
            LaneState::Away => panic!("copy {copy} has no drive"),
        })
        .unwrap()
}

/// The segments of a volume, decoded, in the order they were committed.
pub fn joined(
    reader: &mut VolumeReader,
    outcome: &Outcome,
    volume: VolumeId,
    codec: Codec,
    stream: &Stream,
) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (_, _, of, files) in &outcome.committed {
        if *of == volume {
            bytes.extend(read_segment(reader, &files.data, codec, &stream.keys));
        }
    }
    bytes
}

pub fn finish(segmenter: Segmenter) -> Vec<LaneEnd> {
    segmenter.finish().map_err(|failed| failed.0).unwrap()
}
