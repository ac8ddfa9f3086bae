//! Running a command: its output as it comes, the end of what it says, and its end.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;
use serde::Serialize;

use crate::catalogue::{CommandLine, Variable};
use crate::clock::Clock;
use crate::error::{Context, Error, ErrorKind, Result};
use crate::progress::Interrupt;

/// Where programs are looked for.
pub(super) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Bytes handed on at a time.
const CHUNK: usize = 1 << 20;
/// Chunks that wait at most.
const DEPTH: usize = 16;
/// What is kept of the end of standard error.
const TAIL: usize = 8 << 10;
/// How often somebody who waits looks at signals and limits.
const TICK: Duration = Duration::from_millis(100);
/// How long a command has to end when it is told to.
const GRACE: Duration = Duration::from_secs(5);

/// A command to be run.
#[derive(Debug, Clone)]
pub struct Launch {
    /// The command.
    pub command: CommandLine,
    /// What the definition says is in its environment.
    pub environment: Vec<Variable>,
    /// What the job tells it: `TAPEWARD_...`.
    pub told: Vec<(&'static str, String)>,
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ended {
    /// How, in words: `ended with status 3`.
    pub how: String,
    /// Whether its status was 0.
    pub good: bool,
    /// The end of what it wrote to standard error.
    pub said: String,
}

impl Ended {
    /// In one line, with the last thing it said.
    #[must_use]
    pub fn in_words(&self) -> String {
        match self.said.lines().rev().find(|line| !line.trim().is_empty()) {
            Some(line) => format!("{}: {}", self.how, line.trim()),
            None => self.how.clone(),
        }
    }
}

/// What came of waiting for output.
#[derive(Debug)]
pub enum Output {
    /// The next bytes.
    Bytes(Bytes),
    /// None so far.
    Nothing,
    /// No more come.
    End,
}

/// How long to wait for a command.
#[derive(Debug, Clone, Copy)]
pub struct Waiting<'a> {
    /// Tells the time.
    pub clock: &'a dyn Clock,
    /// Whether somebody asked to stop; none: it is not to be stopped.
    pub interrupt: Option<&'a Interrupt>,
    /// How long it may take.
    pub limit: Duration,
}

/// A command that was started, in a process group of its own. Dropped, all of the group is ended.
#[derive(Debug)]
pub struct Process {
    child: Child,
    group: Pid,
    words: String,
    output: Receiver<io::Result<Bytes>>,
    /// Closed when the child has ended, which is not reaped until somebody waits for it here: its
    /// number is nobody else's until then.
    gone: Receiver<()>,
    said: Arc<Mutex<VecDeque<u8>>>,
    /// Closed when standard error is.
    said_all: Receiver<()>,
    over: bool,
}

impl Process {
    /// Starts a command with nothing on its standard input.
    ///
    /// # Errors
    /// Its program cannot be run.
    pub fn start(launch: &Launch) -> Result<Self> {
        let words = launch.command.to_string();
        let what = || format!("cannot run {words}");
        let mut command = prepared(launch);
        let child = command.spawn().context(what())?;
        let pid = Pid::from_raw(i32::try_from(child.id()).context(what())?);
        let (sender, output) = bounded(DEPTH);
        let (said_sender, said_all) = bounded::<()>(0);
        let (gone_sender, gone) = bounded::<()>(0);
        let said = Arc::new(Mutex::new(VecDeque::new()));
        let mut process = Self {
            group: pid,
            words,
            output,
            gone,
            said: Arc::clone(&said),
            said_all,
            over: false,
            child,
        };
        if let Some(stdout) = process.child.stdout.take() {
            // A wider pipe costs fewer turns; the kernel may refuse.
            let _ = fcntl(&stdout, FcntlArg::F_SETPIPE_SZ(1 << 20));
            spawn("command output", move || read_output(stdout, &sender))?;
        }
        if let Some(stderr) = process.child.stderr.take() {
            spawn("command errors", move || {
                keep_tail(stderr, &said);
                drop(said_sender);
            })?;
        }
        spawn("command end", move || {
            let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
            while waitid(Id::Pid(pid), flags) == Err(nix::errno::Errno::EINTR) {}
            drop(gone_sender);
        })?;
        Ok(process)
    }

    /// The command in words.
    #[must_use]
    pub fn words(&self) -> &str {
        &self.words
    }

    /// Its next output, if any comes within a moment.
    ///
    /// # Errors
    /// The pipe cannot be read.
    pub fn output(&self) -> io::Result<Output> {
        match self.output.recv_timeout(TICK) {
            Ok(Ok(bytes)) => Ok(Output::Bytes(bytes)),
            Ok(Err(error)) => Err(error),
            Err(RecvTimeoutError::Timeout) => Ok(Output::Nothing),
            Err(RecvTimeoutError::Disconnected) => Ok(Output::End),
        }
    }

    /// Waits until it ends; whatever it writes meanwhile is lost.
    ///
    /// # Errors
    /// It takes too long, or somebody asked to stop: then it was ended.
    pub fn wait(&mut self, waiting: Waiting<'_>) -> Result<Ended> {
        let begun = waiting.clock.monotonic();
        loop {
            while self.output.try_recv().is_ok() {}
            if self.gone.recv_timeout(TICK) == Err(RecvTimeoutError::Disconnected) {
                return self.reap();
            }
            if let Some(interrupt) = waiting.interrupt
                && let Err(error) = interrupt.check()
            {
                self.end()?;
                return Err(error);
            }
            if waiting.clock.monotonic().saturating_sub(begun) >= waiting.limit {
                let ended = self.end()?;
                return Err(Error::failed(format!(
                    "{} took more than {} s and {}",
                    self.words,
                    waiting.limit.as_secs(),
                    ended.in_words()
                )));
            }
        }
    }

    /// Ends it and everything it started, and waits for it.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn end(&mut self) -> Result<Ended> {
        self.signal(Signal::SIGTERM);
        // What it started may not have ended with it. It is not waited for yet, so the number of its
        // group is nobody else's.
        let _ = self.gone.recv_timeout(GRACE);
        self.signal(Signal::SIGKILL);
        self.reap()
    }

    fn signal(&self, signal: Signal) {
        if !self.over
            && let Err(error) = killpg(self.group, signal)
        {
            tracing::debug!(%error, command = self.words, "cannot signal");
        }
    }

    fn reap(&mut self) -> Result<Ended> {
        let status = self
            .child
            .wait()
            .context(format!("cannot wait for {}", self.words))?;
        self.over = true;
        // Something it left behind may hold standard error open.
        let _ = self.said_all.recv_timeout(Duration::from_secs(1));
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes: Vec<u8> = said.iter().copied().collect();
        Ok(Ended {
            how: in_words(status),
            good: status.success(),
            said: printable(&String::from_utf8_lossy(&bytes)),
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.over {
            self.signal(Signal::SIGKILL);
            // Killed: this does not take long.
            if let Err(error) = self.child.wait() {
                tracing::debug!(%error, command = self.words, "cannot wait");
            }
        }
    }
}

fn prepared(launch: &Launch) -> Command {
    let mut command = match &launch.command {
        CommandLine::Argv(words) => {
            let mut words = words.iter();
            let mut command = Command::new(words.next().map_or("", String::as_str));
            command.args(words);
            command
        }
        CommandLine::Shell(line) => {
            let mut command = Command::new("sh");
            command.args(["-c", line]);
            command
        }
    };
    command
        .env_clear()
        .env("PATH", PATH)
        .env("LC_ALL", "C.UTF-8");
    for name in ["HOME", "USER", "LOGNAME", "TMPDIR", "TZ"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    for variable in &launch.environment {
        let own = || std::env::var_os(&variable.name);
        if let Some(value) = variable.value.as_ref().map(Into::into).or_else(own) {
            command.env(&variable.name, value);
        }
    }
    command
        .envs(launch.told.iter().map(|(name, value)| (*name, value)))
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    command
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<()> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map(|_| ())
        .context("cannot start a thread")
}

fn read_output(mut from: impl Read, to: &crossbeam_channel::Sender<io::Result<Bytes>>) {
    loop {
        let mut buffer = vec![0; CHUNK];
        match from.read(&mut buffer) {
            Ok(0) => return,
            Ok(read) => {
                buffer.truncate(read);
                buffer.shrink_to_fit();
                if to.send(Ok(buffer.into())).is_err() {
                    return;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                // Nobody listens: nobody misses it.
                let _ = to.send(Err(error));
                return;
            }
        }
    }
}

fn keep_tail(mut from: impl Read, to: &Mutex<VecDeque<u8>>) {
    let mut buffer = [0; 4096];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return,
            Ok(read) => {
                let mut tail = to.lock().unwrap_or_else(PoisonError::into_inner);
                tail.extend(&buffer[..read]);
                let surplus = tail.len().saturating_sub(TAIL);
                tail.drain(..surplus);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

fn in_words(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with status {code}"),
        (None, Some(signal)) => {
            let name = Signal::try_from(signal).map_or("a signal", Signal::as_str);
            format!("was ended by {name}")
        }
        (None, None) => "ended".to_owned(),
    }
}

/// Lines without what would move a terminal's cursor.
fn printable(text: &str) -> String {
    text.chars()
        .map(|letter| match letter {
            '\n' => '\n',
            letter if letter.is_control() => ' ',
            letter => letter,
        })
        .collect::<String>()
        .trim()
        .to_owned()
}

/// A command that failed.
#[must_use]
pub fn command_failed(words: &str, ended: &Ended) -> Error {
    Error::new(ErrorKind::Failed, format!("{words} {}", ended.in_words()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

    fn shell(line: &str) -> Process {
        Process::start(&Launch {
            command: CommandLine::Shell(line.to_owned()),
            environment: vec![Variable {
                name: "GIVEN".to_owned(),
                value: Some("yes".to_owned()),
            }],
            told: vec![("TAPEWARD_SET", "docs".to_owned())],
        })
        .unwrap()
    }

    fn all_of(process: &Process) -> Vec<u8> {
        let mut all = Vec::new();
        loop {
            match process.output().unwrap() {
                Output::Bytes(bytes) => all.extend_from_slice(&bytes),
                Output::Nothing => {}
                Output::End => return all,
            }
        }
    }

    fn wait(process: &mut Process, seconds: u64, interrupt: Option<&Interrupt>) -> Result<Ended> {
        process.wait(Waiting {
            clock: &*SystemClock::shared(),
            interrupt,
            limit: Duration::from_secs(seconds),
        })
    }

    #[test]
    fn output_comes_whole_and_the_end_of_what_was_said_is_kept() {
        let mut process = shell(
            "head -c 3000000 /dev/zero; i=0; while [ $i -lt 2000 ]; do echo line $i >&2; i=$((i+1)); done; printf 'out of\\033[2J disk\\n' >&2; exit 3",
        );
        assert_eq!(all_of(&process), vec![0; 3_000_000]);
        let ended = wait(&mut process, 60, None).unwrap();
        assert!(!ended.good);
        assert_eq!(ended.in_words(), "ended with status 3: out of [2J disk");
        assert!(ended.said.len() <= TAIL && ended.said.contains("line 1999"));
    }

    #[test]
    fn the_environment_is_small_and_as_given() {
        let process = shell("env");
        let text = String::from_utf8(all_of(&process)).unwrap();
        let has = |line: &str| text.lines().any(|other| other == line);
        assert!(has("GIVEN=yes") && has("TAPEWARD_SET=docs"), "{text}");
        assert!(has(&format!("PATH={PATH}")), "{text}");
        // Of those Cargo sets for tests.
        assert!(!text.contains("CARGO_MANIFEST_DIR"), "{text}");
    }

    #[test]
    fn what_a_command_started_ends_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("fifo");
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
        // The one in the background holds the writing end of the fifo, and ignores SIGTERM.
        let line = format!(
            "(trap '' TERM; sleep 1000 >{}) & sleep 1000",
            fifo.display()
        );
        let process = shell(&line);
        let mut reader = std::fs::File::open(&fifo).unwrap();
        drop(process);
        // All writers are gone.
        assert_eq!(reader.read(&mut [0; 1]).unwrap(), 0);
    }

    #[test]
    fn a_command_that_takes_too_long_or_is_not_wanted_any_more_is_ended() {
        let mut process = shell("echo before >&2; exec sleep 1000");
        let late = wait(&mut process, 0, None).unwrap_err().to_string();
        assert!(late.contains("was ended by SIGTERM"), "{late}");
        let mut process = shell("exec sleep 1000");
        let interrupt = Interrupt::default();
        interrupt.request();
        let error = wait(&mut process, 60, Some(&interrupt)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Interrupted);
    }
}
