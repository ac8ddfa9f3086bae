//! One file of a million: from the command to the first byte of the file, beside `restic dump` and a
//! scan with `tar -xO`, in the same run.
//!
//! `cargo bench --bench restore`; `TAPEWARD_BENCH_FILES` (1,000,000) and `TAPEWARD_BENCH_ROUNDS` (5)
//! make it shorter, `TAPEWARD_BENCH_DIR` is the place for the data. Files are of 4 KiB. The virtual
//! cartridge moves at once, so what is measured is software: opening the record and the index, the
//! robot's view, mounting, reading, decrypting, writing the stream. restic (Debian) has a local
//! repository; without restic its row is left out, and that is said. Rounds are interleaved, and each
//! takes another file; all of them have been read once before.

#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss
)] // sizes and times for people

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[path = "../tests/support/world.rs"]
#[allow(clippy::unwrap_used)] // shared with the tests
mod world;

use world::World;

type Failure = Box<dyn std::error::Error>;

const FILE: usize = 4096;
const IN_FOLDER: u64 = 100;

fn main() -> Result<(), Failure> {
    // `cargo test --benches` runs this too; only a bench run measures.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let files = number("TAPEWARD_BENCH_FILES", 1_000_000);
    let rounds = number("TAPEWARD_BENCH_ROUNDS", 5);
    let base =
        std::env::var_os("TAPEWARD_BENCH_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
    let scratch = tempfile::Builder::new()
        .prefix("tapeward-bench-")
        .tempdir_in(base)?;
    let source = scratch.path().join("source");
    make(&source, files)?;

    let world = World::with_library("64GiB");
    let config = world.state().join("config.toml");
    let mut table: toml::Table = std::fs::read_to_string(&config)?.parse()?;
    let monthly = "copies = [\"onsite\"]\nverify = false\neject = false\n";
    table.insert("monthly".to_owned(), toml::Value::Table(monthly.parse()?));
    std::fs::write(&config, toml::to_string(&table)?)?;
    world.ok([
        "set".as_ref(),
        "define".as_ref(),
        "bench".as_ref(),
        source.as_os_str(),
    ]);
    world.ok(["job", "run"]);
    let archive = scratch.path().join("archive.tar");
    done(
        Command::new("tar")
            .arg("-cf")
            .arg(&archive)
            .arg("-C")
            .arg(&source)
            .arg("."),
    )?;
    let restic = prepare_restic(&scratch.path().join("restic"), &source)?;

    let mut ours = Vec::new();
    let mut tars = Vec::new();
    let mut restics = Vec::new();
    // The first round warms everything.
    for round in 0..=rounds {
        let path = name(files * (2 * round + 1) / (2 * rounds + 2));
        let wanted = std::fs::read(source.join(&path))?;
        let mut command = world.command(["restore", "bench", &path, "--to", "-"]);
        let ours_now = first_byte(&mut command, Some(&wanted))?;
        let mut command = Command::new("tar");
        command.arg("-xOf").arg(&archive).arg(format!("./{path}"));
        let tar_now = first_byte(&mut command, None)?;
        let restic_now = match &restic {
            Some(repository) => {
                let inside = source.join(&path);
                let mut command = restic_command(repository);
                command.args(["dump", "latest"]).arg(inside);
                Some(first_byte(&mut command, None)?)
            }
            None => None,
        };
        if round > 0 {
            ours.push(ours_now);
            tars.push(tar_now);
            restics.extend(restic_now);
        }
    }
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{files} files, {rounds} rounds; time to the first byte of one file"
    )?;
    let base = median(&mut ours);
    for (name, times) in [
        ("tapeward restore --to -", &mut ours),
        ("tar -xO", &mut tars),
        ("restic dump", &mut restics),
    ] {
        if times.is_empty() {
            writeln!(out, "  {name:<26} not installed")?;
            continue;
        }
        let middle = median(times);
        writeln!(
            out,
            "  {name:<26} {:>9.1} ms ({:.1} to {:.1})   {:.1} x tapeward",
            middle * 1e3,
            times[0].as_secs_f64() * 1e3,
            times[times.len() - 1].as_secs_f64() * 1e3,
            middle / base
        )?;
    }
    Ok(())
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

fn name(number: u64) -> String {
    let folder = number / IN_FOLDER;
    format!("{:03}/{folder:06}/{number:08}", folder % 200)
}

fn make(folder: &Path, files: u64) -> Result<(), Failure> {
    let mut block = vec![0; FILE];
    let mut stream = blake3::Hasher::new().finalize_xof();
    for number in 0..files {
        let path = folder.join(name(number));
        if number % IN_FOLDER == 0
            && let Some(parent) = path.parent()
        {
            std::fs::create_dir_all(parent)?;
        }
        stream.fill(&mut block);
        std::fs::write(path, &block)?;
    }
    Ok(())
}

fn done(command: &mut Command) -> Result<(), Failure> {
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into())
}

fn restic_command(repository: &Path) -> Command {
    let mut command = Command::new("restic");
    command
        .arg("-q")
        .arg("-r")
        .arg(repository)
        .env("RESTIC_PASSWORD", "bench")
        .env("RESTIC_CACHE_DIR", repository.with_extension("cache"));
    command
}

/// A repository with a snapshot of the source; `None` without restic.
fn prepare_restic(repository: &Path, source: &Path) -> Result<Option<PathBuf>, Failure> {
    match restic_command(repository).arg("init").output() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        other => drop(other?),
    }
    done(restic_command(repository).arg("backup").arg(source))?;
    Ok(Some(repository.to_owned()))
}

/// The time to the first byte; with `content`, that must be in what comes.
fn first_byte(command: &mut Command, content: Option<&[u8]>) -> Result<Duration, Failure> {
    let begun = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut out = child.stdout.take().ok_or("no standard output")?;
    let mut all = vec![0];
    out.read_exact(&mut all)?;
    let took = begun.elapsed();
    out.read_to_end(&mut all)?;
    if !child.wait()?.success() {
        return Err(format!("{command:?} failed").into());
    }
    if let Some(content) = content
        && !all.windows(content.len()).any(|window| window == content)
    {
        return Err(format!("{command:?} wrote something else").into());
    }
    Ok(took)
}

fn median(times: &mut [Duration]) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64()
}
