//! A catalogue with something in it, for the tests of the record.

#![allow(dead_code, reason = "no test uses all of it")]
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::path::PathBuf;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use tapeward::archive::member::{ResumePoint, SegmentNumber, SetForm};
use tapeward::catalogue::*;
use tapeward::id::*;
use tapeward::journal::{self, Actor, Event};
use tapeward::tape::{Codec, TapeDigest};

pub(crate) fn now() -> DateTime<Utc> {
    "2026-11-21T09:16:00.123456789Z".parse().unwrap()
}

pub(crate) fn days(count: i64) -> DateTime<Utc> {
    now() + TimeDelta::days(count)
}

pub(crate) fn actor() -> Actor {
    Actor {
        person: "anna".to_owned(),
        account: None,
        station: "tape-host".to_owned(),
    }
}

/// A catalogue with a library, a labelled cartridge, a definition, a run and an open set.
pub(crate) struct World {
    _folder: tempfile::TempDir,
    pub(crate) path: PathBuf,
    pub(crate) catalogue: Catalogue,
    pub(crate) library: LibraryId,
    pub(crate) cartridge: CartridgeId,
    pub(crate) volume: VolumeId,
    pub(crate) definition: SetDefinitionId,
    pub(crate) key: KeyId,
    pub(crate) run: RunId,
    pub(crate) set: SetId,
}

pub(crate) const COPY: CopyNumber = CopyNumber(1);

pub(crate) fn pool(name: &str) -> PoolName {
    name.parse().unwrap()
}

pub(crate) fn new_cartridge(barcode: &str) -> NewCartridge {
    NewCartridge {
        id: CartridgeId::generate(now()),
        barcode: barcode.parse().unwrap(),
        generation: Generation::Lto8,
        medium_use: MediumUse::Data,
        medium_serial: Some("MS123".to_owned()),
        added_at: now(),
    }
}

pub(crate) fn new_volume(cartridge: CartridgeId, serial: &str) -> NewVolume {
    NewVolume {
        id: VolumeId::generate(now()),
        cartridge,
        serial: serial.parse().unwrap(),
        pool: pool("onsite"),
        capacity: 12_000_000_000_000,
        block_size: 262_144,
        worm: false,
        labelled_at: now(),
    }
}

pub(crate) fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catalogue.sqlite");
    let catalogue = Catalogue::open(&path).unwrap();
    let cartridge = new_cartridge("TWV001L8");
    let volume = new_volume(cartridge.id, "TWV001");
    let key = Key {
        id: KeyId::generate(now()),
        name: "site".to_owned(),
        recipient: "age1xyz".to_owned(),
        role: KeyRole::Site,
        identity: IdentityPlace::File {
            path: "/keys/site".into(),
        },
        created_at: now(),
        retired_at: None,
        pools: Vec::new(),
        replaces: None,
        identity_deleted_at: None,
    };
    let run = NewRun {
        id: RunId::generate(now()),
        kind: RunKind::Backup,
        month: Some("2026-11".parse().unwrap()),
        plan: json!({"sets": [1]}),
        actor: actor(),
        started_at: now(),
    };
    let set = SetId::generate(now());
    let (library, definition) = catalogue
        .write(|tx| {
            let library = tx.record_library(&NewLibrary {
                id: LibraryId::generate(now()),
                name: "main".to_owned(),
                vendor: "TAPEWARD".to_owned(),
                product: "VLIB".to_owned(),
                serial: "L1".to_owned(),
                seen_at: now(),
            })?;
            tx.add_cartridge(&cartridge)?;
            tx.add_volume(&volume, None)?;
            tx.add_key(&key)?;
            tx.add_run(&run)?;
            let definition = tx.save_definition(
                SetDefinitionId::generate(now()),
                &new_definition("finance"),
                now(),
            )?;
            tx.add_set(&NewSet {
                id: set,
                definition,
                run: run.id,
                month: Month::of(now()),
                started_at: now(),
                retain_until: days(365),
                agency: Some("treasury".to_owned()),
                copies: [(COPY, "onsite", 365), (CopyNumber(2), "offsite", 90)]
                    .map(|(copy, name, kept)| NewSetCopy {
                        copy,
                        pool: pool(name),
                        retain_until: days(kept),
                    })
                    .to_vec(),
                form: SetForm::Tree,
                encryption: Encryption::Age,
                recipients: vec![key.id],
            })?;
            Ok::<_, CatalogueError>((library, definition))
        })
        .unwrap();
    World {
        _folder: folder,
        path,
        catalogue,
        library,
        cartridge: cartridge.id,
        volume: volume.id,
        definition,
        key: key.id,
        run: run.id,
        set,
    }
}

pub(crate) fn new_definition(name: &str) -> NewDefinition {
    NewDefinition {
        name: name.to_owned(),
        source: "/appliance/finance".into(),
        commands: Commands::default(),
        parent: None,
        excludes: vec!["cache".into()],
        compression: Compression::Zstd,
        encryption: Encryption::Age,
        copies: vec![(COPY, pool("onsite"))],
        retention_days: Some(400),
        recipients: Vec::new(),
        agency: Some("treasury".to_owned()),
    }
}

pub(crate) fn tape_file(world: &World, number: u32) -> TapeFile {
    TapeFile {
        volume: world.volume,
        number: TapeFileNumber(number),
        kind: TapeFileKind::SegmentData,
        first_block: u64::from(number) * 100,
        blocks: 10,
        bytes: 2_621_440,
        digest: TapeDigest::from_bytes([7; 16]),
        trailer: format!("EOF1{number:0>76}"),
        written_at: now(),
    }
}

pub(crate) fn segment(world: &World, number: u32) -> Segment {
    Segment {
        set: world.set,
        number: SegmentNumber(number),
        stream_offset: u64::from(number) << 40,
        plaintext_length: 1 << 40,
        coded_length: 1 << 39,
        codec: Codec::ZstdAge,
        digest: TapeDigest::from_bytes((u128::MAX - u128::from(number)).to_be_bytes()),
        entries: 12,
        resume_point: ResumePoint {
            last_path: Some(b"a/\xff".to_vec()),
            partial: None,
            stream_offset: u64::MAX >> 1,
            ..ResumePoint::default()
        },
        part: Some(StoredIndex {
            file: format!("part-{number}"),
            digest: ContentDigest([9; 32]),
        }),
        closed_at: now(),
    }
}

pub(crate) fn segment_copy(world: &World, number: u32, tape_file: u32) -> SegmentCopy {
    SegmentCopy {
        set: world.set,
        segment: SegmentNumber(number),
        copy: COPY,
        volume: world.volume,
        tape_file: TapeFileNumber(tape_file),
        block_address: 4,
        state: SegmentCopyState::Committed,
        committed_at: now(),
        verified_at: None,
    }
}

/// Records a committed segment as a job does: all of it in one transaction.
pub(crate) fn commit(world: &World, number: u32, file: u32) -> Result<(), CatalogueError> {
    world.catalogue.write(|tx| {
        tx.add_tape_file(&tape_file(world, file))?;
        tx.add_segment(&segment(world, number))?;
        tx.add_segment_copy(&segment_copy(world, number, file))?;
        let event = Event::SegmentCommitted {
            run: world.run,
            set: world.set,
            volume: world.volume,
            segment: SegmentNumber(number),
            copy: COPY,
            tape_file: TapeFileNumber(file),
            codec: Codec::ZstdAge,
            digest: TapeDigest::from_bytes([0; 16]),
            bytes: 1,
        };
        journal::append(tx, now(), &actor(), &event).map(|_| ())
    })
}

pub(crate) fn read<T>(
    world: &World,
    query: impl FnOnce(&View<'_>) -> Result<T, CatalogueError>,
) -> T {
    world.catalogue.read(query).unwrap()
}

pub(crate) fn write<T>(
    world: &World,
    work: impl FnOnce(&Tx<'_>) -> Result<T, CatalogueError>,
) -> Result<T, CatalogueError> {
    world.catalogue.write(work)
}
