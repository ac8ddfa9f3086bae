//! A killed process: what it was told is recorded is there, and nothing by halves.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
#![allow(
    clippy::redundant_closure_for_method_calls,
    reason = "a method of View is not general enough over its lifetime"
)]

#[path = "support/record.rs"]
mod record;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use record::*;
use serde_json::json;
use tapeward::catalogue::*;
use tapeward::id::*;
use tapeward::journal::{self, Event};

/// Makes this test binary commit without end instead of testing.
const CHILD: &str = "TAPEWARD_TEST_COMMIT_TO";
const KILLS: [usize; 6] = [1, 7, 40, 3, 25, 90];

#[test]
fn what_was_acknowledged_survives_sigkill() {
    if let Some(path) = std::env::var_os(CHILD) {
        commit_without_end(Path::new(&path));
    }
    let world = world();
    let mut acknowledged = 0;
    for kill_after in KILLS {
        acknowledged += acknowledged_by_child(&world.path, kill_after);
        let catalogue = Catalogue::open(&world.path).unwrap();
        catalogue.check().unwrap();
        let (steps, journal) = catalogue
            .read(|view| {
                let verified = journal::verify_catalogue(view, &[])?;
                Ok::<_, CatalogueError>((view.steps(world.run)?, verified.unwrap()))
            })
            .unwrap();
        let entries = journal.last.map_or(0, |last| last.sequence);
        assert!(steps.len() >= acknowledged, "{} steps", steps.len());
        assert_eq!(entries, steps.len() as u64, "one entry for each step");
        // The last may have been committed and not told any more.
        acknowledged = steps.len();
    }
}

/// Lets a child commit until it has told of this many, and kills it in the middle of the next.
fn acknowledged_by_child(path: &Path, kill_after: usize) -> usize {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "what_was_acknowledged_survives_sigkill"])
        .arg("--nocapture")
        .env(CHILD, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let told = lines
        .map(Result::unwrap)
        .filter(|line| line == "committed")
        .take(kill_after)
        .count();
    child.kill().unwrap();
    assert!(!child.wait().unwrap().success());
    assert_eq!(told, kill_after, "the child ended by itself");
    told
}

fn commit_without_end(path: &Path) -> ! {
    let catalogue = Catalogue::open(path).unwrap();
    let run = catalogue.read(|view| view.runs()).unwrap()[0].id;
    let kind: StepKind = "write_segment".parse().unwrap();
    let mut out = std::io::stdout();
    writeln!(out).unwrap();
    loop {
        let step = StepId::generate(now());
        let event = Event::StepIntended {
            run,
            step,
            step_kind: kind.clone(),
            intent: json!({}),
        };
        catalogue
            .write(|tx| {
                tx.intend(step, run, &kind, &json!({}), now())?;
                journal::append(tx, now(), &actor(), &event)
            })
            .unwrap();
        writeln!(out, "committed").unwrap();
        out.flush().unwrap();
    }
}
