//! The judging of a month, case by case and against what must always hold.

#![allow(clippy::unwrap_used)] // as in any test

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use super::facts::*;
use super::rule::*;
use crate::catalogue::{DateChoice, Month, SetCopyState, SetState, Waiver};
use crate::config::LIBRARY;
use crate::id::{CopyNumber, SetDefinitionId, SetId};
use crate::journal::Actor;

fn at(text: &str) -> DateTime<Utc> {
    format!("{text}T12:00:00Z").parse().unwrap()
}

fn month(text: &str) -> Month {
    text.parse().unwrap()
}

/// In October, with the month over.
fn facts(definitions: Vec<Definition>) -> Facts {
    Facts {
        month: month("2026-10"),
        now: at("2026-11-10"),
        definitions,
        waivers: Vec::new(),
    }
}

fn definition(name: &str) -> Definition {
    Definition {
        id: SetDefinitionId::generate(at("2026-01-01")),
        name: name.to_owned(),
        origin: Origin::Given,
        created_at: at("2026-01-01"),
        retired_at: None,
        copies: [1, 2].map(expected).to_vec(),
        sets: Vec::new(),
    }
}

fn expected(copy: u8) -> Expected {
    Expected {
        copy: CopyNumber(copy),
        pool: format!("pool{copy}").parse().unwrap(),
    }
}

fn cartridge(barcode: &str) -> CartridgeFacts {
    CartridgeFacts {
        barcode: barcode.parse().unwrap(),
        quarantined: false,
        whereabouts: Whereabouts::Library,
        place: "slot:3".to_owned(),
        seen: Some((at("2026-10-21"), "robot".to_owned())),
    }
}

fn copy(number: u8) -> CopyFacts {
    CopyFacts {
        copy: CopyNumber(number),
        pool: format!("pool{number}").parse().unwrap(),
        state: SetCopyState::Verified,
        belongs: None,
        cartridges: vec![cartridge(&format!("TWV00{number}L8"))],
    }
}

fn set(day: &str, state: SetState) -> SetFacts {
    SetFacts {
        id: SetId::generate(at(day)),
        month: Month::of(at(day)),
        state,
        started_at: at(day),
        finished_at: Some(at(day)),
        copies: vec![copy(1), copy(2)],
    }
}

fn with(name: &str, sets: Vec<SetFacts>) -> Definition {
    Definition {
        sets,
        ..definition(name)
    }
}

fn good(name: &str) -> Definition {
    with(name, vec![set("2026-10-20", SetState::Complete)])
}

fn found(name: &str, pattern: &Definition, sets: Vec<SetFacts>) -> Definition {
    let (base, date) = match name
        .rsplit_once('/')
        .map(|(base, date)| (base, date.parse()))
    {
        Some((base, Ok(date))) => (base, Some(date)),
        _ => (name, None),
    };
    Definition {
        origin: Origin::Found {
            pattern: pattern.id,
            base: base.to_owned(),
            date,
        },
        created_at: at("2026-09-15"),
        ..with(name, sets)
    }
}

fn pattern(dates: DateChoice) -> Definition {
    Definition {
        origin: Origin::Pattern(dates),
        ..definition("all")
    }
}

fn waiver(name: &str) -> Waiver {
    Waiver {
        month: month("2026-10"),
        name: name.to_owned(),
        waived_by: "Ann Lee".to_owned(),
        reason: "replaced".to_owned(),
        actor: Actor {
            person: "anna".to_owned(),
            account: None,
            station: "host".to_owned(),
        },
        at: at("2026-11-09"),
    }
}

/// Name, standing, gaps of each line.
fn told(facts: &Facts) -> Vec<(String, Standing, Vec<String>)> {
    let lines = judge(facts).lines.into_iter();
    lines
        .map(|line| (line.name, line.standing, line.gaps))
        .collect()
}

fn only(facts: &Facts) -> (Standing, Vec<String>) {
    let mut told = told(facts);
    let (_, standing, gaps) = told.pop().unwrap();
    assert!(told.is_empty(), "{told:?}");
    (standing, gaps)
}

#[test]
fn a_full_with_its_copies_in_place_lacks_nothing() {
    let judgement = judge(&facts(vec![good("mail")]));
    assert!(judgement.over);
    assert_eq!(judgement.gaps().count(), 0);
    let line = &judgement.lines[0];
    assert_eq!((line.standing, line.made_up), (Standing::Done, false));
    assert_eq!(line.copies.len(), 2);
    assert!(line.copies.iter().all(|copy| copy.cartridges[0].in_place));
}

#[test]
fn what_was_made_after_the_month_says_so_and_counts() {
    let late = SetFacts {
        month: month("2026-10"),
        ..set("2026-11-02", SetState::Complete)
    };
    let judgement = judge(&facts(vec![with("mail", vec![late])]));
    let line = &judgement.lines[0];
    assert_eq!((line.standing, line.made_up), (Standing::Done, true));
    assert_eq!(judgement.gaps().count(), 0);
}

#[test]
fn each_way_of_not_being_there_has_its_name() {
    let none = definition("mail");
    let mut under_way = facts(vec![none.clone()]);
    under_way.now = at("2026-10-31");
    assert_eq!(only(&under_way).0, Standing::Due);
    assert_eq!(only(&facts(vec![none])).0, Standing::Late);
    for (state, standing) in [
        (SetState::Open, Standing::Writing),
        (SetState::Failed, Standing::Failed),
    ] {
        let (seen, gaps) = only(&facts(vec![with("mail", vec![set("2026-10-20", state)])]));
        assert_eq!((seen, gaps.len()), (standing, 1));
    }
    // One that is there counts, whatever was tried before and after.
    let tried = vec![
        set("2026-10-19", SetState::Failed),
        set("2026-10-20", SetState::Complete),
        set("2026-10-21", SetState::Failed),
    ];
    assert_eq!(
        only(&facts(vec![with("mail", tried)])),
        (Standing::Done, vec![])
    );
    let (standing, gaps) = only(&facts(vec![with(
        "mail",
        vec![set("2026-10-20", SetState::Expired)],
    )]));
    assert_eq!((standing, gaps.len()), (Standing::Done, 3 - 2));
}

#[test]
fn only_what_was_in_use_is_expected() {
    let later = Definition {
        created_at: at("2026-11-01"),
        ..definition("later")
    };
    let gone = Definition {
        retired_at: Some(at("2026-10-05")),
        ..definition("gone")
    };
    let gone_since = Definition {
        retired_at: Some(at("2026-11-05")),
        ..good("gone since")
    };
    assert_eq!(
        only(&facts(vec![later, gone, gone_since])).0,
        Standing::Done
    );
}

#[test]
fn each_copy_must_be_there_whole_read_back_and_seen() {
    let with_copy = |change: &dyn Fn(&mut CopyFacts)| {
        let mut one = good("mail");
        change(&mut one.sets[0].copies[1]);
        only(&facts(vec![one])).1
    };
    assert_eq!(with_copy(&|_| ()), Vec::<String>::new());
    for state in [
        SetCopyState::Complete,
        SetCopyState::Incomplete,
        SetCopyState::Lost,
        SetCopyState::Writing,
        SetCopyState::Expired,
    ] {
        let gaps = with_copy(&|copy| copy.state = state);
        assert_eq!(gaps.len(), 1, "{gaps:?}");
        assert!(gaps[0].starts_with("copy 2 (pool pool2) "), "{gaps:?}");
    }
    let gaps = with_copy(&|copy| copy.cartridges.clear());
    assert!(gaps[0].contains("no cartridge"), "{gaps:?}");
    let gaps = with_copy(&|copy| copy.cartridges[0].quarantined = true);
    assert!(gaps[0].contains("out of use"), "{gaps:?}");
    let gaps = with_copy(&|copy| copy.cartridges[0].seen = None);
    assert!(gaps[0].contains("not seen there"), "{gaps:?}");
    let gaps = with_copy(&|copy| copy.cartridges[0].whereabouts = Whereabouts::Elsewhere);
    assert!(
        gaps[0].contains("last seen 2026-10-21 by robot"),
        "{gaps:?}"
    );
    // All cartridges of a copy, and a copy that should be and never was.
    let gaps = with_copy(&|copy| {
        for barcode in ["TWV007L8", "TWV008L8"] {
            let mut more = cartridge(barcode);
            more.whereabouts = Whereabouts::Elsewhere;
            copy.cartridges.push(more);
        }
    });
    assert!(
        gaps[0].contains("TWV007L8") && gaps[1].contains("TWV008L8"),
        "{gaps:?}"
    );
    let mut one = good("mail");
    one.copies.push(expected(3));
    let (_, gaps) = only(&facts(vec![one]));
    assert_eq!(gaps, ["copy 3 (pool pool3) was never begun"]);
}

#[test]
fn a_pool_with_a_place_wants_its_cartridges_there() {
    let at_home = |belongs: &str, whereabouts: Whereabouts| {
        let mut one = good("mail");
        one.sets[0].copies[0].belongs = Some(belongs.to_owned());
        one.sets[0].copies[0].cartridges[0].whereabouts = whereabouts;
        only(&facts(vec![one])).1
    };
    let named = |name: &str| Whereabouts::Kept(name.to_owned());
    assert!(at_home(LIBRARY, Whereabouts::Library).is_empty());
    assert!(at_home("north", named("north")).is_empty());
    for (belongs, whereabouts) in [
        (LIBRARY, named("north")),
        ("north", Whereabouts::Library),
        ("north", named("south")),
        ("north", Whereabouts::Elsewhere),
    ] {
        let gaps = at_home(belongs, whereabouts);
        assert!(
            gaps[0].contains(&format!("belongs in {belongs}")),
            "{gaps:?}"
        );
    }
}

#[test]
fn what_a_pattern_found_before_is_expected_again() {
    let newest = pattern(DateChoice::Newest);
    let before = vec![set("2026-09-20", SetState::Complete)];
    // The run of October did not find it and took it out of use.
    let mut gone = found("all/db", &newest, before.clone());
    gone.retired_at = Some(at("2026-10-20"));
    let there = found(
        "all/web",
        &newest,
        vec![set("2026-10-20", SetState::Complete)],
    );
    let told = told(&facts(vec![newest.clone(), gone.clone(), there]));
    let standings: Vec<_> = told
        .iter()
        .map(|(name, is, _)| (name.as_str(), *is))
        .collect();
    assert_eq!(
        standings,
        [("all/db", Standing::Missing), ("all/web", Standing::Done)]
    );
    // A month later nobody expects it.
    let mut november = facts(vec![newest.clone(), gone]);
    november.month = month("2026-11");
    november.now = at("2026-12-05");
    assert_eq!(only(&november).0, Standing::Missing); // the pattern itself, which found nothing
    assert_eq!(judge(&november).lines[0].name, "all");
    // A pattern that never found anything.
    let (standing, gaps) = only(&facts(vec![newest]));
    assert_eq!(standing, Standing::Missing);
    assert!(gaps[0].contains("has found nothing"), "{gaps:?}");
}

#[test]
fn folders_by_date_are_of_their_own_month_and_their_names_go_on() {
    let daily = pattern(DateChoice::Month);
    let folder = |name: &str, run: &str| found(name, &daily, vec![set(run, SetState::Complete)]);
    let definitions = vec![
        daily.clone(),
        folder("all/db/2026-09-28", "2026-09-29"),
        folder("all/web/2026-09-28", "2026-09-29"),
        folder("all/db/2026-10-05", "2026-10-20"),
        // Found by the run of November only.
        folder("all/db/2026-10-30", "2026-11-08"),
        folder("all/new/2026-11-01", "2026-11-08"),
    ];
    let told = told(&facts(definitions.clone()));
    let standings: Vec<_> = told
        .iter()
        .map(|(name, is, _)| (name.as_str(), *is))
        .collect();
    assert_eq!(
        standings,
        [
            ("all/db/2026-10-05", Standing::Done),
            ("all/db/2026-10-30", Standing::Done),
            ("all/web", Standing::Missing),
        ]
    );
    let judgement = judge(&facts(definitions));
    assert!(judgement.lines[1].made_up && !judgement.lines[0].made_up);
    assert_eq!(judgement.gaps().count(), 1);
}

#[test]
fn a_waiver_ends_the_gaps_of_its_set_only() {
    let mut facts = facts(vec![definition("mail"), definition("files"), good("web")]);
    facts.waivers = vec![waiver("mail"), waiver("web")];
    let judgement = judge(&facts);
    let standings: Vec<_> = judgement.lines.iter().map(|line| line.standing).collect();
    assert_eq!(
        standings,
        [Standing::Late, Standing::Waived, Standing::Done]
    );
    let gaps: Vec<_> = judgement.gaps().collect();
    assert!(
        gaps.len() == 1 && gaps[0].starts_with("files: "),
        "{gaps:?}"
    );
    assert_eq!(
        judgement.lines[1].waiver.as_ref().unwrap().waived_by,
        "Ann Lee"
    );
}

fn any_cartridge() -> impl Strategy<Value = CartridgeFacts> {
    (any::<bool>(), any::<bool>(), 0..3_u8).prop_map(|(quarantined, seen, place)| CartridgeFacts {
        quarantined,
        whereabouts: match place {
            0 => Whereabouts::Library,
            1 => Whereabouts::Kept("north".to_owned()),
            _ => Whereabouts::Elsewhere,
        },
        seen: seen.then(|| (at("2026-10-21"), "robot".to_owned())),
        ..cartridge("TWV001L8")
    })
}

fn any_copy() -> impl Strategy<Value = CopyFacts> {
    let state = prop::sample::select(vec![
        SetCopyState::Verified,
        SetCopyState::Verified,
        SetCopyState::Complete,
        SetCopyState::Lost,
        SetCopyState::Incomplete,
    ]);
    let belongs = prop::sample::select(vec![None, Some("north"), Some(LIBRARY)]);
    let cartridges = prop::collection::vec(any_cartridge(), 0..3);
    (1..3_u8, state, belongs, cartridges).prop_map(|(number, state, belongs, cartridges)| {
        CopyFacts {
            state,
            belongs: belongs.map(str::to_owned),
            cartridges,
            ..copy(number)
        }
    })
}

fn any_set() -> impl Strategy<Value = SetFacts> {
    let state = prop::sample::select(vec![
        SetState::Complete,
        SetState::Complete,
        SetState::Open,
        SetState::Failed,
        SetState::Sealed,
    ]);
    // From September into December, whichever month it counts for.
    let counts = prop::sample::select(vec!["2026-09", "2026-10", "2026-10", "2026-11"]);
    let copies = prop::collection::vec(any_copy(), 0..3);
    (state, counts, 0..90_i64, copies).prop_map(|(state, counts, day, mut copies)| {
        copies.sort_by_key(|copy| copy.copy);
        copies.dedup_by_key(|copy| copy.copy);
        SetFacts {
            month: month(counts),
            started_at: at("2026-09-05") + TimeDelta::days(day),
            copies,
            ..set("2026-10-20", state)
        }
    })
}

fn any_definition(number: usize) -> impl Strategy<Value = Definition> {
    let day = || 0..120_i64;
    let sets = prop::collection::vec(any_set(), 0..4);
    (day(), prop::option::of(day()), sets).prop_map(move |(created, retired, sets)| {
        let start = at("2026-08-01");
        Definition {
            created_at: start + TimeDelta::days(created),
            retired_at: retired.map(|days| start + TimeDelta::days(created + days)),
            sets,
            ..definition(&format!("set{number}"))
        }
    })
}

fn any_facts() -> impl Strategy<Value = Facts> {
    let definitions = (0..4).map(any_definition).collect::<Vec<_>>();
    (
        definitions,
        prop::collection::vec(any::<bool>(), 4),
        0..60_i64,
    )
        .prop_map(|(definitions, waived, day)| Facts {
            now: at("2026-10-15") + TimeDelta::days(day),
            waivers: (0..4)
                .filter(|number| waived[*number])
                .map(|number| waiver(&format!("set{number}")))
                .collect(),
            ..facts(definitions)
        })
}

/// Whether a set fulfils the month, said the other way round than by the rule.
fn fulfils(set: &SetFacts, definition: &Definition) -> bool {
    let on_tape = matches!(set.state, SetState::Complete | SetState::Sealed);
    let every_copy = definition
        .copies
        .iter()
        .all(|expected| set.copies.iter().any(|copy| copy.copy == expected.copy));
    let good = set.copies.iter().all(|copy| {
        copy.state == SetCopyState::Verified
            && !copy.cartridges.is_empty()
            && copy.cartridges.iter().all(|cartridge| {
                let home = match (&copy.belongs, &cartridge.whereabouts) {
                    (_, Whereabouts::Elsewhere) => false,
                    (None, _) => true,
                    (Some(place), Whereabouts::Library) => place == LIBRARY,
                    (Some(place), Whereabouts::Kept(name)) => place == name,
                };
                !cartridge.quarantined && cartridge.seen.is_some() && home
            })
    });
    set.month == month("2026-10") && on_tape && every_copy && good
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// A month without gaps: every definition in use all of it has a set that fulfils it, or is waived.
    #[test]
    fn nothing_is_closed_that_lacks_something(facts in any_facts()) {
        let judgement = judge(&facts);
        let lacks_nothing = judgement.gaps().next().is_none();
        let end = at("2026-11-01") - TimeDelta::hours(12);
        for definition in &facts.definitions {
            let waived = facts.waivers.iter().any(|waiver| waiver.name == definition.name);
            let in_use = definition.created_at < end
                && definition.retired_at.is_none_or(|retired| retired >= end);
            let newest = definition.sets.iter()
                .filter(|set| set.month == month("2026-10"))
                .filter(|set| matches!(set.state, SetState::Complete | SetState::Sealed))
                .max_by_key(|set| set.started_at);
            let line = judgement.lines.iter().find(|line| line.name == definition.name);
            if in_use {
                prop_assert!(line.is_some(), "{} is not expected", definition.name);
            }
            if lacks_nothing && in_use && !waived {
                prop_assert!(newest.is_some_and(|set| fulfils(set, definition)));
            }
            if let Some(line) = line {
                // And nothing is asked for that is there.
                if newest.is_some_and(|set| fulfils(set, definition)) {
                    prop_assert!(line.gaps.is_empty(), "{:?}", line.gaps);
                    prop_assert_eq!(line.standing, Standing::Done);
                    prop_assert_eq!(line.made_up, newest.is_some_and(|set| set.started_at >= end));
                }
                prop_assert_eq!(line.gaps.is_empty(), waived
                    || newest.is_some_and(|set| fulfils(set, definition)));
            }
        }
    }

    /// Time alone closes nothing and opens nothing.
    #[test]
    fn gaps_do_not_depend_on_the_day(facts in any_facts(), days in 0..60_i64) {
        let later = Facts { now: facts.now + TimeDelta::days(days), ..facts.clone() };
        let names = |facts: &Facts| -> Vec<String> {
            let lines = judge(facts).lines.into_iter();
            lines.filter(|line| !line.gaps.is_empty()).map(|line| line.name).collect()
        };
        prop_assert_eq!(names(&facts), names(&later));
    }
}
