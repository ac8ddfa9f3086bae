//! The connections there are, and which session each of them is.

use std::collections::BTreeMap;
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tapeward_drivers::socket::InitiatorId;

use crate::library::lock_of;

/// Connections at the same time; more are closed at once.
pub(super) const MAX_CONNECTIONS: usize = 64;

/// A connection as others reach it.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    /// Held while a unit is dealt with; false once nothing must be carried out any more.
    alive: Mutex<bool>,
    power_failed: AtomicBool,
    /// TSIH and nexus of its session, if it is logged in.
    session: Mutex<Option<(u16, InitiatorId)>>,
}

impl Connection {
    /// The right to carry something out, if the connection still has it.
    pub(super) fn alive(&self) -> Option<MutexGuard<'_, bool>> {
        let alive = lock_of(&self.alive);
        (*alive).then_some(alive)
    }

    pub(super) fn power_failed(&self) -> bool {
        self.power_failed.load(Ordering::Acquire)
    }

    /// Ends the connection: when this returns, nothing is carried out for it any more.
    fn end(&self) {
        // It may be closed already, which is as good. First, so that no write keeps the lock.
        drop(self.stream.shutdown(Shutdown::Both));
        *lock_of(&self.alive) = false;
    }
}

/// All connections of a target.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    connections: BTreeMap<u64, Arc<Connection>>,
    next_connection: u64,
    last_tsih: u16,
}

impl Sessions {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new connection, if there is room for it.
    pub(super) fn add(&self, stream: TcpStream) -> Option<(u64, Arc<Connection>)> {
        let mut state = self.lock();
        if state.connections.len() >= MAX_CONNECTIONS {
            return None;
        }
        let connection = Arc::new(Connection {
            stream,
            alive: Mutex::new(true),
            power_failed: AtomicBool::new(false),
            session: Mutex::new(None),
        });
        let number = state.next_connection;
        state.next_connection += 1;
        state.connections.insert(number, Arc::clone(&connection));
        Some((number, connection))
    }

    /// A session handle that no session has.
    pub(super) fn new_tsih(&self) -> u16 {
        let mut state = self.lock();
        loop {
            state.last_tsih = state.last_tsih.wrapping_add(1).max(1);
            let taken = state
                .connections
                .values()
                .any(|connection| tsih_of(connection) == Some(state.last_tsih));
            if !taken {
                return state.last_tsih;
            }
        }
    }

    /// Whether there is a session with this handle.
    pub(super) fn exists(&self, tsih: u16) -> bool {
        let state = self.lock();
        let mut connections = state.connections.values();
        connections.any(|connection| tsih_of(connection) == Some(tsih))
    }

    /// Makes a connection the session of a nexus. A session of the same nexus ends before this
    /// returns (session reinstatement, RFC 7143 clause 6.3.5); whether there was one.
    pub(super) fn enter(&self, number: u64, tsih: u16, nexus: InitiatorId) -> bool {
        let state = self.lock();
        let old: Vec<_> = state
            .connections
            .iter()
            .filter(|(other, connection)| **other != number && nexus_of(connection) == Some(nexus))
            .map(|(_, connection)| Arc::clone(connection))
            .collect();
        if let Some(connection) = state.connections.get(&number) {
            *lock_of(&connection.session) = Some((tsih, nexus));
        }
        for connection in &old {
            *lock_of(&connection.session) = None;
        }
        drop(state);
        for connection in &old {
            connection.end();
        }
        !old.is_empty()
    }

    /// Forgets a connection; the nexus of its session, unless another session has taken that over.
    pub(super) fn remove(&self, number: u64) -> Option<InitiatorId> {
        let connection = self.lock().connections.remove(&number)?;
        nexus_of(&connection)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lock().connections.is_empty()
    }

    /// Stops reading from all connections; their threads learn why.
    pub(super) fn power_failed(&self) {
        for connection in self.lock().connections.values() {
            connection.power_failed.store(true, Ordering::Release);
            // It may be closed already, which is as good.
            drop(connection.stream.shutdown(Shutdown::Read));
        }
    }

    /// Ends all connections, or all but one.
    pub(super) fn end_all_but(&self, kept: Option<u64>) {
        let all: Vec<_> = self
            .lock()
            .connections
            .iter()
            .filter(|(number, _)| Some(**number) != kept)
            .map(|(_, connection)| Arc::clone(connection))
            .collect();
        for connection in all {
            connection.end();
        }
    }
}

fn tsih_of(connection: &Connection) -> Option<u16> {
    lock_of(&connection.session).map(|(tsih, _)| tsih)
}

fn nexus_of(connection: &Connection) -> Option<InitiatorId> {
    lock_of(&connection.session).map(|(_, nexus)| nexus)
}
