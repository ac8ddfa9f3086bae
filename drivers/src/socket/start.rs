//! Starting the library's process on demand.

use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::fcntl::{Flock, FlockArg};

use super::client::{ConnectError, SocketTransport};
use super::{InitiatorId, Lun};

/// Line the server writes to its standard output when it listens.
pub const READY: &str = "ready";

/// Ends of a server between two attempts that are taken for bad luck: it may be just leaving.
const ATTEMPTS: usize = 5;

/// How to start a server for a library. It must write [`READY`] to its standard output when it
/// listens, and nothing to it afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerCommand {
    /// Program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
}

/// Connects to a library, whose process is started if nobody serves it.
pub fn connect_or_start(
    dir: &Path,
    lun: Lun,
    initiator: InitiatorId,
    server: &ServerCommand,
) -> Result<SocketTransport, ConnectError> {
    with_server(dir, server, || {
        SocketTransport::connect(dir, lun, initiator)
    })
}

/// Makes a connection of any kind, starting the library's process if nobody serves it.
///
/// Of several starters at once, one starts the process and the others wait for it at a lock file.
pub fn with_server<T>(
    dir: &Path,
    server: &ServerCommand,
    connect: impl Fn() -> Result<T, ConnectError>,
) -> Result<T, ConnectError> {
    let mut result = connect();
    for _ in 0..ATTEMPTS {
        match result {
            Err(ConnectError::NotRunning { .. } | ConnectError::WentAway { .. }) => {}
            settled => return settled,
        }
        let _only_starter = lock(dir)?;
        result = connect();
        if let Err(ConnectError::NotRunning { .. }) = result {
            start(dir, server)?;
            result = connect();
        }
    }
    result
}

fn lock(dir: &Path) -> Result<Flock<File>, ConnectError> {
    let failed = |source| ConnectError::Io {
        dir: dir.to_owned(),
        source,
    };
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(dir.join("start.lock"))
        .map_err(failed)?;
    Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, errno)| failed(errno.into()))
}

/// Starts the process, away from this one's terminal and signals, and waits until it listens.
fn start(dir: &Path, server: &ServerCommand) -> Result<(), ConnectError> {
    let not_started = |what: String| ConnectError::NotStarted {
        dir: dir.to_owned(),
        what,
    };
    let log_path = dir.join("sim.log");
    let log = File::options()
        .create(true)
        .append(true)
        .open(&log_path)
        .map_err(|error| not_started(format!("sim.log: {error}")))?;
    let mut child = Command::new(&server.program)
        .args(&server.arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .process_group(0)
        .spawn()
        .map_err(|error| not_started(format!("{}: {error}", server.program.display())))?;
    if is_ready(&mut child) {
        // Reaped here should it end before this process does.
        std::thread::spawn(move || child.wait());
        return Ok(());
    }
    let ended = child
        .wait()
        .map_or_else(|error| error.to_string(), |status| status.to_string());
    let last = last_line(&log_path);
    Err(not_started(format!(
        "the virtual library's process ended at once ({ended}): {last}"
    )))
}

/// Reads the child's output up to [`READY`], or to its end if it failed.
fn is_ready(child: &mut Child) -> bool {
    let output = child.stdout.take();
    output.is_some_and(|output| {
        BufReader::new(output)
            .lines()
            .map_while(Result::ok)
            .any(|line| line == READY)
    })
}

fn last_line(log: &Path) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    text.lines().next_back().unwrap_or("see sim.log").to_owned()
}
