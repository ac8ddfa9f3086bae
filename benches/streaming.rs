//! Streaming a folder to the virtual library beside `tar` and `tar | age` in the same run.
//!
//! A is four files of 1 GiB of random data, B is 100,000 files of 4 to 16 KiB in 2,000 folders.
//! Rounds are interleaved, the first pass of each source warms the page cache, and medians are
//! printed with their range. `TAPEWARD_BENCH_SCALE=0.1` makes everything ten times smaller,
//! `TAPEWARD_BENCH_ROUNDS` sets the rounds, `TAPEWARD_BENCH_DIR` the place for the data.

#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss
)] // sizes and rates for people

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[path = "../tests/support/world.rs"]
#[allow(clippy::unwrap_used)] // shared with the tests
mod world;

use world::World;

type Failure = Box<dyn std::error::Error>;

struct Source {
    name: &'static str,
    folder: PathBuf,
    bytes: u64,
    files: u64,
}

struct Lane {
    name: &'static str,
    times: Vec<Duration>,
}

fn main() -> Result<(), Failure> {
    // `cargo test --benches` runs this too; only a bench run measures.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let scale = number("TAPEWARD_BENCH_SCALE", 1.0);
    let rounds = number("TAPEWARD_BENCH_ROUNDS", 5.0) as usize;
    let base =
        std::env::var_os("TAPEWARD_BENCH_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = tempfile::Builder::new()
        .prefix("tapeward-bench-")
        .tempdir_in(base)?;
    for source in [
        make_a(&folder.path().join("a"), scale)?,
        make_b(&folder.path().join("b"), scale)?,
    ] {
        measure(&source, rounds, folder.path())?;
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

fn make_a(folder: &Path, scale: f64) -> Result<Source, Failure> {
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
    Ok(Source {
        name: "A: 4 large files",
        folder: folder.to_owned(),
        bytes: 4 * size,
        files: 4,
    })
}

fn make_b(folder: &Path, scale: f64) -> Result<Source, Failure> {
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
    Ok(Source {
        name: "B: small files",
        folder: folder.to_owned(),
        bytes,
        files,
    })
}

fn measure(source: &Source, rounds: usize, scratch: &Path) -> Result<(), Failure> {
    let identity = scratch.join(format!("{}.identity", source.files));
    let recipient = make_key(&identity)?;
    let mut lanes = ["tar", "tar | age", "tapeward", "tapeward, 2 copies"].map(|name| Lane {
        name,
        times: Vec::new(),
    });
    tar(source)?;
    for _ in 0..rounds {
        lanes[0].times.push(tar(source)?);
        lanes[1].times.push(tar_age(source, &recipient)?);
        lanes[2].times.push(tapeward(source, "\"onsite\"")?);
        lanes[3]
            .times
            .push(tapeward(source, "\"onsite\", \"offsite\"")?);
    }
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{}: {} files, {:.2} GiB, {rounds} rounds",
        source.name,
        source.files,
        source.bytes as f64 / f64::from(1 << 30)
    )?;
    let medians: Vec<f64> = lanes
        .iter_mut()
        .map(|lane| median(&mut lane.times))
        .collect();
    for (lane, median) in lanes.iter().zip(&medians) {
        let rate = |seconds: f64| source.bytes as f64 / 1e6 / seconds;
        let (fast, slow) = (lane.times[0], lane.times[lane.times.len() - 1]);
        writeln!(
            out,
            "  {:<20} {:>9.1} MB/s ({:.1} to {:.1})   {:.3} x tar   {:.3} x tar | age",
            lane.name,
            rate(*median),
            rate(slow.as_secs_f64()),
            rate(fast.as_secs_f64()),
            medians[0] / median,
            medians[1] / median,
        )?;
    }
    Ok(())
}

fn median(times: &mut [Duration]) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64()
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

fn timed(command: &mut Command) -> Result<Duration, Failure> {
    let start = Instant::now();
    let output = command.stdin(Stdio::null()).output()?;
    let took = start.elapsed();
    if !output.status.success() {
        return Err(format!(
            "{command:?} failed: {}",
            String::from_utf8_lossy(&output.stderr)
        )
        .into());
    }
    Ok(took)
}

// GNU tar does not read the files when it writes to /dev/null; it does for /dev/zero.
fn tar(source: &Source) -> Result<Duration, Failure> {
    timed(
        Command::new("tar")
            .args(["-b2048", "-cf", "/dev/zero", "-C"])
            .arg(&source.folder)
            .arg("."),
    )
}

fn tar_age(source: &Source, recipient: &str) -> Result<Duration, Failure> {
    timed(
        Command::new("bash")
            .args([
                "-c",
                "set -o pipefail; tar -b2048 -c -C \"$1\" . | age -r \"$2\" > /dev/zero",
                "bash",
            ])
            .arg(&source.folder)
            .arg(recipient),
    )
}

/// The monthly job's write step with labels, catalogue, index and encryption.
fn tapeward(source: &Source, copies: &str) -> Result<Duration, Failure> {
    let world = World::with_library("16GiB");
    let config = world.state().join("config.toml");
    let text = std::fs::read_to_string(&config)?;
    let mut table: toml::Table = text.parse()?;
    let monthly = format!("copies = [{copies}]\nverify = false\neject = false\n");
    table.insert("monthly".to_owned(), toml::Value::Table(monthly.parse()?));
    std::fs::write(&config, toml::to_string(&table)?)?;
    let folder = source.folder.as_os_str();
    world.ok(["set".as_ref(), "define".as_ref(), "bench".as_ref(), folder]);
    timed(&mut world.command(["job", "run"]))
}
