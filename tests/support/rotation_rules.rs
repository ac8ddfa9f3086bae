//! What the schemes mean, written down a second time: when each writes, and how long it keeps.

use std::collections::BTreeMap;

use chrono::{Datelike, Days, Months, NaiveDate};
use tapeward::rotation::{Rank, Scheme, Snapshot};

pub fn plus(date: NaiveDate, days: u32) -> NaiveDate {
    date.checked_add_days(Days::new(days.into())).unwrap()
}

/// The first day on which a copy may go, by its scheme's days, weeks and months.
pub fn until(scheme: &Scheme, date: NaiveDate, rank: Rank) -> NaiveDate {
    let months = |months: u32| date.checked_add_months(Months::new(months)).unwrap();
    match (scheme, rank) {
        (Scheme::Monthly(scheme), _) => months(scheme.keep_months),
        (Scheme::Daily(scheme), _) => plus(date, scheme.keep_days),
        (Scheme::KeepSets(_), _) => date,
        (Scheme::GrandfatherFatherSon(scheme), Rank::Daily) => plus(date, scheme.keep_days),
        (Scheme::GrandfatherFatherSon(scheme), Rank::Weekly) => plus(date, 7 * scheme.keep_weeks),
        (Scheme::GrandfatherFatherSon(scheme), Rank::Monthly) => months(scheme.keep_months),
    }
}

/// The days on which a scheme writes: each nominal day moved forward to the next working day.
pub fn days_due(
    fixed: &Snapshot,
    scheme: &Scheme,
    from: NaiveDate,
    to: NaiveDate,
) -> BTreeMap<NaiveDate, Rank> {
    let mut due: BTreeMap<NaiveDate, Rank> = BTreeMap::new();
    let mut day = from.checked_sub_days(Days::new(60)).unwrap();
    let mut open: Option<NaiveDate> = None;
    while day <= to {
        let rank = match scheme {
            Scheme::Monthly(scheme) => {
                let next = plus(day, 1);
                let last = next.month() != day.month();
                let that = day.day() == u32::from(scheme.day)
                    || (last && day.day() < u32::from(scheme.day));
                that.then_some(Rank::Monthly)
            }
            Scheme::Daily(_) => fixed.site.is_open(day).then_some(Rank::Daily),
            Scheme::KeepSets(scheme) => scheme.days.contains(day.weekday()).then_some(Rank::Weekly),
            Scheme::GrandfatherFatherSon(scheme) => {
                if day.day() == 1 {
                    Some(Rank::Monthly)
                } else if day.weekday() == scheme.day {
                    Some(Rank::Weekly)
                } else {
                    fixed.site.is_open(day).then_some(Rank::Daily)
                }
            }
        };
        if let Some(rank) = rank {
            let known = open.filter(|open| *open >= day);
            let working = known.or_else(|| {
                (0..90)
                    .map(|n| plus(day, n))
                    .find(|day| fixed.site.is_open(*day))
            });
            open = working;
            if let Some(working) = working.filter(|working| (from..=to).contains(working)) {
                let best = due.entry(working).or_insert(rank);
                *best = (*best).max(rank);
            }
        }
        day = plus(day, 1);
    }
    due
}
