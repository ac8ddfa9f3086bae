//! One full a month, so many months kept.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Answers, Keep, MONTH_DAYS, Rank, WorkingDay, after_months, at_least_one};

/// `{ scheme = "monthly", keep-months = 12, day = 1 }`: written on that day of each month, or the next
/// working day; all of it leaves the library.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Monthly {
    /// Months each full is kept.
    pub keep_months: u32,
    /// Day of the month, 1 to 31; a shorter month's last day stands for it.
    #[serde(default = "first")]
    pub day: u8,
}

fn first() -> u8 {
    1
}

impl Answers for Monthly {
    fn rank(&self, day: WorkingDay) -> Option<Rank> {
        day.covers_day_of_month(self.day).then_some(Rank::Monthly)
    }

    fn keep(&self, date: NaiveDate, _: Rank) -> Keep {
        Keep::Until(after_months(date, self.keep_months))
    }

    fn leaves(&self, _: Rank) -> bool {
        true
    }

    fn longest_days(&self) -> u32 {
        self.keep_months.saturating_mul(MONTH_DAYS)
    }

    fn check(&self) -> Result<(), String> {
        at_least_one("keep-months", self.keep_months.into())?;
        if !(1..=31).contains(&self.day) {
            return Err(format!("has day = {}, a month has days 1 to 31", self.day));
        }
        Ok(())
    }
}
