//! Tape rooms drawn by lot, and what goes wrong in them between two plans.

use chrono::{Days, NaiveDate, NaiveTime, Weekday};
use tapeward::catalogue::{Generation, MediumUse};
use tapeward::rotation::{
    Calendar, Carrier, CarrierIndex, Closure, Content, CutOff, Daily, GrandfatherFatherSon,
    KeepSets, Monthly, Place, PlaceIndex, PlaceKind, PlannedMove, Pool, PoolIndex, Protection,
    Recall, Scheme, Series, Snapshot, Stock, Volume,
};

use super::model::Model;

/// Numbers by lot: SplitMix64, so that a seed gives the same room everywhere.
#[derive(Debug, Clone)]
pub struct Lot(pub u64);

impl Lot {
    /// A number below `end`.
    pub fn below(&mut self, end: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        u32::try_from((mixed ^ (mixed >> 31)) % u64::from(end)).unwrap()
    }

    pub fn between(&mut self, from: u32, to: u32) -> u32 {
        from + self.below(to - from + 1)
    }

    pub fn one_in(&mut self, number: u32) -> bool {
        self.below(number) == 0
    }
}

/// Which scheme is tried.
#[derive(Debug, Clone, Copy)]
pub enum Tried {
    Monthly,
    GrandfatherFatherSon,
    KeepSets,
    Daily,
}

pub const LIBRARY: PlaceIndex = PlaceIndex(0);
pub const CUPBOARD: PlaceIndex = PlaceIndex(1);
pub const SAFE: PlaceIndex = PlaceIndex(2);
pub const VAULT: PlaceIndex = PlaceIndex(3);
pub const HOME: PlaceIndex = PlaceIndex(4);
pub const CAPACITY: u64 = 1000;

pub fn first_day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 1, 1).unwrap()
}

fn weekdays(lot: &mut Lot, at_least: u32) -> Calendar {
    use Weekday::{Fri, Mon, Sat, Sun, Thu, Tue, Wed};
    let all = [Mon, Tue, Wed, Thu, Fri, Sat, Sun];
    let number = lot.between(at_least, 7);
    let first = lot.below(7);
    let days = (0..number).map(|day| all[usize::try_from((first + day * 3) % 7).unwrap()]);
    Calendar::on(days.collect::<Vec<_>>())
}

fn keep(lot: &mut Lot, tried: Tried) -> (Scheme, Scheme, PlaceIndex) {
    let on_site = if lot.one_in(2) { LIBRARY } else { SAFE };
    let daily = |days| Scheme::Daily(Daily { keep_days: days });
    match tried {
        Tried::Monthly => {
            let day = u8::try_from(lot.between(1, 31)).unwrap();
            let mut monthly = |most| {
                let keep_months = lot.between(1, most);
                Scheme::Monthly(Monthly { keep_months, day })
            };
            (monthly(4), monthly(14), on_site)
        }
        Tried::GrandfatherFatherSon => {
            let gfs = GrandfatherFatherSon {
                keep_days: lot.between(2, 20),
                keep_weeks: lot.between(1, 6),
                keep_months: lot.between(1, 13),
                day: Weekday::Fri,
            };
            let short = lot.between(2, 9);
            (daily(short), Scheme::GrandfatherFatherSon(gfs), SAFE)
        }
        Tried::KeepSets => {
            let days = if lot.one_in(2) {
                vec![Weekday::Sun]
            } else {
                vec![Weekday::Tue, Weekday::Fri]
            };
            let sets = KeepSets {
                sets: u16::try_from(lot.between(1, 4)).unwrap(),
                days: days.into(),
            };
            let months = Monthly {
                keep_months: 2,
                day: 1,
            };
            let on = if lot.one_in(3) {
                Scheme::Monthly(months)
            } else {
                daily(lot.between(2, 20))
            };
            (on, Scheme::KeepSets(sets), on_site)
        }
        Tried::Daily => {
            let (short, long) = (lot.between(2, 12), lot.between(3, 40));
            (daily(short), daily(long), on_site)
        }
    }
}

/// A room with a scheme, by lot.
pub fn world(seed: u64, tried: Tried) -> (Model, Lot) {
    let mut lot = Lot(seed);
    let lot = &mut lot;
    let (on, off, on_site) = keep(lot, tried);
    let tight = lot.one_in(4);
    let third = lot.one_in(4);
    let one_carrier = lot.one_in(2);
    let mut capacity = |least: u32| tight.then(|| lot.between(least, 2 * least));
    let capacities = [capacity(25), None, capacity(12), capacity(12), capacity(12)];
    let kinds = [
        ("library", PlaceKind::Library),
        ("cupboard", PlaceKind::Shelf),
        ("safe", PlaceKind::Safe),
        ("vault", PlaceKind::Vault),
        ("home", PlaceKind::Home),
    ];
    let places = kinds
        .iter()
        .zip(capacities)
        .enumerate()
        .map(|(at, ((name, kind), capacity))| {
            let carrier = match at {
                3 => Some(CarrierIndex(0)),
                4 => Some(CarrierIndex(u16::from(!one_carrier))),
                _ => None,
            };
            Place {
                name: (*name).to_owned(),
                kind: *kind,
                capacity,
                calendar: if at == 3 {
                    weekdays(lot, 5)
                } else {
                    Calendar::every_day()
                },
                carrier,
                others: 0,
            }
        });
    let places: Vec<Place> = places.collect();
    let carriers = ["courier", "caretaker"].map(|name| {
        let mut calendar = weekdays(lot, 2);
        let days_before = u8::try_from(lot.below(3)).unwrap();
        let time = NaiveTime::from_hms_opt(15, 0, 0).unwrap();
        calendar.cut_off = Some(CutOff { days_before, time });
        let name = name.to_owned();
        Carrier { name, calendar }
    });
    let pool = |name: &str, scheme: &Scheme, keep_at, retention_days| Pool {
        name: name.to_owned(),
        scheme: scheme.clone(),
        keep_at,
        retention_days,
    };
    let own = lot.one_in(5).then(|| lot.between(3, 60));
    let mut pools = vec![
        pool("onsite", &on, on_site, None),
        pool("offsite", &off, VAULT, own),
    ];
    if third {
        pools.push(pool("home", &off, HOME, None));
    }
    let number = match tried {
        Tried::Monthly => lot.between(1, 4),
        Tried::KeepSets => lot.between(1, 2),
        _ => 1,
    };
    let series = (0..number).map(|at| Series {
        name: format!("system{at}"),
        copies: (0..pools.len()).map(PoolIndex::new).collect(),
        bytes: u64::from(lot.between(100, 2200)),
        retention_days: lot.one_in(6).then(|| lot.between(5, 90)),
        held: false,
        protection: match lot.below(12) {
            0 => Protection::Excepted,
            1 => Protection::Plain,
            _ => Protection::Encrypted,
        },
    });
    let series: Vec<Series> = series.collect();
    let site = weekdays(lot, 4);
    let scratch = lot.between(8, 24);
    let volume = |at: u32| Volume {
        barcode: format!("V{at:05}L8"),
        generation: Generation::Lto8,
        medium_use: match at {
            0 => MediumUse::Cleaning,
            1 | 2 => MediumUse::Worm,
            _ => MediumUse::Data,
        },
        content: Content::Scratch,
        pool: None,
        capacity: CAPACITY,
        remaining: CAPACITY,
        wear: (at * 7) % 5,
        place: Some(if at < 14 { LIBRARY } else { CUPBOARD }),
        since: first_day().checked_sub_days(Days::new(30)).unwrap(),
        written: None,
        protection: Protection::Encrypted,
        planned: None,
        recall: None,
    };
    let fixed = Snapshot {
        site,
        library: LIBRARY,
        writable: vec![Generation::Lto8],
        places,
        carriers: carriers.into(),
        pools,
        series,
        sets: Vec::new(),
        copies: Vec::new(),
        volumes: (0..scratch).map(volume).collect(),
        late: Vec::new(),
        stock: Stock {
            minimum: lot.between(0, 6),
            lead_days: u16::try_from(lot.between(0, 20)).unwrap(),
            generation: Generation::Lto8,
            capacity: CAPACITY,
            ordered: Vec::new(),
        },
        acclimatisation_days: u16::try_from(lot.below(3)).unwrap(),
    };
    (Model::new(fixed, first_day()), lot.clone())
}

/// Something happens that no plan foresaw.
pub fn disturb(model: &mut Model, lot: &mut Lot) {
    for _ in 0..lot.between(0, 4) {
        match lot.below(9) {
            0 => lose(model, lot),
            1 => find(model, lot),
            2 => hold(model, lot),
            3 => {
                let held = lot.one_in(3);
                let series = lot.below(u32::try_from(model.fixed.series.len()).unwrap());
                model.fixed.series[series as usize].held = held;
            }
            4 => recall(model, lot),
            5 => by_hand(model, lot),
            6 => close(model, lot),
            7 => quarantine(model, lot),
            _ => end_recalls(model),
        }
    }
}

fn any(model: &Model, lot: &mut Lot, wanted: impl Fn(usize) -> bool) -> Option<usize> {
    let start = lot.below(u32::try_from(model.vols.len()).unwrap()) as usize;
    let all = (0..model.vols.len()).map(|at| (start + at) % model.vols.len());
    all.into_iter().find(|at| wanted(*at))
}

fn in_use(model: &Model, at: usize) -> bool {
    matches!(model.vols[at].content, Content::Filling | Content::Full)
}

fn lose(model: &mut Model, lot: &mut Lot) {
    let there = |at: usize| model.vols[at].place.is_some();
    if let Some(at) = any(model, lot, there) {
        let vol = &mut model.vols[at];
        (vol.place, vol.planned, vol.recall) = (None, None, None);
        (vol.ready_out, vol.ready_home) = (None, None);
    }
}

fn find(model: &mut Model, lot: &mut Lot) {
    let missing =
        |at: usize| model.vols[at].place.is_none() && model.vols[at].content != Content::OutOfUse;
    if let Some(at) = any(model, lot, missing) {
        let today = model.today;
        let vol = &mut model.vols[at];
        vol.place = Some(CUPBOARD.at());
        vol.since = today;
        vol.from_elsewhere = Some(today);
    }
}

fn hold(model: &mut Model, lot: &mut Lot) {
    let held = !lot.one_in(2);
    let newest = model.sets.len().min(12);
    if newest > 0 {
        let back = lot.below(u32::try_from(newest).unwrap()) as usize;
        let at = model.sets.len() - 1 - back;
        // What is over may be gone already: nobody is promised to get it back.
        if model.may_still_be_held(at) {
            model.sets[at].held = held;
        }
    }
}

fn recall(model: &mut Model, lot: &mut Lot) {
    let away = |at: usize| {
        let vol = &model.vols[at];
        in_use(model, at)
            && vol.place.is_some_and(|place| place >= VAULT.at())
            && vol.planned.is_none()
            && vol.recall.is_none()
    };
    if let Some(at) = any(model, lot, away) {
        let wanted = model.today.checked_add_days(Days::new(lot.below(9).into()));
        let wanted = wanted.unwrap();
        let back = (!lot.one_in(3)).then(|| {
            let days = lot.between(1, 20).into();
            wanted.checked_add_days(Days::new(days)).unwrap()
        });
        model.vols[at].recall = Some(Recall { wanted, back });
    }
}

fn end_recalls(model: &mut Model) {
    let today = model.today;
    for vol in &mut model.vols {
        if let Some(recall) = &mut vol.recall {
            recall.back = Some(recall.back.unwrap_or(today));
        }
    }
}

fn by_hand(model: &mut Model, lot: &mut Lot) {
    let usable = |at: usize| {
        let vol = &model.vols[at];
        vol.place.is_some() && vol.recall.is_none() && vol.planned.is_none()
    };
    if let Some(at) = any(model, lot, usable) {
        let to = [LIBRARY, CUPBOARD, SAFE, VAULT][lot.below(4) as usize];
        let days = lot.below(12).into();
        let on = model.today.checked_add_days(Days::new(days)).unwrap();
        if model.vols[at].place != Some(to.at()) {
            model.vols[at].planned = Some(PlannedMove { to, on });
            model.vols[at].ready_out = None;
        }
    }
}

fn close(model: &mut Model, lot: &mut Lot) {
    let day = |days: u32| {
        model
            .today
            .checked_add_days(Days::new(days.into()))
            .unwrap()
    };
    let first = lot.below(30);
    let from = day(first);
    let to = day(first + lot.below(12));
    let why = "closed".to_owned();
    let closure = Closure { from, to, why };
    match lot.below(3) {
        0 => model.fixed.site.closed.push(closure),
        1 => model.fixed.carriers[0].calendar.closed.push(closure),
        _ => model.fixed.places[VAULT.at()].calendar.closed.push(closure),
    }
}

fn quarantine(model: &mut Model, lot: &mut Lot) {
    if let Some(at) = any(model, lot, |at| in_use(model, at)) {
        let vol = &mut model.vols[at];
        vol.content = Content::OutOfUse;
        (vol.ready_out, vol.ready_home, vol.planned, vol.recall) = (None, None, None, None);
    }
}
