//! What every command works with: state folder, configuration, record, clock, who is asking.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::catalogue::{Catalogue, CatalogueError, Tx};
use crate::clock::SharedClock;
use crate::config::{self, Config};
use crate::error::{Context, Error, Result};
use crate::files::create_private_folder;
use crate::id::KeyId;
use crate::journal::{self, Actor, Event};
use crate::key::{Identities, Secrets};
use crate::library::Library;
use crate::progress::{Interrupt, SharedWatcher};

/// Name of the catalogue in the state folder.
const CATALOGUE: &str = "catalogue.db";
/// Name of the folder of file indexes in the state folder.
const INDEXES: &str = "indexes";
/// Name of the folder of identities in the state folder.
const KEYS: &str = "keys";

/// A state folder that is open.
#[derive(Debug)]
pub struct App {
    /// The folder.
    pub state: PathBuf,
    /// Its configuration.
    pub config: Config,
    /// Its record.
    pub catalogue: Arc<Catalogue>,
    /// The time.
    pub clock: SharedClock,
    /// Who is asking, and where.
    pub actor: Actor,
    /// Who watches.
    pub watcher: SharedWatcher,
    /// Whether somebody asked to stop.
    pub interrupt: Interrupt,
    /// Passphrases.
    pub secrets: Arc<Secrets>,
}

/// What comes from outside rather than from the state folder.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// The time.
    pub clock: SharedClock,
    /// Who watches.
    pub watcher: SharedWatcher,
    /// Whether somebody asked to stop.
    pub interrupt: Interrupt,
    /// Passphrases.
    pub secrets: Arc<Secrets>,
}

impl App {
    /// Opens a state folder that was initialised.
    pub fn open(state: &Path, around: Surroundings) -> Result<Self> {
        let state = std::path::absolute(state)
            .context(format!("cannot find the state folder {}", state.display()))?;
        let config = Config::load(&state.join(config::FILE_NAME))?;
        // The configuration may have been put there by hand.
        for folder in [INDEXES, KEYS] {
            create_private_folder(&state.join(folder))?;
        }
        let catalogue = Catalogue::open(&state.join(CATALOGUE))?;
        Ok(Self {
            state,
            config,
            catalogue: Arc::new(catalogue),
            clock: around.clock,
            actor: Actor::of_this_process(),
            watcher: around.watcher,
            interrupt: around.interrupt,
            secrets: around.secrets,
        })
    }

    /// Makes the state folder with this configuration, which must not have one yet.
    pub fn initialise(state: &Path, config: &Config, around: Surroundings) -> Result<Self> {
        let path = state.join(config::FILE_NAME);
        if path.exists() {
            return Err(Error::usage(format!("{} exists already", path.display()))
                .hint("edit it, or choose another state folder with --state"));
        }
        create_private_folder(state)?;
        let text = config.to_toml()?;
        Catalogue::open(&state.join(CATALOGUE))?;
        // The configuration comes last: with it the folder is whole.
        crate::files::write_atomically(&path, text.as_bytes())?;
        let app = Self::open(state, around)?;
        app.write(|tx, now| {
            app.note(
                tx,
                now,
                &Event::CatalogueCreated {
                    program: format!("tapeward {}", env!("CARGO_PKG_VERSION")),
                },
            )
        })?;
        Ok(app)
    }

    /// Where file indexes are.
    #[must_use]
    pub fn indexes(&self) -> PathBuf {
        self.state.join(INDEXES)
    }

    /// Where identities are.
    #[must_use]
    pub fn keys(&self) -> PathBuf {
        self.state.join(KEYS)
    }

    /// Changes the record in one transaction; `work` gets the time it counts for.
    pub fn write<T>(&self, work: impl FnOnce(&Tx<'_>, DateTime<Utc>) -> Result<T>) -> Result<T> {
        let now = self.clock.now();
        self.catalogue.write(|tx| work(tx, now))
    }

    /// Adds a journal entry to a transaction.
    pub fn note(&self, tx: &Tx<'_>, now: DateTime<Utc>, event: &Event) -> Result<()> {
        journal::append(tx, now, &self.actor, event)?;
        Ok(())
    }

    /// Says one line to whoever watches.
    pub fn say(&self, text: impl Into<String>) {
        crate::progress::step(&*self.watcher, text);
    }

    /// The library chosen by name, or the only one.
    pub fn library(&self, choice: Option<&str>, purpose: &str) -> Result<Library> {
        let (name, library) = self.config.library(choice)?;
        let (out_of_use, limits) = self.catalogue.read(|view| {
            Ok::<_, CatalogueError>((view.quarantined_drives()?, view.block_limits()?))
        })?;
        let clock = Arc::clone(&self.clock);
        let largest = self.config.largest_block()?;
        let library = Library::new(name, library, &self.state, clock, purpose)?;
        Ok(library.without(out_of_use).with_blocks(largest, limits))
    }

    /// The identities to decrypt with: those in the files given, else those this host keeps of
    /// these keys.
    pub fn identities(&self, files: &[PathBuf], keys: &[KeyId]) -> Result<Identities> {
        Identities::at_hand(self, files, keys)
    }
}

/// The state folder when none is named: the XDG state folder, or /var/lib for root.
pub fn default_state() -> Result<PathBuf> {
    if nix::unistd::geteuid().is_root() {
        return Ok(PathBuf::from("/var/lib/tapeward"));
    }
    let absolute = |path: PathBuf| path.is_absolute().then_some(path);
    std::env::var_os("XDG_STATE_HOME")
        .map(PathBuf::from)
        .and_then(absolute)
        .or_else(|| {
            std::env::var_os("HOME")
                .map(|home| PathBuf::from(home).join(".local/state"))
                .and_then(absolute)
        })
        .map(|base| base.join("tapeward"))
        .ok_or_else(|| {
            Error::usage("neither HOME nor XDG_STATE_HOME is set")
                .hint("name the state folder with --state")
        })
}
