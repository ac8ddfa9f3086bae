//! Damage matrix: every kind of block, damaged in every way. What the other copy has is taken from
//! there; with one copy exactly what was in the damaged place is missing, and named.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // as in any test

#[path = "support/damage.rs"]
mod damage;
#[path = "support/refusal.rs"]
mod refusal;
#[path = "support/seeded.rs"]
mod seeded;
#[path = "support/world.rs"]
mod world;

use std::collections::BTreeSet;
use std::fs;
use std::ops::Range;

use damage::{Action, Kept, damage};
use tapeward::catalogue::{BackupSet, Catalogue, Segment, TapeFile, TapeFileKind};
use tapeward::index::IndexReader;
use world::{World, same_trees, texts};

const BLOCK: u64 = 16 << 10;
const COPIES: [&str; 2] = ["TWV001L8", "TWV002L8"];
/// Plaintext of an age chunk, and what its ciphertext is longer by (age specification, "Payload").
const CHUNK: u64 = 64 << 10;
const TAG: u64 = 16;
const NONCE: u64 = 16;

/// A set of some segments on two cartridges, the same blocks at the same places.
struct Tape {
    world: World,
    set: BackupSet,
    segments: Vec<Segment>,
    files: [Vec<TapeFile>; 2],
    kept: [Kept; 2],
}

impl Tape {
    fn new(compression: &str) -> Self {
        let world = World::with_library("64MiB");
        world.configure(
            "[stream]\nsegment-size = \"512KiB\"\nblock-size = \"16KiB\"\nring-size = \"64KiB\"\n",
        );
        let source = world.path("source");
        let mut random = seeded::Seeded::new(5);
        for number in 0..120 {
            let folder = source.join(format!("d{}", number % 7));
            fs::create_dir_all(&folder).unwrap();
            let size = match number % 10 {
                0 => 60_000 + random.below(60_000),
                1 => 0,
                _ => random.below(9_000),
            };
            let bytes = random.bytes(usize::try_from(size).unwrap());
            fs::write(folder.join(format!("f{number:03}")), bytes).unwrap();
        }
        let define = ["set", "define", "data", source.to_str().unwrap()];
        world.ok([&define[..], &["--compression", compression]].concat());
        world.ok(["job", "run"]);
        world.return_cartridges();
        let catalogue = Catalogue::open(&world.state().join("catalogue.db")).unwrap();
        let (set, segments, files) = catalogue
            .read(|view| {
                let set = view.sets()?.remove(0);
                let segments = view.segments(set.id)?;
                let files = COPIES.map(|barcode| {
                    let volume = view.volume_by_barcode(&barcode.parse().unwrap());
                    view.tape_files(volume.unwrap().unwrap().id).unwrap()
                });
                Ok::<_, tapeward::error::Error>((set, segments, files))
            })
            .unwrap();
        assert!(segments.len() >= 3, "{}", segments.len());
        let kept = COPIES.map(|barcode| Kept::take(&world, barcode));
        Self {
            world,
            set,
            segments,
            files,
            kept,
        }
    }

    fn file(&self, kind: TapeFileKind, number: usize) -> &TapeFile {
        let mut files = self.files[0].iter().filter(|file| file.kind == kind);
        files.nth(number).unwrap()
    }

    fn put_back(&self) {
        for kept in &self.kept {
            kept.put_back(&self.world);
        }
    }

    /// The paths of members with plaintext in one of these stretches of a segment.
    fn members(&self, segment: usize, plain: &[Range<u64>]) -> BTreeSet<String> {
        let stored = self.set.index.as_ref().unwrap();
        let path = self.world.state().join("indexes").join(&stored.file);
        let index = IndexReader::open(&path).unwrap();
        let mut paths = BTreeSet::new();
        let stretches = plain.iter().map(|range| {
            let start = self.segments[segment].stream_offset;
            start + range.start..start + range.end
        });
        let stretches: Vec<_> = stretches.collect();
        for entry in index.entries() {
            let entry = entry.unwrap();
            let of = usize::try_from(entry.address.segment.0).unwrap();
            let start = self.segments[of].stream_offset + entry.address.offset;
            let end = start + entry.length;
            if stretches
                .iter()
                .any(|range| start < range.end && range.start < end)
            {
                paths.insert(String::from_utf8(entry.path).unwrap());
            }
        }
        paths
    }

    /// Bytes before the first chunk of a segment: the header, whose last line begins with `---`,
    /// and the nonce.
    fn payload_start(&self, segment: usize) -> u64 {
        let file = self.file(TapeFileKind::SegmentData, segment);
        let index = fs::read(self.world.cartridge_folder(COPIES[0]).join("index")).unwrap();
        let row = 32 + 16 * usize::try_from(file.first_block).unwrap();
        let offset = u64::from_be_bytes(index[row..row + 8].try_into().unwrap());
        let data = fs::read(self.world.cartridge_folder(COPIES[0]).join("data")).unwrap();
        let data = &data[usize::try_from(offset).unwrap()..];
        let text = String::from_utf8_lossy(&data[..4096]).into_owned();
        let mac = text.find("\n--- ").unwrap() + 1;
        (mac + text[mac..].find('\n').unwrap() + 1) as u64 + NONCE
    }

    /// The plaintext that a block of a segment is needed for.
    fn plain_of(&self, segment: usize, block: u64) -> Range<u64> {
        let start = self.payload_start(segment);
        let length = self.segments[segment].plaintext_length;
        let (first, end) = (block * BLOCK, (block + 1) * BLOCK);
        if first < start {
            // The header is in it.
            return 0..length;
        }
        let chunk = |coded: u64| (coded - start) / (CHUNK + TAG);
        chunk(first) * CHUNK..((chunk(end - 1) + 1) * CHUNK).min(length)
    }

    /// Restores; which paths the report names as missing.
    fn restore(&self, more: &[&str]) -> (BTreeSet<String>, String) {
        let back = self.world.path("back");
        let fixed = ["--json", "restore", "data", "--to", back.to_str().unwrap()];
        let output = self.world.run([&fixed[..], more].concat());
        let (out, err) = texts(&output);
        let code = output.status.code();
        assert!(matches!(code, Some(0 | 3)), "exits {code:?}\n{out}\n{err}");
        let report: serde_json::Value = serde_json::from_str(&out).unwrap();
        let mut missing = BTreeSet::new();
        for problem in report["problems"].as_array().unwrap() {
            let problem = problem.as_str().unwrap();
            if let Some(path) = problem.strip_suffix(": it is on no tape that can be read") {
                missing.insert(path.to_owned());
            }
        }
        assert_eq!(missing.is_empty(), code == Some(0), "{out}\n{err}");
        (missing, format!("{out}\n{err}"))
    }

    /// What was restored is what the source has, but for these paths, which are not there.
    #[track_caller]
    fn check(&self, missing: &BTreeSet<String>, what: &str) {
        let (source, back) = (self.world.path("source"), self.world.path("back"));
        if missing.is_empty() {
            same_trees(&source, &back);
        } else {
            for entry in fs::read_dir(&source).unwrap() {
                let folder = entry.unwrap().file_name().into_string().unwrap();
                for entry in fs::read_dir(source.join(&folder)).unwrap() {
                    let name = entry.unwrap().file_name().into_string().unwrap();
                    let path = format!("{folder}/{name}");
                    let there = fs::read(back.join(&path)).ok();
                    let wanted = fs::read(source.join(&path)).unwrap();
                    if missing.contains(&path) {
                        assert!(there.is_none(), "{what}: {path} is there");
                    } else {
                        assert!(there == Some(wanted), "{what}: {path} is not as it was");
                    }
                }
            }
        }
        fs::remove_dir_all(back).unwrap();
    }
}

/// Every place with the block next to it that it is swapped with, and the blocks of a segment it is.
fn places(tape: &Tape) -> Vec<(&'static str, u64, u64, Option<[u64; 2]>)> {
    let data = tape.file(TapeFileKind::SegmentData, 1);
    let small = |kind, number| {
        let block = tape.file(kind, number).first_block;
        // Before it are a filemark and three labels.
        (block, block - 2)
    };
    let middle = data.blocks / 2;
    let last = data.blocks - 1;
    let at = |block: u64, other: u64| {
        let first = data.first_block;
        (first + block, first + other, Some([block, other]))
    };
    let labels = |name, block, other| (name, block, other, None);
    let of = |name, (block, other)| (name, block, other, None);
    let data_block = |name, (block, other, blocks)| (name, block, other, blocks);
    vec![
        labels("VOL1", 0, 1),
        labels("HDR1", 1, 2),
        labels("HDR2", 2, 1),
        of("volume.json", small(TapeFileKind::VolumeHeader, 0)),
        data_block("first data block", at(0, 1)),
        data_block("middle data block", at(middle, middle + 1)),
        data_block("last data block", at(last, last - 1)),
        labels(
            "EOF1",
            data.first_block + data.blocks + 1,
            data.first_block + data.blocks + 2,
        ),
        of("part.json", small(TapeFileKind::Part, 1)),
        of("index part", small(TapeFileKind::IndexPart, 1)),
        of("set index", small(TapeFileKind::SetIndex, 0)),
        of("directory", small(TapeFileKind::Directory, 0)),
    ]
}

#[test]
fn every_kind_of_block_damaged_in_every_way() {
    let tape = Tape::new("none");
    for (name, block, other, data) in places(&tape) {
        for action in [
            Action::Corrupt,
            Action::Truncate,
            Action::Unreadable,
            Action::Swap(other),
        ] {
            let what = format!("{name}, {action:?}");
            let wanted = data.map_or_else(BTreeSet::new, |[block, other]| {
                let mut plain = vec![tape.plain_of(1, block)];
                if matches!(action, Action::Swap(_)) {
                    plain.push(tape.plain_of(1, other));
                }
                tape.members(1, &plain)
            });
            assert_eq!(wanted.is_empty(), data.is_none(), "{what}");
            damage(&tape.world, COPIES[0], &[(block, action)]);
            // With the other copy nothing is missing.
            let (missing, said) = tape.restore(&[]);
            assert!(missing.is_empty(), "{what}: {missing:?}\n{said}");
            tape.check(&missing, &what);
            // With this one alone it is what was there.
            let (missing, said) = tape.restore(&["--copy", "1"]);
            assert_eq!(missing, wanted, "{what}\n{said}");
            tape.check(&missing, &what);
            tape.put_back();
        }
    }
}

/// Each copy has what the other lacks, also of one and the same file, or both lack the same.
#[test]
fn two_damaged_copies_make_one_whole_where_the_damage_differs() {
    let tape = Tape::new("none");
    let first = tape.file(TapeFileKind::SegmentData, 1).first_block;
    let unreadable = |block: u64| (first + block, Action::Unreadable);
    damage(&tape.world, COPIES[0], &[unreadable(4), unreadable(20)]);
    let other = [
        (first + 12, Action::Corrupt),
        (first + 25, Action::Truncate),
    ];
    damage(&tape.world, COPIES[1], &other);
    let (missing, said) = tape.restore(&[]);
    assert!(missing.is_empty(), "{missing:?}\n{said}");
    tape.check(&missing, "one segment");
    tape.put_back();

    for barcode in COPIES {
        damage(&tape.world, barcode, &[(first + 12, Action::Truncate)]);
    }
    let (missing, said) = tape.restore(&[]);
    let wanted = tape.members(1, &[tape.plain_of(1, 12)]);
    assert_eq!(missing, wanted, "{said}");
    tape.check(&missing, "the same place");
}

/// A frame is compressed as a whole: what is in it needs all of it, from one copy.
#[test]
fn compressed_frames_come_from_either_copy() {
    let tape = Tape::new("zstd");
    for (copy, segment) in [(0, 1), (1, 2)] {
        let first = tape.file(TapeFileKind::SegmentData, segment).first_block;
        let blocks = [
            (first + 4, Action::Unreadable),
            (first + 9, Action::Corrupt),
        ];
        damage(&tape.world, COPIES[copy], &blocks);
    }
    let (missing, said) = tape.restore(&[]);
    assert!(missing.is_empty(), "{missing:?}\n{said}");
    tape.check(&missing, "zstd");
    let (missing, said) = tape.restore(&["--copy", "1"]);
    assert!(!missing.is_empty(), "{said}");
    tape.check(&missing, "zstd, one copy");
}

/// What is read later from the same segment is not missing.
#[test]
fn a_gap_ends_where_the_damage_ends() {
    let tape = Tape::new("none");
    let first = tape.file(TapeFileKind::SegmentData, 1).first_block;
    let lost = tape.members(1, &[tape.plain_of(1, 3)]);
    let behind = tape.members(1, &[tape.plain_of(1, 25)]);
    let behind: Vec<&String> = behind.iter().filter(|path| path.contains("/f")).collect();
    let (wanted, also) = (
        behind[0].as_str(),
        lost.iter().find(|path| path.contains("/f")).unwrap(),
    );
    damage(&tape.world, COPIES[0], &[(first + 3, Action::Unreadable)]);
    let (missing, said) = tape.restore(&["--copy", "1", also, wanted]);
    assert_eq!(missing, BTreeSet::from([also.clone()]), "{said}");
    let there = fs::read(tape.world.path("back").join(wanted)).unwrap();
    assert!(there == fs::read(tape.world.path("source").join(wanted)).unwrap());
}

/// What reading back with an identity says of copy 1: the files that are not as they were written.
fn differing(tape: &Tape) -> (BTreeSet<String>, String) {
    let output = tape
        .world
        .run(["--json", "verify", "data", "--copy", "1", "--content"]);
    let (out, err) = texts(&output);
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    let copy = &report["copies"][0];
    let names = copy["differing"].as_array().unwrap().iter();
    let names: BTreeSet<String> = names
        .map(|name| name.as_str().unwrap().to_owned())
        .collect();
    assert_eq!(copy["differing_files"], names.len(), "{out}");
    assert_eq!(
        output.status.code(),
        Some(i32::from(!names.is_empty())),
        "{out}{err}"
    );
    (names, format!("{out}{err}"))
}

/// Reading back names the files a restore from that copy would not have.
#[test]
fn reading_back_with_an_identity_names_the_files_that_differ() {
    for compression in ["none", "zstd"] {
        let tape = Tape::new(compression);
        let (names, said) = differing(&tape);
        assert!(names.is_empty(), "{said}");
        let first = tape.file(TapeFileKind::SegmentData, 1).first_block;
        for action in [Action::Corrupt, Action::Unreadable, Action::Truncate] {
            damage(
                &tape.world,
                COPIES[0],
                &[(first + 6, action), (first + 14, action)],
            );
            let (names, said) = differing(&tape);
            let (missing, _) = tape.restore(&["--copy", "1"]);
            assert!(!missing.is_empty(), "{action:?}: {said}");
            assert_eq!(names, missing, "{compression}, {action:?}: {said}");
            fs::remove_dir_all(tape.world.path("back")).unwrap();
            tape.put_back();
        }
        // The same by volume, of a segment that is not known to be bad.
        let other = tape.file(TapeFileKind::SegmentData, 2).first_block;
        damage(&tape.world, COPIES[0], &[(other + 3, Action::Corrupt)]);
        let (wanted, _) = tape.restore(&["--copy", "1"]);
        let run = ["--json", "scrub", "run", "--volumes", "2", "--files"];
        let (out, err) = tape.world.exits(1, run);
        let report: serde_json::Value = serde_json::from_str(&out).unwrap();
        let volumes = report["volumes"].as_array().unwrap().iter();
        let volumes: Vec<_> = volumes.collect();
        let names = volumes
            .iter()
            .flat_map(|volume| volume["differing"].as_array().unwrap());
        let names: BTreeSet<String> = names
            .map(|name| name.as_str().unwrap().to_owned())
            .collect();
        assert!(!names.is_empty() && names.is_subset(&wanted), "{out}{err}");
        // A file that begins in the segment that is known to be bad.
        let apart = volumes
            .iter()
            .map(|volume| volume["files_apart"].as_u64().unwrap());
        let more = wanted.difference(&names).count() as u64;
        assert!(more <= apart.sum::<u64>(), "{compression}: {out}{err}");
    }
}
