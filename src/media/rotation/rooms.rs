//! Places and carriers for a plan.

use std::collections::BTreeMap;

use crate::app::App;
use crate::catalogue::{self, ElementKind, PlaceKind as Kind, View};
use crate::error::{Error, Result};
use crate::id::{Barcode, LibraryId};
use crate::rotation::{Calendar, Carrier, CarrierIndex, Place, PlaceIndex, PlaceKind};

/// The places of a plan, and which of the record's is which.
#[derive(Debug)]
pub(super) struct Rooms {
    pub places: Vec<Place>,
    pub carriers: Vec<Carrier>,
    pub library: PlaceIndex,
    libraries: BTreeMap<LibraryId, PlaceIndex>,
    kept: BTreeMap<String, PlaceIndex>,
    outside: PlaceIndex,
    /// Where each case is.
    cases: BTreeMap<Barcode, Option<PlaceIndex>>,
    /// Days that a cartridge from elsewhere lies before it is loaded.
    pub acclimatisation_days: u16,
}

/// When people are at the site; every day where no site is configured.
pub(super) fn site(app: &App) -> Result<Calendar> {
    let mut sites = app.config.site.values();
    match (sites.next(), sites.next()) {
        (None, _) => Ok(Calendar::every_day()),
        (Some(site), None) => Ok(site.calendar.clone()),
        // The calendar of the library's site counts; libraries name no site yet.
        (Some(first), Some(_)) => {
            let same = app
                .config
                .site
                .values()
                .all(|site| site.calendar == first.calendar);
            same.then(|| first.calendar.clone()).ok_or_else(|| {
                Error::usage("several sites with calendars of their own are configured")
                    .hint("rotation is planned for one site: keep one state folder for each")
            })
        }
    }
}

pub(super) fn rooms(app: &App, view: &View<'_>, library: Option<&str>) -> Result<Rooms> {
    let (chosen, _) = app.config.library(library)?;
    let mut rooms = Rooms {
        places: Vec::new(),
        carriers: Vec::new(),
        library: PlaceIndex(0),
        libraries: BTreeMap::new(),
        kept: BTreeMap::new(),
        outside: PlaceIndex(0),
        cases: BTreeMap::new(),
        acclimatisation_days: 0,
    };
    rooms.add_libraries(view, chosen)?;
    rooms.outside = rooms.add("outside", PlaceKind::Shelf, None);
    rooms.add_kept(app)?;
    for thing in view.things()? {
        if thing.kind == catalogue::ThingKind::Case {
            let place = rooms.of(&thing.place);
            rooms.cases.insert(thing.barcode, place);
        }
    }
    Ok(rooms)
}

impl Rooms {
    fn add(&mut self, name: &str, kind: PlaceKind, capacity: Option<u32>) -> PlaceIndex {
        let index = PlaceIndex::new(self.places.len());
        self.places.push(Place {
            name: name.to_owned(),
            kind,
            capacity,
            calendar: Calendar::every_day(),
            carrier: None,
            others: 0,
        });
        index
    }

    fn add_libraries(&mut self, view: &View<'_>, chosen: &str) -> Result<()> {
        for known in view.libraries()? {
            let elements = view.elements(known.id)?;
            let slots = elements
                .iter()
                .filter(|element| element.kind == ElementKind::Storage)
                .count();
            let capacity = u32::try_from(slots).ok().filter(|slots| *slots > 0);
            let index = self.add(&known.name, PlaceKind::Library, capacity);
            if known.name == chosen {
                self.library = index;
            }
            self.libraries.insert(known.id, index);
        }
        if !self.places.iter().any(|place| place.name == chosen) {
            self.library = self.add(chosen, PlaceKind::Library, None);
        }
        Ok(())
    }

    fn add_kept(&mut self, app: &App) -> Result<()> {
        let mut carriers = BTreeMap::new();
        for (code, carrier) in &app.config.carrier {
            carriers.insert(code, CarrierIndex::new(self.carriers.len()));
            self.carriers.push(Carrier {
                name: carrier.name.clone(),
                calendar: carrier.calendar.clone(),
            });
        }
        for (code, place) in &app.config.place {
            let kind = match place.kind {
                Kind::Safe => PlaceKind::Safe,
                Kind::Shelf => PlaceKind::Shelf,
                Kind::Vault => PlaceKind::Vault,
                Kind::Home => PlaceKind::Home,
                Kind::Cloud | Kind::Repair | Kind::Foreign => continue,
            };
            let index = self.add(code.as_str(), kind, place.capacity);
            self.kept.insert(code.as_str().to_owned(), index);
            let days = place.acclimatise_hours.div_ceil(24);
            let days = u16::try_from(days).unwrap_or(u16::MAX);
            self.acclimatisation_days = self.acclimatisation_days.max(days);
            let carrier = place
                .carrier
                .as_ref()
                .and_then(|code| carriers.get(code))
                .copied();
            let carrier = match (kind, carrier) {
                // Whoever lives there takes it on any day that people are at the site.
                (PlaceKind::Home, None) => {
                    let carrier = CarrierIndex::new(self.carriers.len());
                    self.carriers.push(Carrier {
                        name: format!("whoever goes to {code}"),
                        calendar: site(app)?,
                    });
                    Some(carrier)
                }
                (_, carrier) => carrier,
            };
            let added = &mut self.places[index.at()];
            added.carrier = carrier;
            added.calendar = match kind {
                PlaceKind::Vault => place.calendar.clone(),
                _ => Calendar::every_day(),
            };
        }
        Ok(())
    }

    /// The place of a code of the configuration.
    pub fn kept(&self, code: &str) -> Option<PlaceIndex> {
        self.kept.get(code).copied()
    }

    /// Where something is; `None`: nobody can take it there, or nobody knows.
    pub fn of(&self, place: &catalogue::Place) -> Option<PlaceIndex> {
        use catalogue::Place;
        match place {
            Place::Element { library, .. } => self.libraries.get(library).copied(),
            Place::Outside => Some(self.outside),
            Place::Kept { code, .. } => self.kept(code.as_str()),
            Place::Case { case } => self.cases.get(case).copied().flatten(),
            Place::InTransit | Place::Person { .. } | Place::Missing | Place::Unknown => None,
        }
    }

    /// Counts something that is no cartridge of the plan and takes room.
    pub fn occupy(&mut self, place: PlaceIndex) {
        self.places[place.at()].others += 1;
    }
}
