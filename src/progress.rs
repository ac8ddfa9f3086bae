//! What a long task tells whoever watches: a terminal, a log, a program.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;

use crate::error::{Error, ErrorKind, Result};

/// One thing to tell.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// A step was done, or something worth a line of its own was seen.
    Step {
        /// One line, no full stop.
        text: String,
    },
    /// A part of the source could not be read, or something could not be kept.
    Problem {
        /// What it is about.
        subject: String,
        /// What happened.
        what: String,
    },
    /// How far a task is; replaces the last one of the same task.
    Progress {
        /// Name of the task.
        task: String,
        /// Bytes done.
        bytes: u64,
        /// Bytes in all, where known.
        total: Option<u64>,
        /// Files done.
        files: u64,
    },
    /// What a task's time went to so far; goes with its progress.
    Flow {
        /// Name of the task.
        task: String,
        /// Per cent waiting for the source.
        source: u32,
        /// Per cent compressing and encrypting.
        encoding: u32,
        /// Per cent waiting for the drives.
        drive: u32,
    },
    /// The task of the progress line is over.
    ProgressEnd {
        /// Name of the task.
        task: String,
    },
}

/// Takes events; called from any thread.
pub trait Watcher: Send + Sync + std::fmt::Debug {
    /// Shows or stores one event.
    fn event(&self, event: Event);
}

/// Watches nothing.
#[derive(Debug)]
pub struct Unwatched;

impl Watcher for Unwatched {
    fn event(&self, _event: Event) {}
}

/// Shared handle to a watcher.
pub type SharedWatcher = Arc<dyn Watcher>;

/// How many of what: `1 segment`, `3 segments`.
#[must_use]
pub fn counted(number: u64, one: &str, more: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { more })
}

/// Says a step in one line.
pub fn step(watcher: &dyn Watcher, text: impl Into<String>) {
    watcher.event(Event::Step { text: text.into() });
}

/// Set when somebody asked to stop; long tasks look at it at their safe points.
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Asks to stop.
    pub fn request(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether somebody asked.
    #[must_use]
    pub fn requested(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// An error of kind [`ErrorKind::Interrupted`] if somebody asked.
    pub fn check(&self) -> Result<()> {
        if self.requested() {
            return Err(Error::new(
                ErrorKind::Interrupted,
                "stopped at a safe point because of a signal",
            ));
        }
        Ok(())
    }

    /// The flag itself, for rooms that know no more than a flag.
    #[must_use]
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }
}
