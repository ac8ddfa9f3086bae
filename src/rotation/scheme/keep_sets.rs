//! The newest sets are kept off-site, the one before them comes home.

use chrono::{NaiveDate, Weekday};
use serde::{Deserialize, Serialize};

use super::{Answers, Keep, Rank, WorkingDay, at_least_one};
use crate::rotation::calendar::Weekdays;

/// `{ scheme = "keep-sets", sets = 2, days = ["sunday"] }`: written on those weekdays, or the next working
/// day; all of it leaves the library, and the oldest may go when so many newer sets of its series are
/// off-site. Two weekly sets are the current and the previous week's; two weekdays and one set are a
/// portable drive that is changed twice weekly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct KeepSets {
    /// Sets that are always off-site.
    pub sets: u16,
    /// Weekdays on which one is written.
    #[serde(default = "sunday")]
    pub days: Weekdays,
}

fn sunday() -> Weekdays {
    [Weekday::Sun].into()
}

impl Answers for KeepSets {
    fn rank(&self, day: WorkingDay) -> Option<Rank> {
        day.covers_weekday(|weekday| self.days.contains(weekday))
            .then_some(Rank::Weekly)
    }

    fn keep(&self, _: NaiveDate, _: Rank) -> Keep {
        Keep::Newer(self.sets)
    }

    fn leaves(&self, _: Rank) -> bool {
        true
    }

    fn longest_days(&self) -> u32 {
        u32::from(self.sets).saturating_mul(7).saturating_add(7)
    }

    fn check(&self) -> Result<(), String> {
        at_least_one("sets", self.sets.into())?;
        if self.days.is_empty() {
            return Err("has no days; name at least one weekday".to_owned());
        }
        Ok(())
    }
}
