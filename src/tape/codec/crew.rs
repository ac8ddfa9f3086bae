//! Threads that compress and encrypt.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

type Task = Box<dyn FnOnce() + Send>;

/// As many threads as there are cores, for work on bytes. Tasks are begun in the order given.
#[derive(Debug)]
pub struct Crew {
    /// None: no thread could be started, and tasks are done by whoever gives them.
    tasks: Option<Sender<Task>>,
    threads: usize,
}

impl Crew {
    /// The crew of this process, started when it is first needed.
    #[must_use]
    pub fn shared() -> &'static Self {
        static CREW: OnceLock<Crew> = OnceLock::new();
        CREW.get_or_init(|| {
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            Self::start(cores)
        })
    }

    fn start(wanted: usize) -> Self {
        let (sender, tasks) = unbounded::<Task>();
        let threads = (0..wanted)
            .filter(|number| {
                let tasks = tasks.clone();
                std::thread::Builder::new()
                    .name(format!("codec {number}"))
                    .spawn(move || {
                        for task in tasks {
                            // Who waits for the task finds its result missing.
                            let _ = catch_unwind(AssertUnwindSafe(task));
                        }
                    })
                    .inspect_err(|error| tracing::warn!(%error, "cannot start a codec thread"))
                    .is_ok()
            })
            .count();
        Self {
            tasks: (threads > 0).then_some(sender),
            threads,
        }
    }

    /// How many threads there are.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.threads.max(1)
    }

    /// Begins a task.
    pub fn begin<T: Send + 'static>(
        &self,
        task: impl FnOnce() -> T + Send + 'static,
    ) -> Pending<T> {
        let (sender, result) = bounded(1);
        let task: Task = Box::new(move || {
            // Nobody waiting is the caller's choice.
            let _ = sender.send(task());
        });
        match &self.tasks {
            Some(tasks) => {
                if let Err(refused) = tasks.send(task) {
                    (refused.0)();
                }
            }
            None => task(),
        }
        Pending(result)
    }
}

/// The result of a task to come.
#[derive(Debug)]
pub struct Pending<T>(Receiver<T>);

impl<T> Pending<T> {
    /// Waits for it.
    pub fn wait(self) -> io::Result<T> {
        let failed = |_| io::Error::other("a thread that encodes or decodes has failed");
        self.0.recv().map_err(failed)
    }

    fn is_done(&self) -> bool {
        !self.0.is_empty()
    }
}

/// Tasks under way, whose results are taken in the order in which they were begun.
#[derive(Debug)]
pub(super) struct InOrder<T> {
    pending: VecDeque<Pending<T>>,
    most: usize,
}

impl<T> InOrder<T> {
    /// For at most this many tasks at a time.
    pub(super) fn new(most: usize) -> Self {
        Self {
            pending: VecDeque::new(),
            most,
        }
    }

    pub(super) fn most(&self) -> usize {
        self.most
    }

    pub(super) fn len(&self) -> usize {
        self.pending.len()
    }

    pub(super) fn push(&mut self, task: Pending<T>) {
        self.pending.push_back(task);
    }

    /// The next result if it is there, or if there are too many tasks to go on without it.
    pub(super) fn take_due(&mut self) -> Option<io::Result<T>> {
        let due = self.pending.len() > self.most || self.pending.front()?.is_done();
        due.then(|| self.take()).flatten()
    }

    /// The next result, waited for; none when no task is under way.
    pub(super) fn take(&mut self) -> Option<io::Result<T>> {
        self.pending.pop_front().map(Pending::wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_and_a_failed_task_spoils_only_itself() {
        let crew = Crew::start(3);
        let mut tasks = InOrder::new(4);
        for number in 0..50_u32 {
            tasks.push(crew.begin(move || {
                assert!(number != 20, "planned");
                number
            }));
        }
        let mut seen = Vec::new();
        while let Some(result) = tasks.take() {
            seen.push(result.ok());
        }
        let wanted: Vec<_> = (0..50)
            .map(|number| (number != 20).then_some(number))
            .collect();
        assert_eq!(seen, wanted);
    }

    #[test]
    fn without_threads_the_work_is_done_all_the_same() {
        let crew = Crew::start(0);
        assert_eq!(crew.begin(|| 7).wait().unwrap(), 7);
        assert_eq!(crew.threads(), 1);
    }
}
