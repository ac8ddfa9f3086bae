//! Streaming a folder beside `tar` and `tar | age` in the same run.
//!
//! A is four files of 1 GiB of random data, B is 100,000 files of 4 to 16 KiB in 2,000 folders.
//! Rounds are interleaved, everything measured runs right behind a pass that warms the page cache,
//! and medians are printed with their range, the processor time for each GiB (which a busy machine
//! does not change much) and peak memory. The first rows write to a drive that takes blocks and
//! forgets them, with digests and index (the peers write to `/dev/zero`); those marked "job" run
//! the program with its catalogue on the virtual library (in memory, where there is a `/dev/shm`),
//! the last of them beside Amanda and Bacula (Debian), whose volumes are where the data is.
//!
//! `TAPEWARD_BENCH_SCALE=0.1` makes everything ten times smaller, `TAPEWARD_BENCH_ROUNDS` sets the
//! rounds (5), `TAPEWARD_BENCH_DIR` the place for data and tapes, `TAPEWARD_BENCH_ROWS` chooses
//! among `tree job peers memory drive`.

#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss
)] // sizes and rates for people

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

#[path = "../tests/support/world.rs"]
#[allow(clippy::unwrap_used)] // shared with the tests
mod world;

#[path = "streaming/drives.rs"]
mod drives;
#[path = "streaming/pass.rs"]
mod pass;
#[path = "streaming/peers.rs"]
mod peers;

use pass::{Found, Order};
use tapeward::tape::codec::Codec;
use world::World;

type Failure = Box<dyn std::error::Error>;

struct Folder {
    name: &'static str,
    path: PathBuf,
    bytes: u64,
    files: u64,
}

/// One run of one program.
struct Run {
    seconds: f64,
    processor: f64,
    found: Option<Found>,
}

struct Lane {
    name: &'static str,
    runs: Vec<Run>,
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--pass") {
        let found = pass::run(&order(&arguments[at + 1..])?)?;
        writeln!(std::io::stdout(), "{}", serde_json::to_string(&found)?)?;
        return Ok(());
    }
    // `cargo test --benches` runs this too; only a bench run measures.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let scale = number("TAPEWARD_BENCH_SCALE", 1.0);
    let rounds = (number("TAPEWARD_BENCH_ROUNDS", 5.0) as usize).max(1);
    let rows =
        std::env::var("TAPEWARD_BENCH_ROWS").unwrap_or("tree job peers memory drive".to_owned());
    let wants = |row: &str| rows.split_whitespace().any(|wanted| wanted == row);
    let base =
        std::env::var_os("TAPEWARD_BENCH_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = tempfile::Builder::new()
        .prefix("tapeward-bench-")
        .tempdir_in(base)?;
    let scratch = folder.path();
    let recipient = make_key(&scratch.join("identity"))?;
    if ["tree", "job", "peers", "drive"].into_iter().any(wants) {
        let small = make_b(&scratch.join("b"), scale)?;
        if wants("tree") || wants("job") {
            let large = make_a(&scratch.join("a"), scale)?;
            for source in [&large, &small] {
                if wants("tree") {
                    trees(source, rounds, scratch, &recipient)?;
                }
                if wants("job") {
                    jobs(source, rounds, &recipient)?;
                }
            }
        }
        if wants("peers") {
            beside_others(&small, rounds, scratch, &recipient)?;
        }
        if wants("drive") {
            drive(scale, &small, scratch, &recipient)?;
        }
    }
    if wants("memory") {
        memory(scale, scratch, &recipient)?;
    }
    Ok(())
}

fn say(line: &str) -> Result<(), Failure> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}

/// `SOURCE CODEC COPIES PACED RECIPIENT FOLDER`, the source being `tree:PATH`, `members:COUNT` or
/// `stalling:SECONDS:RATE:STALL`.
fn order(arguments: &[String]) -> Result<Order, Failure> {
    let [source, codec, copies, paced, recipient, folder] = arguments else {
        return Err("a pass takes six arguments".into());
    };
    let (kind, rest) = source.split_once(':').ok_or("no source")?;
    let numbers: Vec<u64> = rest
        .split(':')
        .filter_map(|part| part.parse().ok())
        .collect();
    Ok(Order {
        source: match (kind, numbers.as_slice()) {
            ("tree", _) => pass::Source::Tree(rest.into()),
            ("members", [count]) => pass::Source::Members(*count),
            ("stalling", [seconds, rate, stall]) => pass::Source::Stalling {
                seconds: *seconds,
                rate: *rate,
                stall: *stall,
            },
            _ => return Err(format!("\"{source}\" is not a source").into()),
        },
        codec: Codec::ALL
            .into_iter()
            .find(|known| known.name() == codec)
            .ok_or("no such codec")?,
        copies: copies.parse()?,
        paced: paced == "paced",
        recipient: recipient.clone(),
        folder: folder.into(),
    })
}

fn run_pass(
    source: &str,
    codec: Codec,
    copies: u8,
    paced: bool,
    recipient: &str,
    scratch: &Path,
) -> Result<Run, Failure> {
    let parts = tempfile::tempdir_in(scratch)?;
    let pace = if paced { "paced" } else { "unpaced" };
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(["--pass", source, codec.name(), &copies.to_string(), pace])
        .arg(recipient)
        .arg(parts.path());
    timed(&mut command)
}

fn trees(source: &Folder, rounds: usize, scratch: &Path, recipient: &str) -> Result<(), Failure> {
    let mut lanes = [
        "tar",
        "tar | age",
        "none",
        "age",
        "age, 2 copies",
        "none, 2 copies",
        "zstd+age",
    ]
    .map(|name| Lane {
        name,
        runs: Vec::new(),
    });
    let tree = format!("tree:{}", source.path.display());
    let ours = |codec, copies| run_pass(&tree, codec, copies, false, recipient, scratch);
    for _ in 0..rounds {
        for lane in &mut lanes {
            tar(source)?;
            lane.runs.push(match lane.name {
                "tar" => tar(source)?,
                "tar | age" => tar_age(source, recipient)?,
                "none" => ours(Codec::None, 1)?,
                "age" => ours(Codec::Age, 1)?,
                "age, 2 copies" => ours(Codec::Age, 2)?,
                "none, 2 copies" => ours(Codec::None, 2)?,
                _ => ours(Codec::ZstdAge, 1)?,
            });
        }
    }
    print(source, rounds, &mut lanes)
}

fn jobs(source: &Folder, rounds: usize, recipient: &str) -> Result<(), Failure> {
    let mut lanes = ["tar", "tar | age", "job", "job, 2 copies"].map(|name| Lane {
        name,
        runs: Vec::new(),
    });
    for _ in 0..rounds {
        for lane in &mut lanes {
            tar(source)?;
            lane.runs.push(match lane.name {
                "tar" => tar(source)?,
                "tar | age" => tar_age(source, recipient)?,
                "job" => job(source, "\"onsite\"")?,
                _ => job(source, "\"onsite\", \"offsite\"")?,
            });
        }
    }
    print(source, rounds, &mut lanes)
}

/// The whole job, encrypted, beside whole jobs of others that encrypt nothing.
fn beside_others(
    source: &Folder,
    rounds: usize,
    scratch: &Path,
    recipient: &str,
) -> Result<(), Failure> {
    let mut names = vec!["tar", "tar | age", "job"];
    let mut others = Vec::new();
    let amanda = peers::Amanda::new(source, scratch)?.map(peers::Peer::Amanda);
    let bacula = peers::Bacula::new(source, scratch)?.map(peers::Peer::Bacula);
    for (name, peer) in [("amdump", amanda), ("bacula", bacula)] {
        match peer {
            Ok(peer) => {
                names.push(name);
                others.push(peer);
            }
            Err(why) => say(&format!("{name} is not measured: {why}"))?,
        }
    }
    let lane = |name| Lane {
        name,
        runs: Vec::new(),
    };
    let mut lanes: Vec<Lane> = names.into_iter().map(lane).collect();
    for _ in 0..rounds {
        for (number, lane) in lanes.iter_mut().enumerate() {
            tar(source)?;
            lane.runs.push(match number {
                0 => tar(source)?,
                1 => tar_age(source, recipient)?,
                2 => job(source, "\"onsite\"")?,
                other => others[other - 3].run()?,
            });
        }
    }
    print(source, rounds, &mut lanes)
}

/// Peak memory must not depend on the number of files.
fn memory(scale: f64, scratch: &Path, recipient: &str) -> Result<(), Failure> {
    say("Peak memory by number of files (made up behind the scanner), with age:")?;
    for count in [10_000, 1_000_000, (10_000_000.0 * scale) as u64] {
        let source = format!("members:{count}");
        let run = run_pass(&source, Codec::Age, 1, false, recipient, scratch)?;
        let memory = run.found.map_or(0, |found| found.memory);
        say(&format!(
            "  {count:>10} files {:>7.1} MiB   {:>8.0} files/s",
            memory as f64 / 1024.0,
            count as f64 / run.seconds
        ))?;
    }
    Ok(())
}

/// An emulated LTO-9 drive, the small files, and sources that stall.
fn drive(scale: f64, small: &Folder, scratch: &Path, recipient: &str) -> Result<(), Failure> {
    let seconds = (60.0 * scale).max(20.0) as u64;
    say("Emulated LTO-9 (400 MB/s, 177 at least, 1 GB of buffer), ring of 1 GiB, with age:")?;
    let tree = format!("tree:{}", small.path.display());
    let stalling = |rate: u64, stall: u64| format!("stalling:{seconds}:{rate}:{stall}");
    tar(small)?;
    for (name, source) in [
        (small.name, tree),
        ("a source of 900 MB/s", stalling(900_000_000, 0)),
        ("520 MB/s, stalling 2 s in 10", stalling(520_000_000, 2)),
        ("520 MB/s, stalling 5 s in 10", stalling(520_000_000, 5)),
    ] {
        let run = run_pass(&source, Codec::Age, 1, true, recipient, scratch)?;
        let found = run.found.ok_or("no result")?;
        say(&format!(
            "  {name:<30} {:>6.1} s, {:>6.1} MB/s: the tape stopped {} times, the ring ran empty {} \
             times; {}",
            run.seconds,
            found.stream as f64 / 1e6 / run.seconds,
            found.stops,
            found.ring_stops,
            found.slowest
        ))?;
    }
    Ok(())
}

fn print(source: &Folder, rounds: usize, lanes: &mut [Lane]) -> Result<(), Failure> {
    let gib = source.bytes as f64 / f64::from(1 << 30);
    say(&format!(
        "{}: {} files, {gib:.2} GiB, {rounds} rounds",
        source.name, source.files
    ))?;
    let mut peers = Vec::new();
    for lane in lanes {
        lane.runs.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
        let rate = |run: &Run| source.bytes as f64 / 1e6 / run.seconds;
        let middle = &lane.runs[lane.runs.len() / 2];
        let (fast, slow) = (&lane.runs[0], &lane.runs[lane.runs.len() - 1]);
        let mut processor: Vec<f64> = lane.runs.iter().map(|run| run.processor / gib).collect();
        processor.sort_by(f64::total_cmp);
        if peers.len() < 2 {
            peers.push(middle.seconds);
        }
        let memory = lane.runs.iter().filter_map(|run| run.found.as_ref());
        let memory = memory.map(|found| found.memory / 1024).max();
        say(&format!(
            "  {:<15} {:>8.1} MB/s ({:.1} to {:.1})  {:>6.2} x tar  {:>5.2} x tar|age  {:.2} CPU s/GiB \
             ({:.2} to {:.2}){}{}",
            lane.name,
            rate(middle),
            rate(slow),
            rate(fast),
            peers[0] / middle.seconds,
            peers.get(1).map_or(f64::NAN, |peer| peer / middle.seconds),
            processor[processor.len() / 2],
            processor[0],
            processor[processor.len() - 1],
            memory.map_or(String::new(), |memory| format!("  {memory} MiB")),
            middle
                .found
                .as_ref()
                .map_or(String::new(), |found| format!("  ({})", found.slowest)),
        ))?;
    }
    Ok(())
}

fn number(variable: &str, default: f64) -> f64 {
    std::env::var(variable)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

/// Random bytes without a random number generator: the output of BLAKE3 for a seed.
fn random(seed: u64) -> blake3::OutputReader {
    blake3::Hasher::new()
        .update(&seed.to_le_bytes())
        .finalize_xof()
}

fn make_a(folder: &Path, scale: f64) -> Result<Folder, Failure> {
    std::fs::create_dir_all(folder)?;
    let size = ((1u64 << 30) as f64 * scale) as u64;
    let mut block = vec![0; 1 << 20];
    for file in 0..4 {
        let mut stream = random(file);
        let mut out = std::fs::File::create(folder.join(format!("random-{file}")))?;
        let mut left = size;
        while left > 0 {
            let now = left.min(block.len() as u64) as usize;
            stream.fill(&mut block[..now]);
            out.write_all(&block[..now])?;
            left -= now as u64;
        }
    }
    Ok(Folder {
        name: "A: 4 large files",
        path: folder.to_owned(),
        bytes: 4 * size,
        files: 4,
    })
}

fn make_b(folder: &Path, scale: f64) -> Result<Folder, Failure> {
    let files = (100_000.0 * scale) as u64;
    let folders = (2_000.0 * scale).max(1.0) as u64;
    let mut bytes = 0;
    let mut block = vec![0; 16 << 10];
    for number in 0..folders {
        std::fs::create_dir_all(folder.join(format!("{:02}/{number:05}", number % 50)))?;
    }
    let mut stream = random(99);
    for number in 0..files {
        let mut size = [0; 2];
        stream.fill(&mut size);
        let size = 4096 + usize::from(u16::from_le_bytes(size)) % (12 << 10);
        stream.fill(&mut block[..size]);
        let inside = number % folders;
        std::fs::write(
            folder.join(format!("{:02}/{inside:05}/{number:06}", inside % 50)),
            &block[..size],
        )?;
        bytes += size as u64;
    }
    Ok(Folder {
        name: "B: small files",
        path: folder.to_owned(),
        bytes,
        files,
    })
}

fn make_key(identity: &Path) -> Result<String, Failure> {
    let made = Command::new("age-keygen")
        .arg("-o")
        .arg(identity)
        .output()?;
    let text = String::from_utf8_lossy(&made.stderr);
    let recipient = text
        .split_whitespace()
        .find(|word| word.starts_with("age1"))
        .ok_or("age-keygen printed no public key")?;
    Ok(recipient.to_owned())
}

/// Processor time of all children waited for so far, in seconds (proc(5), stat: cutime, cstime, in
/// hundredths on Linux).
fn children() -> Result<f64, Failure> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let behind = stat.rsplit_once(") ").ok_or("no stat")?.1;
    let fields: Vec<&str> = behind.split(' ').collect();
    let ticks: u64 = fields[13].parse::<u64>()? + fields[14].parse::<u64>()?;
    Ok(ticks as f64 / 100.0)
}

fn timed(command: &mut Command) -> Result<Run, Failure> {
    let before = children()?;
    let start = Instant::now();
    let output = command.stdin(Stdio::null()).output()?;
    let seconds = start.elapsed().as_secs_f64();
    if !output.status.success() {
        return Err(format!(
            "{command:?} failed: {}",
            String::from_utf8_lossy(&output.stderr)
        )
        .into());
    }
    Ok(Run {
        seconds,
        processor: children()? - before,
        found: serde_json::from_slice(&output.stdout).ok(),
    })
}

// GNU tar does not read the files when it writes to /dev/null; it does for /dev/zero.
fn tar(source: &Folder) -> Result<Run, Failure> {
    timed(
        Command::new("tar")
            .args(["-b2048", "-cf", "/dev/zero", "-C"])
            .arg(&source.path)
            .arg("."),
    )
}

fn tar_age(source: &Folder, recipient: &str) -> Result<Run, Failure> {
    timed(
        Command::new("bash")
            .args([
                "-c",
                "set -o pipefail; tar -b2048 -c -C \"$1\" . | age -r \"$2\" > /dev/zero",
                "bash",
            ])
            .arg(&source.path)
            .arg(recipient),
    )
}

/// The monthly job's write step with labels, catalogue, index and encryption.
fn job(source: &Folder, copies: &str) -> Result<Run, Failure> {
    let world = World::in_memory();
    world.prepare_library("16GiB");
    let config = world.state().join("config.toml");
    let text = std::fs::read_to_string(&config)?;
    let mut table: toml::Table = text.parse()?;
    let monthly = format!("copies = [{copies}]\nverify = false\neject = false\n");
    table.insert("monthly".to_owned(), toml::Value::Table(monthly.parse()?));
    std::fs::write(&config, toml::to_string(&table)?)?;
    let folder = source.path.as_os_str();
    world.ok(["set".as_ref(), "define".as_ref(), "bench".as_ref(), folder]);
    timed(&mut world.command(["job", "run"]))
}
