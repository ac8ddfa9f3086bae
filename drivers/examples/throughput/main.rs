//! Writes and reads a tape by SCSI commands (`/dev/sgN`) and with `dd` through the kernel's tape
//! node (`/dev/nstN`), in turn, and compares. What is on the tape is lost.
//!
//!     throughput SG NST [--megabytes 64] [--runs 7] [--block 262144]

#![allow(clippy::print_stdout)] // a program's report is its output

use std::error::Error;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use tapeward_drivers::linux::sg::SgDevice;
use tapeward_drivers::ssc::{Drive, ReadOutcome, Synchronize, WriteOutcome};

type Outcome<T> = Result<T, Box<dyn Error>>;

struct Options {
    generic: String,
    tape: String,
    blocks: usize,
    block: usize,
    runs: usize,
}

fn options() -> Outcome<Options> {
    let mut words = std::env::args().skip(1);
    let mut paths = Vec::new();
    let (mut megabytes, mut runs, mut block) = (64, 7, 256 << 10);
    while let Some(word) = words.next() {
        let mut number = || -> Outcome<usize> {
            let value = words.next().ok_or(format!("{word} wants a number"))?;
            Ok(value.parse()?)
        };
        match word.as_str() {
            "--megabytes" => megabytes = number()?,
            "--runs" => runs = number()?,
            "--block" => block = number()?,
            _ => paths.push(word),
        }
    }
    let [generic, tape] = <[String; 2]>::try_from(paths)
        .map_err(|_| "usage: throughput SG NST [--megabytes N] [--runs N] [--block BYTES]")?;
    Ok(Options {
        generic,
        tape,
        blocks: (megabytes << 20) / block,
        block,
        runs,
    })
}

/// How long writing and reading took.
#[derive(Clone, Copy)]
struct Times {
    write: Duration,
    read: Duration,
}

/// By SCSI commands: one block each, as the tape room does.
fn by_commands(options: &Options, data: &[u8]) -> Outcome<Times> {
    let mut drive = Drive::new(Box::new(SgDevice::open(&options.generic)?));
    drive.consume_unit_attentions()?;
    drive.rewind()?;
    let started = Instant::now();
    for block in data.chunks_exact(options.block) {
        match drive.write_block(block)? {
            WriteOutcome::Written => {}
            early => return Err(format!("{early:?}: the cartridge is too small").into()),
        }
    }
    drive.write_filemarks(1, Synchronize::Flush)?;
    let write = started.elapsed();
    drive.rewind()?;
    let started = Instant::now();
    let mut buffer = vec![0; options.block];
    for (number, block) in data.chunks_exact(options.block).enumerate() {
        let outcome = drive.read_block(&mut buffer)?;
        if outcome != ReadOutcome::Block(options.block) || buffer != block {
            return Err(format!("block {number} came back as {outcome:?}").into());
        }
    }
    let read = started.elapsed();
    drive.rewind()?;
    Ok(Times { write, read })
}

/// By `dd`, which ends its file with a filemark when it closes the node.
fn by_dd(options: &Options, source: &str) -> Outcome<Times> {
    let size = format!("bs={}", options.block);
    let count = format!("count={}", options.blocks);
    let dd = |from: &str, to: &str| -> Outcome<Duration> {
        let started = Instant::now();
        let status = Command::new("dd")
            .args([&format!("if={from}"), &format!("of={to}"), &size, &count])
            .args(["iflag=fullblock"])
            .stderr(Stdio::null())
            .status()?;
        let took = started.elapsed();
        if status.success() {
            Ok(took)
        } else {
            Err(format!("dd from {from} to {to} failed").into())
        }
    };
    let rewind = || -> Outcome<()> {
        let status = Command::new("mt")
            .args(["-f", &options.tape, "rewind"])
            .status()?;
        if status.success() {
            Ok(())
        } else {
            Err("mt rewind failed".into())
        }
    };
    rewind()?;
    let write = dd(source, &options.tape)?;
    rewind()?;
    let read = dd(&options.tape, "/dev/null")?;
    rewind()?;
    Ok(Times { write, read })
}

/// Bytes that no compressor shrinks and that differ from block to block (xorshift64).
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut data = Vec::with_capacity(length + 8);
    while data.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        data.extend_from_slice(&state.to_le_bytes());
    }
    data.truncate(length);
    data
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[allow(clippy::cast_precision_loss)] // a rate for people
fn rate(bytes: usize, time: Duration) -> f64 {
    bytes as f64 / 1e6 / time.as_secs_f64().max(1e-9)
}

fn report(what: &str, bytes: usize, commands: &[Duration], dd: &[Duration]) -> f64 {
    let rates =
        |times: &[Duration]| -> Vec<f64> { times.iter().map(|time| rate(bytes, *time)).collect() };
    let (ours, theirs) = (rates(commands), rates(dd));
    let ratios: Vec<f64> = ours.iter().zip(&theirs).map(|(a, b)| a / b).collect();
    let lowest = ratios.iter().copied().fold(f64::INFINITY, f64::min);
    let highest = ratios.iter().copied().fold(0.0, f64::max);
    let middle = median(ratios);
    println!(
        "{what:<6} sg {:>6.1} MB/s  dd {:>6.1} MB/s  ratio {middle:.2} (from {lowest:.2} to {highest:.2}, {} runs)",
        median(ours),
        median(theirs),
        commands.len()
    );
    middle
}

fn run() -> Outcome<bool> {
    let options = options()?;
    let bytes = options.blocks * options.block;
    let data = noise(bytes);
    let source = std::env::temp_dir().join(format!("throughput.{}", std::process::id()));
    std::fs::write(&source, &data)?;
    let path = source.to_string_lossy().into_owned();
    let mut commands = Vec::new();
    let mut dd = Vec::new();
    for number in 0..=options.runs {
        // Neither is always first; the first round is for warming up.
        let (ours, theirs) = if number % 2 == 0 {
            let ours = by_commands(&options, &data)?;
            (ours, by_dd(&options, &path)?)
        } else {
            let theirs = by_dd(&options, &path)?;
            (by_commands(&options, &data)?, theirs)
        };
        if number > 0 {
            commands.push(ours);
            dd.push(theirs);
        }
    }
    std::fs::remove_file(source)?;
    println!("{} blocks of {} bytes", options.blocks, options.block);
    let of = |times: &[Times], which: fn(&Times) -> Duration| -> Vec<Duration> {
        times.iter().map(which).collect()
    };
    let write = report(
        "write",
        bytes,
        &of(&commands, |t| t.write),
        &of(&dd, |t| t.write),
    );
    let read = report(
        "read",
        bytes,
        &of(&commands, |t| t.read),
        &of(&dd, |t| t.read),
    );
    Ok(write >= 0.85 && read >= 0.85)
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            println!("SCSI commands are slower than 0.85 of dd");
            ExitCode::FAILURE
        }
        Err(error) => {
            println!("failed: {error}");
            ExitCode::FAILURE
        }
    }
}
