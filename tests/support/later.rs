//! The same state folder some days later: the program's rooms called with a clock that says so.
#![allow(dead_code)] // each test program uses a part of it

use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use tapeward::app::{App, Surroundings};
use tapeward::catalogue::{ContentState, SetCopy, Volume};
use tapeward::clock::{ManualClock, SharedClock};
use tapeward::error::Result;
use tapeward::health::{Verdict, record};
use tapeward::id::Barcode;
use tapeward::job::foreign;
use tapeward::job::label::{self, Foreign, Labelled};
use tapeward::job::plan::Request;
use tapeward::job::report::Report;
use tapeward::job::run;
use tapeward::key::Secrets;
use tapeward::library::Library;
use tapeward::progress::{Interrupt, Unwatched};
use tapeward::retention;

use crate::world::World;

pub(crate) struct Later {
    app: Arc<App>,
    now: DateTime<Utc>,
}

impl Later {
    pub(crate) fn days(world: &World, days: i64) -> Self {
        Self::by(
            world,
            ManualClock::shared(Utc::now() + TimeDelta::days(days)),
        )
    }

    /// By this clock.
    pub(crate) fn by(world: &World, clock: SharedClock) -> Self {
        // The virtual library's process is started by the program, not by a test.
        world.ok(["library", "status"]);
        let now = clock.now();
        let around = Surroundings {
            clock,
            watcher: Arc::new(Unwatched),
            interrupt: Interrupt::default(),
            secrets: Arc::new(Secrets::default()),
        };
        let app = Arc::new(App::open(&world.state(), around).unwrap());
        Self { app, now }
    }

    /// So many days after then.
    pub(crate) fn moment(&self, days: i64) -> DateTime<Utc> {
        self.now + TimeDelta::days(days)
    }

    fn library(&self) -> Arc<Library> {
        Arc::new(self.app.library(None, "a test").unwrap())
    }

    pub(crate) fn label(&self, barcode: &str) -> Result<Vec<Labelled>> {
        let (code, pool) = (barcode.parse().unwrap(), "onsite".parse().unwrap());
        label::label(&self.app, &self.library(), &[code], &pool, Foreign::Refuse)
    }

    /// Writes a raw copy onto a cartridge.
    pub(crate) fn raw_write(&self, folder: &Path, barcode: &str) {
        let code = barcode.parse().unwrap();
        foreign::raw_write(&self.app, &self.library(), folder, &code).unwrap();
    }

    pub(crate) fn job(&self) -> Report {
        run::start(&self.app, &self.library(), &Request::default()).unwrap()
    }

    pub(crate) fn review(&self) {
        let app = &self.app;
        app.write(|tx, now| retention::review(app, tx, now))
            .unwrap();
    }

    pub(crate) fn volume(&self, barcode: &str) -> Volume {
        let code: Barcode = barcode.parse().unwrap();
        let found = self
            .app
            .catalogue
            .read(|view| view.volume_by_barcode(&code));
        found.unwrap().unwrap()
    }

    pub(crate) fn content(&self, barcode: &str) -> ContentState {
        self.volume(barcode).content
    }

    pub(crate) fn set_content(&self, barcode: &str, content: ContentState) {
        let volume = self.volume(barcode).id;
        self.app
            .write(|tx, now| Ok(tx.set_content(volume, content, now, "for a test", None)?))
            .unwrap();
    }

    /// The copies of the oldest set.
    pub(crate) fn copies(&self) -> Vec<SetCopy> {
        let copies = self.app.catalogue.read(|view| {
            let set = view.sets()?.remove(0);
            view.set_copies(set.id)
        });
        copies.unwrap()
    }

    /// Every cartridge but these.
    pub(crate) fn others(&self, but: &[&str]) -> Vec<String> {
        let all = self.app.catalogue.read(|view| view.cartridges()).unwrap();
        let barcodes = all.iter().map(|one| one.barcode.as_str());
        let others = barcodes.filter(|barcode| !but.contains(barcode));
        others.map(str::to_owned).collect()
    }

    /// The cartridge is not used any more.
    pub(crate) fn set_aside(&self, barcode: &str) {
        record::decide(&self.app, barcode, Verdict::Quarantined, "for a test").unwrap();
    }
}
