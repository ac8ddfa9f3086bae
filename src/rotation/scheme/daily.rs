//! Written every day and off-site the next: so many days kept.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Answers, Keep, Rank, WorkingDay, after_days, at_least_one};

/// `{ scheme = "daily", keep-days = 30 }`: written on each day the site's calendar is open, and all of it
/// leaves the library with the next pick-up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Daily {
    /// Days each set is kept.
    pub keep_days: u32,
}

impl Answers for Daily {
    fn rank(&self, _: WorkingDay) -> Option<Rank> {
        Some(Rank::Daily)
    }

    fn keep(&self, date: NaiveDate, _: Rank) -> Keep {
        Keep::Until(after_days(date, self.keep_days))
    }

    fn leaves(&self, _: Rank) -> bool {
        true
    }

    fn longest_days(&self) -> u32 {
        self.keep_days
    }

    fn check(&self) -> Result<(), String> {
        at_least_one("keep-days", self.keep_days.into())
    }
}
