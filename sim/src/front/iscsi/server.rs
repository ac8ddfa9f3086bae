//! The sockets of the target: a thread that accepts, a thread for each connection.

use std::io::{self, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use md5::{Digest as _, Md5};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::EventFd;
use tapeward_drivers::socket::InitiatorId;

use super::chap::{Challenge, Secrets};
use super::frame::{Digests, FrameError, read_pdu, write_pdu};
use super::login::{LoggedIn, Login, Next, Policy, SessionType};
use super::negotiate::{DEFAULT_SEGMENT, MAX_SEGMENT};
use super::request::{HEADER_LENGTH, Pdu};
use super::session::{End, Session, Sink, Target};
use super::sessions::{Connection, Sessions};
use crate::clock::{HostClock, SystemHostClock};
use crate::library::{Library, PowerWatcher, lock_of};

/// Time from the connection to the end of the login.
const LOGIN_TIME: Duration = Duration::from_secs(15);
/// Time an initiator may be silent before it is asked whether it is there, and time to answer.
const SILENCE: Duration = Duration::from_secs(30);
/// Time for the rest of a unit that has begun, and to take one.
const UNIT_TIME: Duration = Duration::from_secs(30);

/// How to be a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IscsiOptions {
    /// Where to listen; port 0 for any free one.
    pub address: SocketAddr,
    /// Who may log in; everybody without.
    pub secrets: Option<Secrets>,
}

/// A target that listens; it stops when this is dropped.
#[derive(Debug)]
pub struct IscsiServer {
    shared: Arc<Shared>,
    address: SocketAddr,
    acceptor: Option<JoinHandle<()>>,
}

/// Something that wants to know when connections come and go.
pub(crate) type OnChange = Box<dyn Fn() + Send + Sync>;

struct Shared {
    library: Arc<Library>,
    policy: Policy,
    sessions: Sessions,
    stop: EventFd,
    on_change: OnChange,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("policy", &self.policy)
            .field("sessions", &self.sessions)
            .finish_non_exhaustive()
    }
}

impl PowerWatcher for Shared {
    fn power_failed(&self) {
        self.sessions.power_failed();
    }
}

impl IscsiServer {
    /// Listens, and lets initiators in from then on.
    pub fn start(library: &Arc<Library>, options: &IscsiOptions) -> io::Result<Self> {
        Self::start_with(library, options, Box::new(|| {}))
    }

    pub(crate) fn start_with(
        library: &Arc<Library>,
        options: &IscsiOptions,
        on_change: OnChange,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(options.address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            policy: Policy {
                target: target_name(library.serial()),
                secrets: options.secrets.clone(),
            },
            library: Arc::clone(library),
            sessions: Sessions::default(),
            stop: EventFd::new()?,
            on_change,
            threads: Mutex::default(),
        });
        let watcher: Arc<dyn PowerWatcher> = Arc::clone(&shared) as _;
        library.watch_power(&watcher);
        let accepting = Arc::clone(&shared);
        let acceptor = std::thread::Builder::new()
            .name("iscsi".to_owned())
            .spawn(move || {
                if let Err(error) = accepting.accept(&listener) {
                    tracing::error!(%error, "no more iSCSI connections");
                }
            })?;
        Ok(Self {
            shared,
            address,
            acceptor: Some(acceptor),
        })
    }

    /// Address and port it listens at.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// iSCSI name of the target.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.shared.policy.target
    }

    /// Whether nobody is connected.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.shared.sessions.is_empty()
    }
}

impl Drop for IscsiServer {
    fn drop(&mut self) {
        if let Err(error) = self.shared.stop.write(1) {
            tracing::error!(%error, "iSCSI thread not woken");
        }
        if let Some(acceptor) = self.acceptor.take() {
            // A thread that panicked has said so.
            drop(acceptor.join());
        }
        self.shared.sessions.end_all_but(None);
        let threads = std::mem::take(&mut *lock_of(&self.shared.threads));
        for thread in threads {
            drop(thread.join());
        }
    }
}

/// The target's name (RFC 7143 clause 4.2.7): `local` is nobody's, as this library is nobody's.
fn target_name(serial: &str) -> String {
    format!("iqn.2026-11.local.tapeward:{}", serial.to_ascii_lowercase())
}

/// Who an initiator is to the devices: its name and ISID are its port (RFC 7143 clause 4.4.1).
fn nexus(initiator: &str, isid: [u8; 6]) -> InitiatorId {
    let mut hash = Md5::new();
    hash.update(isid);
    hash.update(initiator);
    InitiatorId(hash.finalize().into())
}

impl Shared {
    fn accept(self: &Arc<Self>, listener: &TcpListener) -> io::Result<()> {
        loop {
            let mut waiting = [
                PollFd::new(self.stop.as_fd(), PollFlags::POLLIN),
                PollFd::new(listener.as_fd(), PollFlags::POLLIN),
            ];
            match poll(&mut waiting, PollTimeout::NONE) {
                Err(nix::errno::Errno::EINTR) => continue,
                result => result?,
            };
            if waiting[0].any().unwrap_or(false) {
                return Ok(());
            }
            match listener.accept() {
                Ok((stream, from)) => self.welcome(stream, from),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // The initiator went away again, or there are too many files open.
                Err(error) => tracing::warn!(%error, "iSCSI connection not accepted"),
            }
        }
    }

    /// Starts a connection's thread; a connection that cannot have one is closed.
    fn welcome(self: &Arc<Self>, stream: TcpStream, from: SocketAddr) {
        let prepared = stream
            .set_nonblocking(false)
            .and_then(|()| stream.set_nodelay(true))
            .and_then(|()| stream.set_write_timeout(Some(UNIT_TIME)))
            .and_then(|()| stream.try_clone());
        let added = prepared.map(|watched| self.sessions.add(watched));
        let (number, connection) = match added {
            Ok(Some(added)) => added,
            Ok(None) => {
                tracing::warn!(%from, "too many iSCSI connections");
                return;
            }
            Err(error) => {
                tracing::warn!(%error, %from, "iSCSI connection refused");
                return;
            }
        };
        (self.on_change)();
        let shared = Arc::clone(self);
        let thread = std::thread::Builder::new()
            .name(format!("iscsi {number}"))
            .spawn(move || {
                match shared.converse(number, &connection, &stream) {
                    Ok(end) => tracing::info!(%from, number, "iSCSI connection ended: {end}"),
                    Err(error) => tracing::info!(%from, number, %error, "iSCSI connection ended"),
                }
                shared.leave(number);
            });
        let mut threads = lock_of(&self.threads);
        threads.retain(|thread| !thread.is_finished());
        match thread {
            Ok(thread) => threads.push(thread),
            Err(error) => {
                tracing::warn!(%error, %from, "no thread for an iSCSI connection");
                drop(threads);
                self.leave(number);
            }
        }
    }

    /// The end of a session is the loss of its nexus (RFC 7143 clause 4.4.2).
    fn leave(&self, number: u64) {
        if let Some(nexus) = self.sessions.remove(number) {
            self.library.lose_nexus(nexus);
        }
        (self.on_change)();
    }

    fn converse(
        &self,
        number: u64,
        connection: &Connection,
        stream: &TcpStream,
    ) -> Result<End, FrameError> {
        let mut reader = BufReader::with_capacity(64 << 10, stream);
        let Some(login) = self.log_in(number, stream, &mut reader)? else {
            return Ok(End::Protocol("the login was refused"));
        };
        let nexus = nexus(&login.initiator, login.isid);
        tracing::info!(number, initiator = login.initiator, kind = ?login.kind, "iSCSI session");
        let target = Target {
            library: Arc::clone(&self.library),
            name: self.policy.target.clone(),
            address: stream.local_addr()?.to_string(),
        };
        let mut session = Session::new(target, nexus, &login);
        let mut wire = Wire {
            stream,
            digests: login.parameters.digests,
        };
        let end = Self::serve(connection, &mut session, &mut reader, &mut wire);
        match end {
            End::PowerCut => drop(session.announce_end(&mut wire)), // it is going anyway
            End::ColdReset => self.sessions.end_all_but(Some(number)),
            _ => {}
        }
        Ok(end)
    }

    /// The login; `None` if it was refused.
    fn log_in(
        &self,
        number: u64,
        stream: &TcpStream,
        reader: &mut BufReader<&TcpStream>,
    ) -> Result<Option<LoggedIn>, FrameError> {
        let clock = SystemHostClock::default();
        let mut login = Login::new(&self.policy, self.sessions.new_tsih(), challenge()?);
        loop {
            let left = LOGIN_TIME.saturating_sub(clock.monotonic());
            if left.is_zero() {
                return Err(io::Error::from(io::ErrorKind::TimedOut).into());
            }
            stream.set_read_timeout(Some(left))?;
            let pdu = read_pdu(reader, Digests::default(), DEFAULT_SEGMENT)?;
            let Some(step) = login.receive(&pdu, |tsih| self.sessions.exists(tsih)) else {
                return Ok(None);
            };
            if let Next::Enter(entered) = &step.next
                && entered.kind == SessionType::Normal
            {
                let nexus = nexus(&entered.initiator, entered.isid);
                if self.sessions.enter(number, entered.tsih, nexus) {
                    self.library.lose_nexus(nexus);
                }
            }
            write_pdu(&mut &*stream, Digests::default(), step.header, &step.text)?;
            match step.next {
                Next::Continue => {}
                Next::Enter(login) => return Ok(Some(*login)),
                Next::Refuse(why) => {
                    tracing::warn!(number, why, "iSCSI login refused");
                    return Ok(None);
                }
            }
        }
    }

    fn serve(
        connection: &Connection,
        session: &mut Session,
        reader: &mut BufReader<&TcpStream>,
        wire: &mut Wire<'_>,
    ) -> End {
        loop {
            let received = next_pdu(reader, wire.digests);
            if connection.power_failed() {
                return End::PowerCut;
            }
            let Some(_alive) = connection.alive() else {
                return End::Protocol("another session took its place");
            };
            let result = match received {
                Ok(Some(pdu)) => session.receive(pdu, wire),
                Ok(None) => session.idle(wire),
                Err(FrameError::Io(error)) => Err(End::Io(error)),
                Err(FrameError::Closed) => {
                    Err(End::Protocol("the initiator closed the connection"))
                }
                Err(FrameError::HeaderDigest) => {
                    Err(End::Protocol("a header does not match its digest"))
                }
                Err(FrameError::TooLong { .. }) => {
                    Err(End::Protocol("a longer unit than was agreed"))
                }
            };
            if let Err(end) = result {
                return end;
            }
        }
    }
}

/// The next unit; `None` if nothing came for [`SILENCE`].
fn next_pdu(
    reader: &mut BufReader<&TcpStream>,
    digests: Digests,
) -> Result<Option<Pdu>, FrameError> {
    if reader.buffer().is_empty() {
        let stream = *reader.get_ref();
        let timeout = PollTimeout::try_from(SILENCE).unwrap_or(PollTimeout::MAX);
        let mut waiting = [PollFd::new(stream.as_fd(), PollFlags::POLLIN)];
        loop {
            match poll(&mut waiting, timeout) {
                Err(nix::errno::Errno::EINTR) => {}
                Ok(0) => return Ok(None),
                Ok(_) => break,
                Err(errno) => return Err(FrameError::Io(errno.into())),
            }
        }
        stream.set_read_timeout(Some(UNIT_TIME))?;
    }
    read_pdu(reader, digests, MAX_SEGMENT).map(Some)
}

fn challenge() -> io::Result<Challenge> {
    let mut bytes = [0; 17];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    let [identifier, bytes @ ..] = bytes;
    Ok(Challenge { identifier, bytes })
}

/// A connection as responses go out.
struct Wire<'a> {
    stream: &'a TcpStream,
    digests: Digests,
}

impl Sink for Wire<'_> {
    fn send(&mut self, header: [u8; HEADER_LENGTH], data: &[u8]) -> io::Result<()> {
        write_pdu(&mut self.stream, self.digests, header, data)
    }
}
