//! The library as a process of its own, on a Unix socket in its folder and, where asked for, as
//! an iSCSI target beside it.
//!
//! Each connection has its thread; a device is locked for one command at a time, so drives stream
//! side by side. The main thread accepts, watches for signals and leaves when nobody is there.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::EventFd;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::signalfd::SignalFd;
use nix::sys::socket::getsockopt;
use nix::sys::socket::sockopt::PeerCredentials;
use nix::unistd::Pid;
use tapeward_drivers::socket::start::READY;
use tapeward_drivers::socket::wire::{
    CommandFrame, Direction, Hello, Purpose, ReplyFrame, Welcome, read_message, write_message,
};
use tapeward_drivers::socket::{InitiatorId, Lun, list_units, socket_path};
use tapeward_drivers::transport::{Data, Reply};
use thiserror::Error;

use super::control::{Request, Response, carry_out};
use super::iscsi::{IscsiOptions, IscsiServer};
use crate::error::{Holder, LibraryError};
use crate::fault::Fault;
use crate::library::{self, Library, OpenOptions, PowerWatcher, Waiting};
use crate::store::Durability;

/// Time a client has to say who it is, and to take an answer.
const CLIENT_TIME: Duration = Duration::from_secs(30);

/// How to serve.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServeOptions {
    /// Leave when there was no connection for this long; never if not given.
    pub idle_exit: Option<Duration>,
    /// What synchronised records survive.
    pub durability: Durability,
    /// Whether standard output gets the line `ready` when the library listens.
    pub announce: Announce,
    /// Be an iSCSI target too; where it listens is then told on standard output, in a line
    /// `iscsi ADDRESS TARGET-NAME` before `ready`.
    pub iscsi: Option<IscsiOptions>,
}

/// Whether to say when the library listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Announce {
    /// It is not said.
    #[default]
    No,
    /// On standard output.
    StandardOutput,
}

/// Why a library is not served any more.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The library itself.
    #[error(transparent)]
    Library(#[from] LibraryError),
    /// The socket.
    #[error("{}: {source}", .path.display())]
    Socket {
        /// Its path.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The iSCSI target.
    #[error("iSCSI at {address}: {source}")]
    Iscsi {
        /// Where it should listen.
        address: SocketAddr,
        /// What the operating system said.
        source: io::Error,
    },
}

/// Why the main thread stopped waiting.
enum Event {
    Connection(UnixStream),
    /// A connection ended, or the operator asked to stop.
    Change,
    Signal,
    Idle,
}

#[derive(Debug, Default)]
struct Connections {
    streams: BTreeMap<u64, (Kind, UnixStream)>,
    next: u64,
    stopping: bool,
}

/// Which connections a power cut ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Greeting,
    Commands,
    Control,
}

#[derive(Debug)]
struct Server {
    library: Arc<Library>,
    connections: Mutex<Connections>,
    wake: EventFd,
}

/// Serves the library in `dir` until it is told to stop (SIGTERM, SIGINT, an operator) or idle
/// for long enough. What is in the drives' buffers is written out at the end.
///
/// If another process serves it already and answers, there is nothing to do, and this returns.
pub fn serve(dir: &Path, options: &ServeOptions) -> Result<(), ServeError> {
    let mut how = OpenOptions {
        durability: options.durability,
        purpose: library::Purpose::Serving,
        ..OpenOptions::default()
    };
    let library = match Library::open_with(dir, &how) {
        Err(LibraryError::InUse { .. }) if options.iscsi.is_none() && list_units(dir).is_ok() => {
            return announce(options).map_err(|source| failed(dir, source));
        }
        Err(LibraryError::InUse {
            holder: Holder::Server { .. },
            ..
        }) if list_units(dir).is_err() => {
            // The other server is on its way out.
            how.waiting = Waiting::UntilFree;
            Library::open_with(dir, &how)?
        }
        result => result?,
    };
    let server = EventFd::new().map_err(io::Error::from).map(|wake| Server {
        library,
        connections: Mutex::default(),
        wake,
    });
    let server = Arc::new(server.map_err(|source| failed(dir, source))?);
    let watcher: Arc<dyn PowerWatcher> = Arc::clone(&server) as _;
    server.library.watch_power(&watcher);
    let signals = block_signals().map_err(|source| failed(dir, source))?;
    let iscsi = start_iscsi(&server, options)?;
    let result = listen(&server, iscsi.as_ref(), &signals, dir, options);
    drop(iscsi);
    server.library.shut_down()?;
    result.map_err(|source| failed(dir, source))
}

/// Blocked before any thread starts, so that all of them leave these to the descriptor.
fn block_signals() -> io::Result<SignalFd> {
    let mask = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT]);
    mask.thread_block()?;
    Ok(SignalFd::new(&mask)?)
}

fn start_iscsi(
    server: &Arc<Server>,
    options: &ServeOptions,
) -> Result<Option<IscsiServer>, ServeError> {
    let Some(wanted) = &options.iscsi else {
        return Ok(None);
    };
    let failed = |source| ServeError::Iscsi {
        address: wanted.address,
        source,
    };
    let told = Arc::clone(server);
    let on_change = Box::new(move || told.wake());
    let iscsi = IscsiServer::start_with(&server.library, wanted, on_change).map_err(failed)?;
    let mut output = io::stdout();
    writeln!(output, "iscsi {} {}", iscsi.address(), iscsi.target())
        .and_then(|()| output.flush())
        .map_err(failed)?;
    Ok(Some(iscsi))
}

fn failed(dir: &Path, source: io::Error) -> ServeError {
    ServeError::Socket {
        path: dir.join("socket"),
        source,
    }
}

fn announce(options: &ServeOptions) -> io::Result<()> {
    match options.announce {
        Announce::No => Ok(()),
        Announce::StandardOutput => {
            let mut output = io::stdout();
            writeln!(output, "{READY}")?;
            output.flush()
        }
    }
}

fn listen(
    server: &Arc<Server>,
    iscsi: Option<&IscsiServer>,
    signals: &SignalFd,
    dir: &Path,
    options: &ServeOptions,
) -> io::Result<()> {
    let (_folder, path) = socket_path(dir)?;
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    listener.set_nonblocking(true)?;
    announce(options)?;
    let mut threads: Vec<JoinHandle<()>> = Vec::new();
    let result = loop {
        threads.retain(|thread| !thread.is_finished());
        let is_idle = || server.is_idle() && iscsi.is_none_or(IscsiServer::is_idle);
        let idle = options.idle_exit.filter(|_| is_idle());
        match next_event(&listener, signals, &server.wake, idle) {
            Ok(Event::Connection(stream)) => threads.extend(server.welcome(stream)),
            Ok(Event::Change) if server.lock().stopping => break Ok(()),
            Ok(Event::Change) => {}
            Ok(Event::Idle) if !is_idle() => {}
            Ok(Event::Signal | Event::Idle) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    // Whoever comes now finds no socket and starts the next server, which waits for the lock.
    std::fs::remove_file(&path)?;
    drop(listener);
    // Answers under way still go out.
    server.disconnect(Shutdown::Read, |_| true);
    for thread in threads {
        // A thread that panicked has said so; its device is as it was left.
        drop(thread.join());
    }
    result
}

fn next_event(
    listener: &UnixListener,
    signals: &SignalFd,
    wake: &EventFd,
    idle: Option<Duration>,
) -> io::Result<Event> {
    let timeout = idle.map_or(PollTimeout::NONE, |idle| {
        PollTimeout::try_from(idle).unwrap_or(PollTimeout::MAX)
    });
    let mut waiting = [
        PollFd::new(signals.as_fd(), PollFlags::POLLIN),
        PollFd::new(wake.as_fd(), PollFlags::POLLIN),
        PollFd::new(listener.as_fd(), PollFlags::POLLIN),
    ];
    loop {
        match poll(&mut waiting, timeout) {
            Ok(0) => return Ok(Event::Idle),
            Err(nix::errno::Errno::EINTR) => {}
            result => {
                result?;
                break;
            }
        }
    }
    let [signalled, woken, _] = waiting.map(|fd| fd.any().unwrap_or(false));
    if signalled {
        return Ok(Event::Signal);
    }
    if woken {
        wake.read()?;
        return Ok(Event::Change);
    }
    match listener.accept() {
        Ok((stream, _)) => Ok(Event::Connection(stream)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Event::Change),
        Err(error) => Err(error),
    }
}

impl PowerWatcher for Server {
    fn power_failed(&self) {
        self.disconnect(Shutdown::Both, |purpose| purpose == Kind::Commands);
    }
}

impl Server {
    fn lock(&self) -> std::sync::MutexGuard<'_, Connections> {
        self.connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn is_idle(&self) -> bool {
        self.lock().streams.is_empty()
    }

    /// Starts a connection's thread; a connection that cannot have one is closed.
    fn welcome(self: &Arc<Self>, stream: UnixStream) -> Option<JoinHandle<()>> {
        let registered = stream.set_nonblocking(false).and_then(|()| {
            let watched = stream.try_clone()?;
            let mut connections = self.lock();
            let number = connections.next;
            connections.next += 1;
            connections
                .streams
                .insert(number, (Kind::Greeting, watched));
            Ok(number)
        });
        let number = registered
            .inspect_err(|error| tracing::warn!(%error, "connection refused"))
            .ok()?;
        let server = Arc::clone(self);
        let thread = std::thread::Builder::new()
            .name(format!("connection {number}"))
            .spawn(move || {
                if let Err(error) = server.converse(number, &stream) {
                    tracing::info!(%error, number, "connection ended");
                }
                server.forget(number);
            });
        if thread.is_err() {
            self.forget(number);
        }
        thread.ok()
    }

    fn forget(&self, number: u64) {
        self.lock().streams.remove(&number);
        self.wake();
    }

    fn wake(&self) {
        if let Err(error) = self.wake.write(1) {
            tracing::error!(%error, "main thread not woken");
        }
    }

    fn converse(&self, number: u64, stream: &UnixStream) -> io::Result<()> {
        stream.set_read_timeout(Some(CLIENT_TIME))?;
        stream.set_write_timeout(Some(CLIENT_TIME))?;
        let hello = Hello::read(stream)?;
        stream.set_read_timeout(None)?;
        let units = self.library.units();
        // Before the answer: a power cut after it must find this connection.
        let epoch = self.library.epoch();
        match hello.purpose {
            Purpose::Commands(lun) if lun.0 >= units => Welcome::NoSuchUnit { units }.write(stream),
            Purpose::Commands(lun) => {
                self.set_purpose(number, Kind::Commands);
                Welcome::Connected { units }.write(stream)?;
                let nexus = Nexus {
                    lun,
                    initiator: hello.initiator,
                    epoch,
                };
                self.serve_commands(stream, nexus)
            }
            Purpose::Control => {
                self.set_purpose(number, Kind::Control);
                Welcome::Connected { units }.write(stream)?;
                self.serve_operator(stream)
            }
        }
    }

    fn set_purpose(&self, number: u64, purpose: Kind) {
        if let Some((known, _)) = self.lock().streams.get_mut(&number) {
            *known = purpose;
        }
    }

    /// Ends connections; their threads notice and go.
    fn disconnect(&self, how: Shutdown, which: impl Fn(Kind) -> bool) {
        for (purpose, stream) in self.lock().streams.values() {
            if which(*purpose) {
                // It may be closed already, which is as good.
                drop(stream.shutdown(how));
            }
        }
    }

    fn serve_operator(&self, stream: &UnixStream) -> io::Result<()> {
        while let Some(message) = read_message(stream)? {
            let response = match serde_json::from_slice(&message) {
                Ok(request) => self.answer_operator(request),
                Err(error) => Response::Failed {
                    message: format!("not a request: {error}"),
                },
            };
            write_message(stream, &serde_json::to_vec(&response)?)?;
        }
        Ok(())
    }

    fn answer_operator(&self, request: Request) -> Response {
        let stop = request == Request::ShutDown;
        let response = carry_out(&self.library, request);
        if stop {
            self.lock().stopping = true;
            self.wake();
        }
        response.unwrap_or_else(|error| Response::Failed {
            message: error.to_string(),
        })
    }

    fn serve_commands(&self, mut stream: &UnixStream, nexus: Nexus) -> io::Result<()> {
        let mut buffer = Vec::new();
        let mut head = [0; CommandFrame::LENGTH];
        loop {
            match stream.read_exact(&mut head) {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
                result => result?,
            }
            let frame = CommandFrame::decode(&head)?;
            if buffer.len() < frame.length {
                buffer.resize(frame.length, 0);
            }
            let data = &mut buffer[..frame.length];
            match self.library.next_command_fault() {
                None => {}
                Some(Fault::Abort) => std::process::abort(),
                Some(Fault::KillHost) => return kill_peer(stream),
                Some(_) => {
                    self.library.power_cut();
                    return Ok(());
                }
            }
            let answer = match frame.direction {
                Direction::Out => {
                    stream.read_exact(data)?;
                    self.execute(nexus, &frame, Data::Out(data))
                }
                Direction::In => self.execute(nexus, &frame, Data::In(data)),
                Direction::None => self.execute(nexus, &frame, Data::None),
            };
            let Some(reply) = answer else {
                return Ok(()); // the power was cut
            };
            let moved = match frame.direction {
                Direction::In => &buffer[..reply.transferred],
                Direction::Out | Direction::None => &[],
            };
            send_reply(stream, &reply, moved)?;
        }
    }

    fn execute(&self, nexus: Nexus, frame: &CommandFrame, data: Data<'_>) -> Option<Reply> {
        let Nexus {
            lun,
            initiator,
            epoch,
        } = nexus;
        self.library
            .execute(lun, initiator, epoch, &frame.cdb, data)
    }
}

/// SIGKILL for the process at the other end.
fn kill_peer(stream: &UnixStream) -> io::Result<()> {
    let peer = getsockopt(stream, PeerCredentials)?;
    kill(Pid::from_raw(peer.pid()), Signal::SIGKILL)?;
    Ok(())
}

/// Who talks to what, since when.
#[derive(Debug, Clone, Copy)]
struct Nexus {
    lun: Lun,
    initiator: InitiatorId,
    epoch: u64,
}

fn send_reply(mut stream: &UnixStream, reply: &Reply, data: &[u8]) -> io::Result<()> {
    let frame = ReplyFrame {
        status: reply.status,
        sense_length: reply.sense.len(),
        transferred: reply.transferred,
    };
    let head = frame
        .encode()
        .ok_or_else(|| io::Error::other("answer out of bounds"))?;
    stream.write_all(&[&head[..], &reply.sense].concat())?;
    stream.write_all(data)
}
