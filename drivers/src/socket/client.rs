//! The host's end of a connection.

use std::fs::File;
use std::io::{self, IoSlice, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;

use super::wire::{CommandFrame, Direction, Hello, MAX_DATA_LENGTH, Purpose, ReplyFrame, Welcome};
use super::{InitiatorId, Lun};
use crate::transport::{Cdb, Data, Reply, Transport, TransportError};

/// Time a running library has to answer a greeting.
const GREETING_TIME: Duration = Duration::from_secs(30);

/// Why there is no connection.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// No process serves the library.
    #[error("{}: nobody serves this virtual library", .dir.display())]
    NotRunning {
        /// Folder of the library.
        dir: PathBuf,
    },
    /// The process ended while the connection was made.
    #[error("{}: the virtual library went away", .dir.display())]
    WentAway {
        /// Folder of the library.
        dir: PathBuf,
    },
    /// Anything else the operating system or the other side said.
    #[error("{}: {source}", .dir.display())]
    Io {
        /// Folder of the library.
        dir: PathBuf,
        /// What was said.
        source: io::Error,
    },
    /// The library has no such unit.
    #[error("{}: there is no {lun}; the virtual library has {units} logical units", .dir.display())]
    NoSuchUnit {
        /// Folder of the library.
        dir: PathBuf,
        /// What was asked for.
        lun: Lun,
        /// How many there are.
        units: u16,
    },
    /// The process could not be started.
    #[error("{}: {what}", .dir.display())]
    NotStarted {
        /// Folder of the library.
        dir: PathBuf,
        /// Why, as far as known.
        what: String,
    },
}

impl ConnectError {
    fn from_io(dir: &Path, source: io::Error) -> Self {
        let dir = dir.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Self::NotRunning { dir },
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::BrokenPipe => Self::WentAway { dir },
            _ => Self::Io { dir, source },
        }
    }
}

/// Path of the library's socket that is short enough for a socket address (108 bytes), however
/// deep the folder is: it goes through the folder's descriptor, which must stay open meanwhile.
pub fn socket_path(dir: &Path) -> io::Result<(File, PathBuf)> {
    let folder = File::options()
        .read(true)
        .custom_flags(libc::O_PATH | libc::O_DIRECTORY)
        .open(dir)?;
    let path = format!("/proc/self/fd/{}/socket", folder.as_raw_fd());
    Ok((folder, path.into()))
}

fn greet(dir: &Path, hello: Hello) -> Result<(UnixStream, u16), ConnectError> {
    let failed = |source| ConnectError::from_io(dir, source);
    let (_folder, path) = socket_path(dir).map_err(failed)?;
    let stream = UnixStream::connect(path).map_err(failed)?;
    stream
        .set_read_timeout(Some(GREETING_TIME))
        .map_err(failed)?;
    hello.write(&stream).map_err(failed)?;
    let welcome = Welcome::read(&stream).map_err(failed)?;
    stream.set_read_timeout(None).map_err(failed)?;
    match (welcome, hello.purpose) {
        (Welcome::NoSuchUnit { units }, Purpose::Commands(lun)) => Err(ConnectError::NoSuchUnit {
            dir: dir.to_owned(),
            lun,
            units,
        }),
        (Welcome::Connected { units } | Welcome::NoSuchUnit { units }, _) => Ok((stream, units)),
    }
}

/// Connects as an operator; messages go by [`super::wire::write_message`].
pub fn connect_control(dir: &Path) -> Result<UnixStream, ConnectError> {
    let hello = Hello {
        purpose: Purpose::Control,
        initiator: InitiatorId([0; 16]),
    };
    Ok(greet(dir, hello)?.0)
}

/// The logical units of a running library: the changer, then the drives.
pub fn list_units(dir: &Path) -> Result<Vec<Lun>, ConnectError> {
    let hello = Hello {
        purpose: Purpose::Control,
        initiator: InitiatorId([0; 16]),
    };
    let (_, units) = greet(dir, hello)?;
    Ok((0..units).map(Lun).collect())
}

/// One initiator's path to one logical unit of a running library.
#[derive(Debug)]
pub struct SocketTransport {
    path: String,
    /// `None` once the connection is broken or an answer is overdue: what comes next over it
    /// would be taken for something else.
    stream: Option<UnixStream>,
    limit: Option<Duration>,
}

impl SocketTransport {
    /// Connects to a library that is being served.
    pub fn connect(dir: &Path, lun: Lun, initiator: InitiatorId) -> Result<Self, ConnectError> {
        let purpose = Purpose::Commands(lun);
        let (stream, _) = greet(dir, Hello { purpose, initiator })?;
        Ok(Self {
            path: format!("{} {lun}", dir.display()),
            stream: Some(stream),
            limit: None,
        })
    }

    fn run(
        &mut self,
        frame: &CommandFrame,
        data: Data<'_>,
        timeout: Duration,
    ) -> io::Result<Reply> {
        let head = frame
            .encode()
            .ok_or_else(|| io::Error::other(format!("data phase of {} bytes", frame.length)))?;
        let stream = self
            .stream
            .as_mut()
            .ok_or(io::Error::from(io::ErrorKind::NotConnected))?;
        if self.limit != Some(timeout) {
            // A limit of zero is refused by the system; it means no wait at all.
            let limit = timeout.max(Duration::from_millis(1));
            stream.set_read_timeout(Some(limit))?;
            stream.set_write_timeout(Some(limit))?;
            self.limit = Some(timeout);
        }
        match data {
            Data::Out(out) => write_both(stream, &head, out)?,
            Data::In(_) | Data::None => stream.write_all(&head)?,
        }
        let mut head = [0; ReplyFrame::LENGTH];
        stream.read_exact(&mut head)?;
        let reply = ReplyFrame::decode(&head)?;
        let mut sense = vec![0; reply.sense_length];
        stream.read_exact(&mut sense)?;
        if let Data::In(input) = data {
            let room = input
                .get_mut(..reply.transferred)
                .ok_or(io::Error::from(io::ErrorKind::InvalidData))?;
            stream.read_exact(room)?;
        }
        Ok(Reply {
            status: reply.status,
            sense,
            transferred: reply.transferred,
        })
    }

    fn failure(&self, error: io::Error, timeout: Duration) -> TransportError {
        let path = self.path.clone();
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => TransportError::Timeout {
                path,
                after: timeout,
            },
            io::ErrorKind::InvalidData => TransportError::Protocol {
                path,
                what: error.to_string(),
            },
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::NotConnected => TransportError::Gone { path },
            _ => TransportError::Io {
                path,
                source: error,
            },
        }
    }
}

/// Writes the frame and its data with as few calls as the system allows.
fn write_both(stream: &mut UnixStream, head: &[u8], data: &[u8]) -> io::Result<()> {
    let sent = stream.write_vectored(&[IoSlice::new(head), IoSlice::new(data)])?;
    if sent < head.len() {
        stream.write_all(&head[sent..])?;
    }
    stream.write_all(&data[sent.saturating_sub(head.len())..])
}

impl Transport for SocketTransport {
    fn execute(
        &mut self,
        cdb: &Cdb,
        data: Data<'_>,
        timeout: Duration,
    ) -> Result<Reply, TransportError> {
        let (direction, length) = match &data {
            Data::None => (Direction::None, 0),
            Data::In(input) => (Direction::In, input.len().min(MAX_DATA_LENGTH)),
            Data::Out(out) => (Direction::Out, out.len()),
        };
        let frame = CommandFrame {
            cdb: *cdb,
            direction,
            length,
        };
        self.run(&frame, data, timeout).map_err(|error| {
            self.stream = None;
            self.failure(error, timeout)
        })
    }

    fn path(&self) -> &str {
        &self.path
    }
}
