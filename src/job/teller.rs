//! Telling whoever watches how far a stream is.

use std::time::Duration;

use crate::progress::Event;
use crate::tape::stream::FlowWatch;

/// How often progress is told.
const TELL_EVERY: Duration = Duration::from_millis(200);

/// Tells what holds a stream up.
pub(super) fn tell_flow(app: &crate::app::App, task: &str, flow: &FlowWatch) {
    if let Some([(_, source), (_, encoding), (_, drive)]) = flow.read().shares() {
        app.watcher.event(Event::Flow {
            task: task.to_owned(),
            source,
            encoding,
            drive,
        });
    }
}

/// Tells progress now and then.
pub(super) struct Teller<'a> {
    app: &'a crate::app::App,
    task: &'a str,
    total: Option<u64>,
    told: Duration,
}

impl<'a> Teller<'a> {
    pub(super) fn new(app: &'a crate::app::App, task: &'a str, total: Option<u64>) -> Self {
        Self {
            app,
            task,
            total,
            told: Duration::ZERO,
        }
    }

    /// Tells if it is time for it; whether it was.
    pub(super) fn tell(&mut self, bytes: u64, files: u64) -> bool {
        let now = self.app.clock.monotonic();
        let due = now.saturating_sub(self.told) >= TELL_EVERY;
        if due {
            self.told = now;
            self.tell_now(bytes, files);
        }
        due
    }

    pub(super) fn tell_now(&self, bytes: u64, files: u64) {
        self.app.watcher.event(Event::Progress {
            task: self.task.to_owned(),
            bytes,
            total: self.total,
            files,
        });
    }
}
