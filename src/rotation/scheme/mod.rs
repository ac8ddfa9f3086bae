//! Rotation schemes: when something is written, for how long, and what leaves the library.
//!
//! A scheme is a file and a line in the table at the end.

mod daily;
mod grandfather_father_son;
mod keep_sets;
mod monthly;

use chrono::{Datelike, Days, Months, NaiveDate, Weekday};
use serde::{Deserialize, Serialize};

pub use daily::Daily;
pub use grandfather_father_son::GrandfatherFatherSon;
pub use keep_sets::KeepSets;
pub use monthly::Monthly;

/// What a set is in its scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rank {
    /// Of a day (son).
    Daily,
    /// Of a week (father).
    Weekly,
    /// Of a month (grandfather).
    Monthly,
}

/// How long a copy is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Until a day, the first on which it may go.
    Until(NaiveDate),
    /// Until so many newer sets of its series are off-site.
    Newer(u16),
}

/// What a scheme needs to know of a day on which people are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkingDay {
    /// The day.
    pub date: NaiveDate,
    /// The first day after the working day before: what was due on a closed day is due now.
    pub since: NaiveDate,
}

impl WorkingDay {
    /// Whether one of the days up to this one is that day of a month (the last, in shorter months).
    fn covers_day_of_month(self, day: u8) -> bool {
        let due = |date: &NaiveDate| date.day() == u32::from(day.min(date.num_days_in_month()));
        self.days().any(|date| due(&date))
    }

    /// Whether one of the days up to this one is one of those weekdays.
    fn covers_weekday(self, wanted: impl Fn(Weekday) -> bool) -> bool {
        self.days().take(7).any(|date| wanted(date.weekday()))
    }

    fn days(self) -> impl Iterator<Item = NaiveDate> {
        std::iter::successors(Some(self.date), NaiveDate::pred_opt)
            .take_while(move |date| *date >= self.since)
    }
}

/// A scheme with its figures; as text `{ scheme = "monthly", keep-months = 12 }`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "scheme", rename_all = "kebab-case")]
pub enum Scheme {
    /// See the file of each.
    Monthly(Monthly),
    /// See the file of each.
    GrandfatherFatherSon(GrandfatherFatherSon),
    /// See the file of each.
    KeepSets(KeepSets),
    /// See the file of each.
    Daily(Daily),
}

/// What every scheme answers.
trait Answers {
    /// What a set written on this day is; `None`: nothing is written.
    fn rank(&self, day: WorkingDay) -> Option<Rank>;
    /// How long a set is kept.
    fn keep(&self, date: NaiveDate, rank: Rank) -> Keep;
    /// Whether it leaves the library for the place its pool is kept at.
    fn leaves(&self, rank: Rank) -> bool;
    /// Days of the set that is kept the longest, rounded up.
    fn longest_days(&self) -> u32;
    /// What makes no sense, in words that follow the name of the pool.
    fn check(&self) -> Result<(), String>;
}

impl Scheme {
    /// The table: a new scheme is a line here.
    fn answers(&self) -> &dyn Answers {
        match self {
            Self::Monthly(scheme) => scheme,
            Self::GrandfatherFatherSon(scheme) => scheme,
            Self::KeepSets(scheme) => scheme,
            Self::Daily(scheme) => scheme,
        }
    }

    /// What a set written on a working day is; `None`: nothing is written.
    #[must_use]
    pub fn rank(&self, day: WorkingDay) -> Option<Rank> {
        self.answers().rank(day)
    }

    /// How long a set of a day is kept.
    #[must_use]
    pub fn keep(&self, date: NaiveDate, rank: Rank) -> Keep {
        self.answers().keep(date, rank)
    }

    /// Whether a set leaves the library for the place its pool is kept at.
    #[must_use]
    pub fn leaves(&self, rank: Rank) -> bool {
        self.answers().leaves(rank)
    }

    /// Days of the set that is kept the longest, rounded up; in a scheme that counts sets, as many as
    /// pass until enough newer ones are written if none is late.
    #[must_use]
    pub fn longest_days(&self) -> u32 {
        self.answers().longest_days()
    }

    /// Refuses figures that make no sense, in words that follow the name of the pool.
    ///
    /// # Errors
    /// What is wrong.
    pub fn check(&self) -> Result<(), String> {
        self.answers().check()
    }

    /// How many newer sets must be off-site before one may go, in a scheme that counts sets.
    #[must_use]
    pub fn newer(&self) -> Option<u16> {
        match self {
            Self::KeepSets(scheme) => Some(scheme.sets),
            Self::Monthly(_) | Self::GrandfatherFatherSon(_) | Self::Daily(_) => None,
        }
    }
}

fn after_days(date: NaiveDate, days: u32) -> NaiveDate {
    // The end of the calendar is 262 thousand years away: what reaches it is kept for good.
    let end = date.checked_add_days(Days::new(days.into()));
    end.unwrap_or(NaiveDate::MAX)
}

fn after_months(date: NaiveDate, months: u32) -> NaiveDate {
    // As above.
    let end = date.checked_add_months(Months::new(months));
    end.unwrap_or(NaiveDate::MAX)
}

/// No month has more days.
const MONTH_DAYS: u32 = 31;

fn at_least_one(what: &str, number: u64) -> Result<(), String> {
    if number == 0 {
        return Err(format!("has {what} = 0, it must be at least 1"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
