//! The file index beside a flat SQLite table with the same rows, in the same run.
//!
//! `cargo bench --bench index`; `TAPEWARD_BENCH_ROWS` (10,000,000) and `TAPEWARD_BENCH_ROUNDS` (3)
//! make it shorter. The table is SQLite at its best: one sorted `WITHOUT ROWID` table, one
//! transaction, no journal, nothing synchronised. Rows are made on the fly for both; how long that
//! alone takes is printed. Both files stand in a temporary folder (`TMPDIR`).
//!
//! What `find` does is measured on the same index: one path in one set, one path in a hundred sets of
//! a tenth of the rows (opening them included; it is one file opened a hundred times), and patterns.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    reason = "a program that prints figures"
)]

use std::fs::File;
use std::io::BufWriter;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

use tapeward::archive::member::{
    FileTime, IndexEntry, MemberAddress, MemberKind, MemberState, SegmentNumber,
};
use tapeward::id::SetId;
use tapeward::index::{
    Glob, IndexHeader, IndexReader, IndexWriter, Paths, Query, Scope, merge, search_all,
};

const FILES_IN_FOLDER: u64 = 60;
const FOLDERS_IN_PROJECT: u64 = 40;
const LOOKUPS: usize = 10_000;
const SEGMENT_BYTES: u64 = 32 << 30;

fn main() {
    let rows = variable("TAPEWARD_BENCH_ROWS", 10_000_000);
    let rounds = variable("TAPEWARD_BENCH_ROUNDS", 3).max(1);
    let folder = tempfile::tempdir().unwrap();
    let index = folder.path().join("index");
    let table = folder.path().join("table.sqlite");

    let begun = Instant::now();
    let mut check = 0;
    for_each_row(rows, |entry| check ^= entry.size ^ entry.path.len() as u64);
    let making = begun.elapsed();
    println!(
        "{rows} rows, {rounds} rounds; making the rows alone takes {:.2} s (check {check:x})",
        making.as_secs_f64()
    );

    let mut ours = Figures::default();
    let mut theirs = Figures::default();
    for _ in 0..rounds {
        ours.ingest.push(write_index(&index, rows));
        theirs.ingest.push(write_table(&table, rows));
    }
    println!("peak memory after writing: {}", peak_memory());
    ours.bytes = std::fs::metadata(&index).unwrap().len();
    theirs.bytes = std::fs::metadata(&table).unwrap().len();

    let wanted = wanted_paths(rows);
    for _ in 0..rounds {
        ours.lookups.push(index_lookups(&index, &wanted));
        theirs.lookups.push(table_lookups(&table, &wanted));
        ours.scan.push(scan_index(&index, rows));
        theirs.scan.push(scan_table(&table, rows));
    }
    report(rows, &mut ours, &mut theirs);
    report_find(folder.path(), &index, rows, rounds, &wanted);
    println!("peak memory at the end: {}", peak_memory());
    report_merge(folder.path(), rows);
}

fn variable(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| {
        text.replace('_', "").parse().unwrap_or_else(|_| {
            println!("{name} is not a number; {default} is taken");
            default
        })
    })
}

#[derive(Default)]
struct Figures {
    ingest: Vec<Duration>,
    bytes: u64,
    lookups: Vec<Duration>,
    scan: Vec<Duration>,
}

fn median(times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64()
}

fn range(times: &[Duration], show: impl Fn(f64) -> f64) -> String {
    let shown = times.iter().map(|time| show(time.as_secs_f64()));
    let (low, high) = shown.fold((f64::MAX, f64::MIN), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    format!("({low:.2}-{high:.2})")
}

fn report(rows: u64, ours: &mut Figures, theirs: &mut Figures) {
    let rows = rows as f64;
    let rate = |seconds: f64| rows / seconds / 1e6;
    let micros = |seconds: f64| seconds * 1e6;
    println!("{:<26} {:>22} {:>22} {:>8}", "", "index", "SQLite", "ratio");
    let line = |name: &str, a: f64, b: f64, ratio: f64, ra: String, rb: String| {
        println!("{name:<26} {a:>8.2} {ra:>13} {b:>8.2} {rb:>13} {ratio:>7.2}x");
    };
    let (a, b) = (
        rate(median(&mut ours.ingest)),
        rate(median(&mut theirs.ingest)),
    );
    let (ra, rb) = (range(&ours.ingest, rate), range(&theirs.ingest, rate));
    line("ingest, million rows/s", a, b, a / b, ra, rb);
    let (a, b) = (ours.bytes as f64 / rows, theirs.bytes as f64 / rows);
    line("bytes per row", a, b, a / b, String::new(), String::new());
    let (a, b) = (
        micros(median(&mut ours.lookups)),
        micros(median(&mut theirs.lookups)),
    );
    let (ra, rb) = (range(&ours.lookups, micros), range(&theirs.lookups, micros));
    line("lookup p50, microseconds", a, b, a / b, ra, rb);
    let (a, b) = (rate(median(&mut ours.scan)), rate(median(&mut theirs.scan)));
    let (ra, rb) = (range(&ours.scan, rate), range(&theirs.scan, rate));
    line("scan, million rows/s", a, b, a / b, ra, rb);
}

/// Sets of a month's restore, or of all months.
const SETS: usize = 100;

fn report_find(folder: &Path, index: &Path, rows: u64, rounds: u64, wanted: &[Vec<u8>]) {
    let line = |name: &str, unit: &str, mut times: Vec<Duration>, show: &dyn Fn(f64) -> f64| {
        let middle = show(median(&mut times));
        println!("{name:<44} {middle:>9.2} {unit} {}", range(&times, show));
    };
    let exactly = |path: &[u8]| Query::of(Paths::Exactly(path.to_vec()));
    let mut times = Vec::new();
    let reader = IndexReader::open(index).unwrap();
    for _ in 0..rounds {
        times.push(half_of(wanted, |path| {
            reader.search(&exactly(path)).next().unwrap().is_ok()
        }));
    }
    line("find, one path in one set, p50", "us", times, &|seconds| {
        seconds * 1e6
    });

    let small = folder.join("small");
    write_index(&small, rows / 10);
    let first = reader.entries().next().unwrap().unwrap().path;
    let sets = vec![small; SETS];
    let mut times = Vec::new();
    for _ in 0..rounds * 3 {
        let begun = Instant::now();
        let mut found = 0;
        let ended = search_all(&sets, &exactly(&first), 1, |_, row| match row {
            Ok(_) => {
                found += 1;
                ControlFlow::Continue(())
            }
            Err(error) => ControlFlow::Break(error),
        });
        assert!(ended.is_continue() && found == SETS);
        times.push(begun.elapsed());
    }
    line(
        "find, one path in 100 sets of a tenth",
        "ms",
        times,
        &|seconds| seconds * 1e3,
    );

    for pattern in ["*.xlsx", "*project-0001*", "*/report_0[12]?*.pdf"] {
        let query = Query::of(Paths::Matching(Glob::new(pattern.as_bytes()).unwrap()));
        let mut times = Vec::new();
        let mut found = 0;
        for _ in 0..rounds {
            let begun = Instant::now();
            found = reader.search(&query).map(Result::unwrap).count();
            times.push(begun.elapsed());
        }
        let name = format!("find {pattern} ({found} found)");
        line(&name, "million rows/s", times, &|seconds| {
            rows as f64 / seconds / 1e6
        });
    }
}

/// The index made of one part for each segment, as a job makes it.
fn report_merge(folder: &Path, rows: u64) {
    let set = SetId::generate(chrono::DateTime::UNIX_EPOCH);
    let parts = 8;
    let mut writers: Vec<_> = (0..parts)
        .map(|number| {
            let header = IndexHeader {
                set,
                scope: Scope::Part(SegmentNumber(number)),
                origin: None,
            };
            let file = File::create(folder.join(format!("part-{number}"))).unwrap();
            IndexWriter::new(BufWriter::new(file), &header).unwrap()
        })
        .collect();
    let mut number = 0;
    for_each_row(rows, |entry| {
        let part = number * u64::from(parts) / rows;
        writers[part as usize].push(entry).unwrap();
        number += 1;
    });
    for writer in writers {
        writer.finish(&[]).unwrap();
    }
    let begun = Instant::now();
    let readers: Vec<_> = (0..parts)
        .map(|number| IndexReader::open(&folder.join(format!("part-{number}"))).unwrap())
        .collect();
    let header = IndexHeader {
        set,
        scope: Scope::Set { segments: parts },
        origin: None,
    };
    let out = BufWriter::new(File::create(folder.join("merged")).unwrap());
    let (summary, _) = merge(&readers, &header, out).unwrap();
    assert_eq!(summary.totals.rows, rows);
    let rate = rows as f64 / begun.elapsed().as_secs_f64() / 1e6;
    println!("merging {parts} parts: {rate:.2} million rows/s");
}

fn write_index(path: &Path, rows: u64) -> Duration {
    let begun = Instant::now();
    let header = IndexHeader {
        set: SetId::generate(chrono::DateTime::UNIX_EPOCH),
        scope: Scope::Set { segments: 1 },
        origin: None,
    };
    let out = BufWriter::new(File::create(path).unwrap());
    let mut writer = IndexWriter::new(out, &header).unwrap();
    for_each_row(rows, |entry| writer.push(entry).unwrap());
    let (summary, _) = writer.finish(&[]).unwrap();
    assert_eq!(summary.totals.rows, rows);
    begun.elapsed()
}

fn write_table(path: &Path, rows: u64) -> Duration {
    let _ = std::fs::remove_file(path);
    let begun = Instant::now();
    let database = rusqlite::Connection::open(path).unwrap();
    database
        .execute_batch(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -65536;
             CREATE TABLE entry (path BLOB NOT NULL, kind INTEGER, size INTEGER, seconds INTEGER,
                nanos INTEGER, mode INTEGER, uid INTEGER, gid INTEGER, segment INTEGER NOT NULL,
                offset INTEGER NOT NULL, length INTEGER, digest BLOB, link_segment INTEGER,
                link_offset INTEGER, state INTEGER, PRIMARY KEY (path, segment, offset))
                STRICT, WITHOUT ROWID;
             BEGIN;",
        )
        .unwrap();
    {
        let mut insert = database
            .prepare(
                "INSERT INTO entry VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12,
                    NULL, NULL, 0)",
            )
            .unwrap();
        for_each_row(rows, |entry| {
            let digest = entry.digest.as_ref().map(|digest| &digest[..]);
            insert
                .execute(rusqlite::params![
                    entry.path,
                    u8::from(entry.kind == MemberKind::Directory),
                    entry.size,
                    entry.modified.seconds,
                    entry.modified.nanos,
                    entry.mode,
                    entry.uid,
                    entry.gid,
                    entry.address.segment.0,
                    entry.address.offset,
                    entry.length,
                    digest,
                ])
                .unwrap();
        });
    }
    database.execute_batch("COMMIT").unwrap();
    database.close().unwrap();
    begun.elapsed()
}

fn wanted_paths(rows: u64) -> Vec<Vec<u8>> {
    let step = (rows / LOOKUPS as u64).max(1);
    let mut wanted = Vec::new();
    let mut number = 0;
    for_each_row(rows, |entry| {
        if number % step == step / 2 {
            wanted.push(entry.path.clone());
        }
        number += 1;
    });
    // In no order that a cache could like.
    let mut seed = 1;
    for place in (1..wanted.len()).rev() {
        wanted.swap(place, (mix(&mut seed) % (place as u64 + 1)) as usize);
    }
    wanted
}

fn index_lookups(path: &Path, wanted: &[Vec<u8>]) -> Duration {
    let reader = IndexReader::open(path).unwrap();
    half_of(wanted, |path| reader.lookup(path).unwrap().is_some())
}

fn table_lookups(path: &Path, wanted: &[Vec<u8>]) -> Duration {
    let database = rusqlite::Connection::open(path).unwrap();
    let mut query = database
        .prepare("SELECT * FROM entry WHERE path = ?1 ORDER BY segment DESC, offset DESC LIMIT 1")
        .unwrap();
    half_of(wanted, |path| {
        let mut rows = query.query([path]).unwrap();
        let row = rows.next().unwrap().unwrap();
        row.get::<_, Vec<u8>>(11).is_ok() || row.get::<_, u64>(2).is_ok()
    })
}

/// The time within which half of the lookups were answered.
fn half_of(wanted: &[Vec<u8>], mut lookup: impl FnMut(&[u8]) -> bool) -> Duration {
    let mut times = Vec::with_capacity(wanted.len());
    for path in wanted {
        let begun = Instant::now();
        assert!(lookup(path));
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    times[times.len() / 2]
}

fn scan_index(path: &Path, rows: u64) -> Duration {
    let begun = Instant::now();
    let reader = IndexReader::open(path).unwrap();
    let found = reader.entries().map(Result::unwrap).count();
    assert_eq!(found as u64, rows);
    begun.elapsed()
}

fn scan_table(path: &Path, rows: u64) -> Duration {
    let begun = Instant::now();
    let database = rusqlite::Connection::open(path).unwrap();
    let mut query = database
        .prepare("SELECT * FROM entry ORDER BY path")
        .unwrap();
    let mut found = query.query([]).unwrap();
    let mut count = 0;
    while let Some(row) = found.next().unwrap() {
        let path: Vec<u8> = row.get(0).unwrap();
        count += u64::from(!path.is_empty());
    }
    assert_eq!(count, rows);
    begun.elapsed()
}

/// Calls back with rows as a scan of a file server would make them, in walk order: projects of
/// folders of files with their own sizes, times and digests.
fn for_each_row(rows: u64, mut call: impl FnMut(&IndexEntry)) {
    let mut seed = 0x7461_7065;
    let mut address = MemberAddress {
        segment: SegmentNumber(0),
        offset: 0,
    };
    let mut entry = IndexEntry {
        path: Vec::new(),
        kind: MemberKind::File,
        size: 0,
        modified: FileTime {
            seconds: 0,
            nanos: 0,
        },
        mode: 0o644,
        uid: 1000,
        gid: 1000,
        address,
        length: 0,
        digest: None,
        link: None,
        state: MemberState::Intact,
    };
    for number in 0..rows {
        let place = number % (FILES_IN_FOLDER + 1);
        let folder = number / (FILES_IN_FOLDER + 1);
        let project = folder / FOLDERS_IN_PROJECT;
        let random = mix(&mut seed);
        entry.path.clear();
        push_name(
            &mut entry.path,
            b"departments/projects/project-",
            project,
            6,
        );
        push_name(&mut entry.path, b"/", folder % FOLDERS_IN_PROJECT, 3);
        if place == 0 {
            entry.kind = MemberKind::Directory;
            entry.mode = 0o755;
            entry.size = 0;
            entry.digest = None;
        } else {
            push_name(&mut entry.path, b"/report_", place * 7 + random % 7, 5);
            entry.path.extend_from_slice(match random >> 60 {
                0..=5 => b".docx",
                6..=9 => b".xlsx",
                10..=13 => b".pdf",
                _ => b".jpeg",
            });
            entry.kind = MemberKind::File;
            entry.mode = 0o644;
            entry.size = 1 << (random % 20) | (random >> 20 & 0xfff);
            let mut digest = [0; 32];
            for chunk in digest.chunks_exact_mut(8) {
                chunk.copy_from_slice(&mix(&mut seed).to_le_bytes());
            }
            entry.digest = Some(digest);
        }
        entry.uid = 1000 + (project % 50) as u32;
        entry.modified = FileTime {
            seconds: 1_600_000_000 + (project * 86_400 + random % 5_000_000) as i64,
            nanos: (random >> 8) as u32 % 1_000_000_000,
        };
        entry.length = 1024 + entry.size.next_multiple_of(512);
        entry.address = address;
        address.offset += entry.length;
        if address.offset >= SEGMENT_BYTES {
            address.offset -= SEGMENT_BYTES;
            address.segment.0 += 1;
        }
        call(&entry);
    }
}

fn push_name(path: &mut Vec<u8>, before: &[u8], mut number: u64, digits: usize) {
    path.extend_from_slice(before);
    let end = path.len() + digits;
    path.resize(end, b'0');
    for place in (end - digits..end).rev() {
        path[place] = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// SplitMix64.
fn mix(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut value = *seed;
    value = (value ^ value >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ value >> 31
}

fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.map_or_else(|| "not known".to_owned(), |peak| peak.trim().to_owned())
}
