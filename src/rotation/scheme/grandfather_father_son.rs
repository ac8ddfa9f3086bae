//! Sons for days, fathers for weeks, grandfathers for months.

use chrono::{NaiveDate, Weekday};
use serde::{Deserialize, Serialize};

use super::{Answers, Keep, MONTH_DAYS, Rank, WorkingDay, after_days, after_months, at_least_one};

/// `{ scheme = "grandfather-father-son", keep-days = 14, keep-weeks = 5, keep-months = 12, day = "friday" }`:
/// written on each day the site's calendar is open. The first of a month is a grandfather, else the named
/// weekday's a father (each on the next working day where it is closed), else it is a son. Sons stay in
/// the library; fathers and grandfathers leave it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct GrandfatherFatherSon {
    /// Days a son is kept.
    pub keep_days: u32,
    /// Weeks a father is kept.
    pub keep_weeks: u32,
    /// Months a grandfather is kept.
    pub keep_months: u32,
    /// The weekday of the fathers.
    #[serde(default = "friday")]
    pub day: Weekday,
}

fn friday() -> Weekday {
    Weekday::Fri
}

impl Answers for GrandfatherFatherSon {
    fn rank(&self, day: WorkingDay) -> Option<Rank> {
        Some(if day.covers_day_of_month(1) {
            Rank::Monthly
        } else if day.covers_weekday(|weekday| weekday == self.day) {
            Rank::Weekly
        } else {
            Rank::Daily
        })
    }

    fn keep(&self, date: NaiveDate, rank: Rank) -> Keep {
        Keep::Until(match rank {
            Rank::Daily => after_days(date, self.keep_days),
            Rank::Weekly => after_days(date, self.keep_weeks.saturating_mul(7)),
            Rank::Monthly => after_months(date, self.keep_months),
        })
    }

    fn leaves(&self, rank: Rank) -> bool {
        rank > Rank::Daily
    }

    fn longest_days(&self) -> u32 {
        let months = self.keep_months.saturating_mul(MONTH_DAYS);
        months
            .max(self.keep_weeks.saturating_mul(7))
            .max(self.keep_days)
    }

    fn check(&self) -> Result<(), String> {
        at_least_one("keep-days", self.keep_days.into())?;
        at_least_one("keep-weeks", self.keep_weeks.into())?;
        at_least_one("keep-months", self.keep_months.into())
    }
}
