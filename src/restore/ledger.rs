//! What of a restore is done, in a folder of its own, so that a later process goes on.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::request::Order;
use super::select::Range;
use crate::app::App;
use crate::error::{Context, Error, ErrorKind, Result};
use crate::files::{create_private_folder, write_atomically};
use crate::id::RunId;

/// Name of the folder of unfinished restores in the state folder.
const FOLDER: &str = "restores";
const ORDER: &str = "order.json";
const DONE: &str = "done";

/// A stretch of which every member is where it belongs.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Line {
    set: usize,
    start: u64,
    end: u64,
}

/// The folder of a restore to a folder.
#[derive(Debug)]
pub(super) struct Ledger {
    folder: PathBuf,
    /// The run that began it.
    pub(super) first: RunId,
    done: Mutex<File>,
    /// What was done before this process, for each set, in stream order, not touching.
    before: Vec<Vec<Range>>,
    /// Whether an earlier process began it.
    pub(super) resumed: bool,
}

fn folder_of(app: &App, run: RunId) -> PathBuf {
    app.state.join(FOLDER).join(run.to_string())
}

/// What a restore that was begun and not finished was asked for.
///
/// # Errors
/// There is none of this run.
pub fn order(app: &App, run: RunId) -> Result<Order> {
    let path = folder_of(app, run).join(ORDER);
    let text = std::fs::read(&path).map_err(|error| {
        if error.kind() == std::io::ErrorKind::NotFound {
            Error::usage(format!("no restore of run {run} is unfinished"))
                .hint("\"tapeward job list\" shows all runs")
        } else {
            Error::new(ErrorKind::Failed, format!("cannot read {}", path.display())).because(error)
        }
    })?;
    serde_json::from_slice(&text).context(format!("cannot read {}", path.display()))
}

impl Ledger {
    /// Begins a restore.
    pub(super) fn begin(app: &App, run: RunId, order: &Order) -> Result<Self> {
        create_private_folder(&app.state.join(FOLDER))?;
        let folder = folder_of(app, run);
        create_private_folder(&folder)?;
        let text = serde_json::to_vec_pretty(order).context("cannot keep what is asked for")?;
        write_atomically(&folder.join(ORDER), &text)?;
        Self::open(folder, run, order, false)
    }

    /// Goes on with the restore that `first` began.
    pub(super) fn resume(app: &App, first: RunId, order: &Order) -> Result<Self> {
        Self::open(folder_of(app, first), first, order, true)
    }

    fn open(folder: PathBuf, first: RunId, order: &Order, resumed: bool) -> Result<Self> {
        let path = folder.join(DONE);
        let what = || format!("cannot use {}", path.display());
        let mut before = vec![Vec::new(); order.sets.len()];
        let mut whole = 0;
        let text = match std::fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            other => other.context(what())?,
        };
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            // A line that a process did not finish is the last.
            let Some(Ok(Line { set, start, end })) =
                line.strip_suffix(b"\n").map(serde_json::from_slice)
            else {
                break;
            };
            whole += line.len() as u64;
            if let Some(list) = before.get_mut(set) {
                list.push(Range { start, end });
            }
        }
        let file = OpenOptions::new().append(true).create(true).open(&path);
        let file = file.context(what())?;
        file.set_len(whole).context(what())?;
        Ok(Self {
            folder,
            first,
            done: Mutex::new(file),
            before: before.into_iter().map(united).collect(),
            resumed,
        })
    }

    /// Where it is.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// What of a stretch is not done yet.
    pub(super) fn left(&self, set: usize, range: Range) -> Vec<Range> {
        without(range, &self.before[set])
    }

    /// Notes stretches as done, for good. Everything in them outlasts a power cut already.
    pub(super) fn note(&self, done: &[(usize, Range)]) -> Result<()> {
        let mut text = Vec::new();
        for (set, range) in done {
            if range.start < range.end {
                let line = Line {
                    set: *set,
                    start: range.start,
                    end: range.end,
                };
                serde_json::to_writer(&mut text, &line).context("cannot note what is done")?;
                text.push(b'\n');
            }
        }
        let mut file = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(&text)
            .and_then(|()| file.sync_data())
            .context(format!("cannot write {}", self.folder.join(DONE).display()))
    }

    /// Everything is done: nothing is left to go on with.
    pub(super) fn remove(self) -> Result<()> {
        std::fs::remove_dir_all(&self.folder)
            .context(format!("cannot remove {}", self.folder.display()))
    }
}

/// The ranges in order, joined where they touch.
fn united(mut ranges: Vec<Range>) -> Vec<Range> {
    ranges.sort_unstable_by_key(|range| range.start);
    let mut united: Vec<Range> = Vec::new();
    for range in ranges {
        match united.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => united.push(range),
        }
    }
    united
}

/// What `done`, in order and not touching, leaves of a range.
fn without(range: Range, done: &[Range]) -> Vec<Range> {
    let mut left = Vec::new();
    let mut at = range.start;
    for done in &done[done.partition_point(|done| done.end <= range.start)..] {
        if done.start >= range.end {
            break;
        }
        if at < done.start {
            left.push(Range {
                start: at,
                end: done.start,
            });
        }
        at = at.max(done.end);
    }
    if at < range.end {
        left.push(Range {
            start: at,
            end: range.end,
        });
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_left_is_what_was_not_done(
            start in 0_u64..50,
            length in 0_u64..50,
            done in prop::collection::vec((0_u64..90, 0_u64..20), 0..12),
        ) {
            let range = Range { start, end: start + length };
            let done: Vec<Range> = done
                .into_iter()
                .map(|(start, length)| Range { start, end: start + length })
                .collect();
            let left = without(range, &united(done.clone()));
            for at in 0..110 {
                let within = |range: &Range| (range.start..range.end).contains(&at);
                let wanted = within(&range) && !done.iter().any(within);
                prop_assert_eq!(left.iter().any(within), wanted, "{}", at);
            }
        }
    }
}
