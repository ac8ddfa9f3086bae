use super::*;
use crate::rotation::{Calendar, Closure};

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// What a scheme makes of each working day of a stretch.
fn ranks(scheme: &Scheme, site: &Calendar, from: &str, to: &str) -> Vec<(String, Rank)> {
    let mut since = day(from);
    let mut ranks = Vec::new();
    for date in site.open_days(day(from), day(to)) {
        let working = WorkingDay { date, since };
        since = date.succ_opt().unwrap();
        if let Some(rank) = scheme.rank(working) {
            ranks.push((date.to_string(), rank));
        }
    }
    ranks
}

fn days(ranks: &[(String, Rank)], wanted: Rank) -> Vec<&str> {
    let of = ranks.iter().filter(|(_, rank)| *rank == wanted);
    of.map(|(day, _)| day.as_str()).collect()
}

#[test]
fn a_monthly_full_moves_to_the_next_working_day() {
    let monthly = |day| {
        Scheme::Monthly(Monthly {
            keep_months: 3,
            day,
        })
    };
    let site = Calendar::default();
    let all = ranks(&monthly(1), &site, "2026-01-01", "2026-04-30");
    let expected = ["2026-01-01", "2026-02-02", "2026-03-02", "2026-04-01"];
    assert_eq!(days(&all, Rank::Monthly), expected);
    assert_eq!(all.len(), 4);
    let last = ranks(&monthly(31), &site, "2026-01-01", "2026-04-30");
    let expected = ["2026-02-02", "2026-03-02", "2026-03-31", "2026-04-30"];
    assert_eq!(days(&last, Rank::Monthly), expected);
    let keep = monthly(1).keep(day("2026-11-30"), Rank::Monthly);
    assert_eq!(keep, Keep::Until(day("2027-02-28")));
}

#[test]
fn a_grandfather_beats_a_father_and_a_father_a_son() {
    let scheme = Scheme::GrandfatherFatherSon(GrandfatherFatherSon {
        keep_days: 14,
        keep_weeks: 5,
        keep_months: 12,
        day: Weekday::Fri,
    });
    let mut site = Calendar::default();
    site.closed.push(Closure {
        from: day("2026-05-15"),
        to: day("2026-05-15"),
        why: "bridge day".to_owned(),
    });
    let all = ranks(&scheme, &site, "2026-04-27", "2026-05-22");
    assert_eq!(days(&all, Rank::Monthly), ["2026-05-01"]);
    assert_eq!(
        days(&all, Rank::Weekly),
        ["2026-05-08", "2026-05-18", "2026-05-22"]
    );
    assert_eq!(all.len(), 19);
    let until = |rank| scheme.keep(day("2026-05-01"), rank);
    assert_eq!(until(Rank::Daily), Keep::Until(day("2026-05-15")));
    assert_eq!(until(Rank::Weekly), Keep::Until(day("2026-06-05")));
    assert_eq!(until(Rank::Monthly), Keep::Until(day("2027-05-01")));
    assert!(!scheme.leaves(Rank::Daily) && scheme.leaves(Rank::Weekly));
}

#[test]
fn sets_are_written_on_their_weekdays() {
    let scheme = Scheme::KeepSets(KeepSets {
        sets: 2,
        days: [Weekday::Sun, Weekday::Wed].into(),
    });
    let all = ranks(&scheme, &Calendar::default(), "2026-05-04", "2026-05-15");
    let expected = ["2026-05-06", "2026-05-11", "2026-05-13"];
    assert_eq!(days(&all, Rank::Weekly), expected);
    assert_eq!(scheme.newer(), Some(2));
    assert_eq!(scheme.keep(day("2026-05-06"), Rank::Weekly), Keep::Newer(2));
    let daily = Scheme::Daily(Daily { keep_days: 30 });
    let all = ranks(&daily, &Calendar::default(), "2026-05-04", "2026-05-17");
    assert_eq!(all.len(), 10);
}

#[test]
fn a_closure_of_weeks_gives_one_set_not_several() {
    let scheme = Scheme::KeepSets(KeepSets {
        sets: 2,
        days: [Weekday::Sun].into(),
    });
    let long = WorkingDay {
        date: day("2027-01-04"),
        since: day("2026-12-19"),
    };
    assert_eq!(scheme.rank(long), Some(Rank::Weekly));
}

#[test]
fn figures_that_make_no_sense_are_refused() {
    let refused = |text: &str, what: &str| {
        let scheme: Scheme = serde_json::from_str(text).unwrap();
        let error = scheme.check().unwrap_err();
        assert!(error.contains(what), "{error}");
    };
    refused(r#"{"scheme":"monthly","keep-months":0}"#, "keep-months = 0");
    refused(r#"{"scheme":"monthly","keep-months":1,"day":0}"#, "day = 0");
    refused(r#"{"scheme":"daily","keep-days":0}"#, "keep-days = 0");
    refused(r#"{"scheme":"keep-sets","sets":0}"#, "sets = 0");
    refused(r#"{"scheme":"keep-sets","sets":1,"days":[]}"#, "no days");
    let gfs = |figures: &str| format!(r#"{{"scheme":"grandfather-father-son",{figures}}}"#);
    refused(
        &gfs(r#""keep-days":1,"keep-weeks":0,"keep-months":1"#),
        "keep-weeks = 0",
    );
    for wrong in [
        r#"{"scheme":"weekly"}"#,
        r#"{"scheme":"daily"}"#,
        r#"{"scheme":"daily","keep-days":1,"keep-weeks":1}"#,
        r#"{"scheme":"keep-sets","sets":1,"days":["someday"]}"#,
    ] {
        assert!(serde_json::from_str::<Scheme>(wrong).is_err(), "{wrong}");
    }
}
