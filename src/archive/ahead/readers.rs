//! The threads that open and read.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::Scope;

use crossbeam_channel::{Receiver, Sender, bounded, never, select_biased, unbounded};
use nix::sys::resource::{UsageWho, getrusage};

use super::content::{Piece, fill};
use super::digest::PieceHasher;
use super::prepare::{Desk, Findings, prepare};
use super::{BATCHES, Item, PIECE, PIECES, READERS};
use crate::archive::owner::OwnerNames;
use crate::archive::sparse::{Extent, SparseMap};
use crate::archive::writer::FileReader;
use crate::buffer::Buffers;

/// A batch for a reader, and where it goes.
pub(super) struct BatchTask {
    pub(super) items: Vec<Item>,
    pub(super) done: Sender<Vec<Item>>,
}

struct PieceTask {
    file: Arc<File>,
    offset: u64,
    length: usize,
    /// Size of the file if its pieces are hashed.
    hashed: Option<u64>,
    done: Sender<Piece>,
}

/// Threads that read for one session. They end when nobody can ask them for anything any more.
pub(in crate::archive) struct Readers {
    pub(super) batches: Sender<BatchTask>,
    pieces: Sender<PieceTask>,
    pub(super) findings: Arc<Findings>,
}

impl Readers {
    /// Starts the first thread. Others follow as long as there is more to do than they get done:
    /// one for each core, and more where they wait for disks.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(in crate::archive) fn start<'scope>(
        scope: &'scope Scope<'scope, '_>,
        files: &'scope dyn FileReader,
    ) -> io::Result<Self> {
        let (batches, batch_tasks) = unbounded();
        let (pieces, piece_tasks) = unbounded();
        let buffers = Buffers::new(PIECE, BATCHES + READERS + PIECES);
        let findings = Arc::new(Findings::default());
        let reader = Reader {
            scope,
            started: Arc::new(AtomicUsize::new(0)),
            files,
            batches: batch_tasks,
            pieces: piece_tasks,
            buffers,
            names: OwnerNames::default(),
            findings: Arc::clone(&findings),
            cores: std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
            waited: Waited::Little,
        };
        reader.spawn()?;
        Ok(Self {
            batches,
            pieces,
            findings,
        })
    }

    /// All of a file's pieces, in order, several of them read and hashed at a time.
    pub(in crate::archive) fn pieces(&self, file: &Arc<File>, size: u64) -> Pieces {
        let whole = Extent {
            offset: 0,
            length: size,
        };
        self.pieces_of(file, vec![whole], Some(size))
    }

    /// As [`Readers::pieces`], of a file with holes; not hashed.
    pub(in crate::archive) fn pieces_of_sparse(&self, file: &Arc<File>, map: &SparseMap) -> Pieces {
        self.pieces_of(file, map.extents().to_vec(), None)
    }

    fn pieces_of(&self, file: &Arc<File>, extents: Vec<Extent>, hashed: Option<u64>) -> Pieces {
        Pieces {
            tasks: self.pieces.clone(),
            file: Arc::clone(file),
            extents: extents.into(),
            hashed,
            pending: VecDeque::new(),
        }
    }
}

struct Reader<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    started: Arc<AtomicUsize>,
    files: &'scope dyn FileReader,
    batches: Receiver<BatchTask>,
    pieces: Receiver<PieceTask>,
    buffers: Arc<Buffers>,
    names: OwnerNames,
    findings: Arc<Findings>,
    cores: usize,
    /// What this thread spent its last task with.
    waited: Waited,
}

impl Reader<'_, '_> {
    fn spawn(self) -> io::Result<()> {
        let number = self.started.fetch_add(1, Ordering::Relaxed);
        std::thread::Builder::new()
            .name(format!("reader {number}"))
            .spawn_scoped(self.scope, move || self.run())
            .map(drop)
    }

    /// Starts another thread if tasks are waiting and there is a core for it: for that the other
    /// threads must sleep now and then, as this one did in its last task.
    fn get_help(&self) {
        let waiting = !self.pieces.is_empty() || !self.batches.is_empty();
        let started = self.started.load(Ordering::Relaxed);
        let most = match self.waited {
            Waited::ForDisk => READERS,
            Waited::Little => self.cores.min(READERS),
        };
        if !waiting || started >= most {
            return;
        }
        let another = Self {
            scope: self.scope,
            started: Arc::clone(&self.started),
            files: self.files,
            batches: self.batches.clone(),
            pieces: self.pieces.clone(),
            buffers: Arc::clone(&self.buffers),
            names: OwnerNames::default(),
            findings: Arc::clone(&self.findings),
            cores: self.cores,
            waited: Waited::Little,
        };
        if let Err(error) = another.spawn() {
            tracing::warn!(%error, "cannot start another thread that reads files");
            self.started.store(READERS, Ordering::Relaxed);
        }
    }

    fn run(mut self) {
        let (mut batches, mut pieces) = (Some(self.batches.clone()), Some(self.pieces.clone()));
        while batches.is_some() || pieces.is_some() {
            // The writer waits for pieces now, for batches later.
            select_biased! {
                recv(pieces.as_ref().unwrap_or(&never())) -> task => match task {
                    Ok(task) => {
                        self.get_help();
                        self.measured(1, |reader| reader.piece(&task));
                    }
                    Err(_) => pieces = None,
                },
                recv(batches.as_ref().unwrap_or(&never())) -> task => match task {
                    Ok(task) => {
                        self.get_help();
                        self.measured(task.items.len(), |reader| reader.batch(task));
                    }
                    Err(_) => batches = None,
                },
            }
        }
    }

    /// Reads so many things and notes what that time went into.
    fn measured(&mut self, things: usize, read: impl FnOnce(&mut Self)) {
        let before = sleeps();
        read(self);
        let slept = usize::try_from(sleeps() - before).unwrap_or(0);
        self.waited = if slept > things / 4 {
            Waited::ForDisk
        } else {
            Waited::Little
        };
    }

    fn batch(&mut self, mut task: BatchTask) {
        let mut desk = Desk {
            files: self.files,
            names: &mut self.names,
            buffers: &self.buffers,
            findings: &self.findings,
        };
        prepare(&mut task.items, &mut desk);
        // The writer may have given up.
        let _ = task.done.send(task.items);
    }

    fn piece(&self, task: &PieceTask) {
        let mut bytes = self.buffers.take();
        let (offset, length) = (task.offset, task.length);
        let mut hasher = task.hashed.map(|size| PieceHasher::new(offset, size));
        let reading = fill(self.files, &task.file, offset, length, &mut bytes, |part| {
            if let Some(hasher) = &mut hasher {
                hasher.update(part);
            }
        });
        let digest = hasher.map(|hasher| hasher.finish());
        let piece = Piece {
            bytes,
            reading,
            digest,
        };
        // The writer may have given up.
        let _ = task.done.send(piece);
    }
}

/// What a reader spent its time with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waited {
    /// Asleep until data came.
    ForDisk,
    /// At work.
    Little,
}

/// How often this thread has given up its core of itself so far (getrusage(2), `ru_nvcsw`).
fn sleeps() -> i64 {
    getrusage(UsageWho::RUSAGE_THREAD).map_or(0, |usage| usage.voluntary_context_switches())
}

/// The pieces of one file.
pub(in crate::archive) struct Pieces {
    tasks: Sender<PieceTask>,
    file: Arc<File>,
    /// What is not asked for yet.
    extents: VecDeque<Extent>,
    hashed: Option<u64>,
    pending: VecDeque<Receiver<Piece>>,
}

impl Pieces {
    /// Where the next piece comes from; none at the end. Its sender is gone if its reader's thread
    /// failed.
    ///
    /// # Errors
    /// When no reader is left.
    pub(in crate::archive) fn next(&mut self) -> io::Result<Option<Receiver<Piece>>> {
        while self.pending.len() < PIECES
            && let Some(extent) = self.extents.front_mut()
        {
            let left = usize::try_from(extent.length).unwrap_or(PIECE);
            let (done, piece) = bounded(1);
            let task = PieceTask {
                file: Arc::clone(&self.file),
                offset: extent.offset,
                length: left.min(PIECE),
                hashed: self.hashed,
                done,
            };
            extent.offset += task.length as u64;
            extent.length -= task.length as u64;
            if extent.length == 0 {
                self.extents.pop_front();
            }
            if task.length > 0 {
                self.tasks.send(task).map_err(|_| failed())?;
                self.pending.push_back(piece);
            }
        }
        Ok(self.pending.pop_front())
    }
}

pub(in crate::archive) fn failed() -> io::Error {
    io::Error::other("a thread that reads files has failed")
}
