//! Looking through the indexes of many sets.

use std::ops::ControlFlow;
use std::path::PathBuf;

use super::error::IndexError;
use super::reader::IndexReader;
use super::search::{Query, threads};
use crate::archive::member::IndexEntry;

/// Indexes for each thread that are looked through before what was found is handed out.
const IN_ADVANCE: usize = 16;

type Rows = Result<Vec<IndexEntry>, IndexError>;

/// Hands out the matching rows of these files, with the number of their file, in order. Of one file no
/// more than `limit` rows are asked for. Where the query names a folder, a few blocks of each file are
/// read, and several files at the same time; else all of one file after the other.
///
/// # Errors
/// None by itself: a file that cannot be opened or has a damaged block is handed out as such, and it
/// is the receiver who says whether that ends the search.
pub fn search_all<B>(
    files: &[PathBuf],
    query: &Query,
    limit: usize,
    mut receive: impl FnMut(usize, Result<IndexEntry, IndexError>) -> ControlFlow<B>,
) -> ControlFlow<B> {
    if query.folder().is_none() {
        for (number, file) in files.iter().enumerate() {
            match IndexReader::open(file) {
                Ok(index) => {
                    let mut rows = index.search(query).take(limit);
                    rows.try_for_each(|row| receive(number, row))?;
                }
                Err(error) => receive(number, Err(error))?,
            }
        }
        return ControlFlow::Continue(());
    }
    let threads = threads();
    for (start, batch) in (0..)
        .step_by(threads * IN_ADVANCE)
        .zip(files.chunks(threads * IN_ADVANCE))
    {
        for (number, rows) in (start..).zip(at_the_same_time(batch, query, limit, threads)) {
            match rows {
                Ok(rows) => rows
                    .into_iter()
                    .try_for_each(|row| receive(number, Ok(row)))?,
                Err(error) => receive(number, Err(error))?,
            }
        }
    }
    ControlFlow::Continue(())
}

fn at_the_same_time(files: &[PathBuf], query: &Query, limit: usize, threads: usize) -> Vec<Rows> {
    let rows = |file: &PathBuf| {
        let index = IndexReader::open(file)?;
        index.search(query).take(limit).collect::<Rows>()
    };
    let share = files.len().div_ceil(threads).max(1);
    if files.len() <= 1 {
        return files.iter().map(rows).collect();
    }
    std::thread::scope(|scope| {
        let parts: Vec<_> = files
            .chunks(share)
            .map(|part| scope.spawn(move || part.iter().map(rows).collect::<Vec<_>>()))
            .collect();
        let joined = parts.into_iter().map(|part| match part.join() {
            Ok(rows) => rows,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        joined.flatten().collect()
    })
}
