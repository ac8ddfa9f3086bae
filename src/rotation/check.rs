//! What no plan can be made from.

use chrono::NaiveDate;
use thiserror::Error;

use super::scheme::WorkingDay;
use super::simulate::days_between;
use super::snapshot::{PlaceIndex, Pool, Series, Snapshot};
use super::state::Day;

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PlanError {
    /// The stretch ends before it begins, or is too long to be of use.
    #[error("from {from} to {to} is no stretch of 1 day to {most} years")]
    Stretch {
        /// Its first day.
        from: NaiveDate,
        /// Its last day.
        to: NaiveDate,
        /// Years that are planned at most.
        most: u16,
    },
    /// A calendar makes no sense.
    #[error("the calendar of {of} {what}")]
    Calendar {
        /// Whose.
        of: String,
        /// What is wrong.
        what: String,
    },
    /// A pool's figures make no sense.
    #[error("the rotation of pool {pool} {what}")]
    Scheme {
        /// Which pool.
        pool: String,
        /// What is wrong.
        what: String,
    },
    /// All copies would be kept together.
    #[error(
        "all copies of {series} are kept in {place}; keep one of its pools elsewhere, so that no fire or \
         theft takes them all"
    )]
    Together {
        /// Of what.
        series: String,
        /// Where.
        place: String,
    },
    /// Nobody carries to a place off-site.
    #[error("nobody carries to {place}; name its carrier")]
    NoCarrier {
        /// Where.
        place: String,
    },
    /// Anything else that contradicts itself.
    #[error("{what}")]
    Nonsense {
        /// What is wrong, in words.
        what: String,
    },
}

/// Longest stretch that is planned.
const MOST_YEARS: u16 = 50;

/// How many days the plan has.
pub(super) fn check(snapshot: &Snapshot, from: NaiveDate, to: NaiveDate) -> Result<Day, PlanError> {
    let days =
        days_between(from, to).filter(|days| (1..=Day::from(MOST_YEARS) * 366).contains(days));
    let Some(days) = days else {
        return Err(PlanError::Stretch {
            from,
            to,
            most: MOST_YEARS,
        });
    };
    calendars(snapshot)?;
    pools(snapshot)?;
    if snapshot.stock.capacity == 0 {
        let what = "cartridges that are bought must take more than 0 bytes".to_owned();
        return Err(PlanError::Nonsense { what });
    }
    let resting = resting(snapshot, from);
    for series in &snapshot.series {
        distinct(snapshot, series)?;
        apart(snapshot, series, &resting)?;
    }
    Ok(days)
}

fn calendars(snapshot: &Snapshot) -> Result<(), PlanError> {
    let of_places = snapshot
        .places
        .iter()
        .filter(|place| place.kind.is_off_site());
    let site = std::iter::once(("the site", &snapshot.site));
    let carriers = snapshot.carriers.iter();
    let all = site
        .chain(carriers.map(|carrier| (carrier.name.as_str(), &carrier.calendar)))
        .chain(of_places.map(|place| (place.name.as_str(), &place.calendar)));
    for (of, calendar) in all {
        calendar.check().map_err(|what| PlanError::Calendar {
            of: of.to_owned(),
            what,
        })?;
    }
    Ok(())
}

fn pools(snapshot: &Snapshot) -> Result<(), PlanError> {
    for pool in &snapshot.pools {
        let wrong = |what: String| PlanError::Scheme {
            pool: pool.name.clone(),
            what,
        };
        pool.scheme.check().map_err(wrong)?;
        if pool.retention_days == Some(0) {
            return Err(wrong("keeps its copies for 0 days".to_owned()));
        }
        let place = &snapshot.places[pool.keep_at.at()];
        if place.kind.is_off_site() && place.carrier.is_none() {
            return Err(PlanError::NoCarrier {
                place: place.name.clone(),
            });
        }
        if pool.scheme.newer().is_some() && !place.kind.is_off_site() {
            return Err(wrong(format!(
                "keeps sets off-site, and {} is not; name a vault or a home",
                place.name
            )));
        }
    }
    Ok(())
}

/// Every copy of a series is in a pool of its own.
fn distinct(snapshot: &Snapshot, series: &Series) -> Result<(), PlanError> {
    let nonsense = |what: String| Err(PlanError::Nonsense { what });
    for (at, pool) in series.copies.iter().enumerate() {
        if series.copies[..at].contains(pool) {
            let pool = &snapshot.pools[pool.at()].name;
            return nonsense(format!("{} has two copies in pool {pool}", series.name));
        }
    }
    if series.retention_days == Some(0) {
        return nonsense(format!("{} is kept for 0 days", series.name));
    }
    Ok(())
}

/// On each working day of a year, where what each pool writes is kept; `None`: it writes nothing.
type Resting = Vec<Vec<Option<PlaceIndex>>>;

fn resting(snapshot: &Snapshot, from: NaiveDate) -> Resting {
    let mut since = from;
    let mut days = Vec::new();
    for date in from.iter_days().take(366) {
        if !snapshot.site.is_open(date) {
            continue;
        }
        let day = WorkingDay { date, since };
        since = date.succ_opt().unwrap_or(date);
        let rests = |pool: &Pool| {
            let rank = pool.scheme.rank(day)?;
            Some(if pool.scheme.leaves(rank) {
                pool.keep_at
            } else {
                snapshot.library
            })
        };
        days.push(snapshot.pools.iter().map(rests).collect());
    }
    days
}

/// Copies that are written on one day are not all kept in one place.
fn apart(snapshot: &Snapshot, series: &Series, resting: &Resting) -> Result<(), PlanError> {
    if series.copies.len() < 2 {
        return Ok(());
    }
    for day in resting {
        let mut kept = series.copies.iter().filter_map(|pool| day[pool.at()]);
        let (Some(first), Some(second)) = (kept.next(), kept.next()) else {
            continue;
        };
        if first == second && kept.all(|place| place == first) {
            return Err(PlanError::Together {
                series: series.name.clone(),
                place: snapshot.places[first.at()].name.clone(),
            });
        }
    }
    Ok(())
}
