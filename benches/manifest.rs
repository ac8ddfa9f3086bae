//! What a manifest costs: lines per second as CSV and PDF, and memory, each in a process of its own.
//!
//! `cargo bench --bench manifest` prints a table and fails if ten times the lines take more than twelve times the
//! time, or if 50,000 lines take over 64 MB more memory than 5,000.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // as in any measurement

#[path = "../tests/support/manifest.rs"]
mod manifest;

use std::io::Write;
use std::process::Command;
use std::time::{Duration, Instant};

use tapeward::print::Paper;
use tapeward::report::manifest::{Audience, csv, json, pdf};

/// How often each is made; the quickest counts.
const TIMES: usize = 5;
/// What names the child's task in its environment.
const TASK: &str = "TAPEWARD_BENCH_MANIFEST";
const MEGABYTE: u64 = 1_000_000;

/// What is counted and thrown away: the file, not the disk, is measured.
struct Count(u64);

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn main() {
    if let Ok(task) = std::env::var(TASK) {
        return child(&task);
    }
    println!("form   lines       time     bytes  peak RSS");
    let mut failed = false;
    for form in ["csv", "json", "pdf"] {
        let [few, many] = [5_000, 50_000].map(|lines| measured(form, lines));
        let times = many.time.as_secs_f64() / few.time.as_secs_f64();
        let more = many.memory.saturating_sub(few.memory) / MEGABYTE;
        println!("       ten times the lines: {times:.1} times the time, {more} MB more");
        failed |= times > 12.0 || more > 64;
    }
    if failed {
        println!("more than twelve times the time, or more than 64 MB");
        std::process::exit(1);
    }
}

struct Measured {
    time: Duration,
    memory: u64,
}

/// Runs a task in a process of its own.
fn measured(form: &str, lines: usize) -> Measured {
    let output = Command::new(std::env::current_exe().unwrap())
        .env(TASK, format!("{form} {lines}"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let numbers: Vec<u64> = text
        .split_whitespace()
        .map(|word| word.parse().unwrap())
        .collect();
    let [nanoseconds, bytes, memory] = numbers[..] else {
        panic!("{text}")
    };
    let time = Duration::from_nanos(nanoseconds);
    println!(
        "{form:4} {lines:7} {:>7.1} ms {bytes:>9} {:>6} MB",
        time.as_secs_f64() * 1e3,
        memory / MEGABYTE
    );
    Measured { time, memory }
}

fn child(task: &str) {
    let (form, lines) = task.split_once(' ').unwrap();
    let manifest = manifest::manifest(lines.parse().unwrap());
    let mut best = Duration::MAX;
    let mut bytes = 0;
    for _ in 0..TIMES {
        let start = Instant::now();
        let mut out = Count(0);
        match form {
            "csv" => csv(&manifest, Audience::Outsiders, &mut out).unwrap(),
            "json" => json(&manifest, Audience::Outsiders, &mut out).unwrap(),
            _ => out
                .write_all(&pdf(&manifest, Audience::Outsiders, Paper::A4).unwrap())
                .unwrap(),
        }
        best = best.min(start.elapsed());
        bytes = out.0;
    }
    println!("{} {bytes} {}", best.as_nanos(), peak());
}

/// The most memory this process ever had, in bytes (`VmHWM`, proc(5)).
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<u64>()
        .unwrap()
        * 1024
}
