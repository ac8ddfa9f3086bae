//! What could not be restored or kept: the first of it in memory, all of it in a file where asked.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::error::{Context, Result};

/// Lines kept in memory.
const SHOWN: usize = 1000;

/// A list of problems, one line each; threads add to it.
#[derive(Debug)]
pub(super) struct ProblemList {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    shown: Vec<String>,
    count: u64,
    file: Option<BufWriter<File>>,
    failed: Option<std::io::Error>,
}

/// The end of a list.
#[derive(Debug)]
pub(super) struct Problems {
    /// The first lines.
    pub(super) shown: Vec<String>,
    /// How many there are in all.
    pub(super) count: u64,
}

impl ProblemList {
    /// A list of which every line goes to `file` too.
    pub(super) fn new(file: Option<&Path>) -> Result<Self> {
        let open = |path: &Path| {
            let made = File::create(path);
            made.context(format!(
                "cannot write the list of problems {}",
                path.display()
            ))
        };
        Ok(Self {
            state: Mutex::new(State {
                shown: Vec::new(),
                count: 0,
                file: file.map(open).transpose()?.map(BufWriter::new),
                failed: None,
            }),
        })
    }

    /// Adds a line.
    pub(super) fn add(&self, line: String) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.count += 1;
        if let Some(file) = &mut state.file
            && let Err(error) = writeln!(file, "{line}")
        {
            state.failed.get_or_insert(error);
        }
        if state.shown.len() < SHOWN {
            state.shown.push(line);
        }
    }

    /// Ends the list; the file is complete then.
    ///
    /// # Errors
    /// The file could not be written.
    pub(super) fn finish(self) -> Result<Problems> {
        let state = self
            .state
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let what = "cannot write the list of problems";
        if let Some(error) = state.failed {
            return Err(error).context(what);
        }
        if let Some(mut file) = state.file {
            file.flush().context(what)?;
            file.get_ref().sync_all().context(what)?;
        }
        Ok(Problems {
            shown: state.shown,
            count: state.count,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_holds_the_first_and_the_file_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("problems");
        let list = ProblemList::new(Some(&path)).unwrap();
        for number in 0..3 * SHOWN {
            list.add(format!("file{number}: it exists already"));
        }
        let problems = list.finish().unwrap();
        assert_eq!(
            (problems.shown.len(), problems.count),
            (SHOWN, 3 * SHOWN as u64)
        );
        let text = std::fs::read_to_string(path).unwrap();
        assert_eq!(text.lines().count(), 3 * SHOWN);
        assert!(text.ends_with("file2999: it exists already\n"));
    }
}
