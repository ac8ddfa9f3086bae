//! When something is open: a site, a courier's pick-ups, a vault.

use std::collections::BTreeSet;

use chrono::{Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, Weekday, WeekdaySet};
use serde::{Deserialize, Serialize};

/// How far ahead the next open day is looked for: the longest closure that makes sense, and a year.
const HORIZON_DAYS: u64 = 2 * 366;

/// Which days are open, by weekday, with dated exceptions.
///
/// An extra day beats a closure, a closure beats the weekday. Dates are local to whatever the calendar
/// is of. As text (serde) everything may be left out:
/// `{"weekdays": ["Mon", "Thu"], "closed": [{"from": "2026-12-24", "to": "2027-01-03", "why":
/// "Christmas"}], "extra": ["2026-12-28"], "cut-off": {"days-before": 1, "time": "15:00:00"}}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Calendar {
    /// Weekdays that are open.
    pub weekdays: Weekdays,
    /// Dated closures: holidays, inventories.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub closed: Vec<Closure>,
    /// Days that are open although the weekday is not, or in the middle of a closure.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub extra: BTreeSet<NaiveDate>,
    /// Until when it must be known what goes on a day; without it, until the day begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cut_off: Option<CutOff>,
}

impl Default for Calendar {
    /// Monday to Friday.
    fn default() -> Self {
        use Weekday::{Fri, Mon, Thu, Tue, Wed};
        Self::on([Mon, Tue, Wed, Thu, Fri])
    }
}

/// A set of weekdays; as text their names, short or long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Vec<Weekday>", into = "Vec<Weekday>")]
pub struct Weekdays(WeekdaySet);

impl Weekdays {
    /// Whether a day is one of them.
    #[must_use]
    pub fn contains(self, day: Weekday) -> bool {
        self.0.contains(day)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }
}

impl<const N: usize> From<[Weekday; N]> for Weekdays {
    fn from(days: [Weekday; N]) -> Self {
        Self(WeekdaySet::from_array(days))
    }
}

impl From<Vec<Weekday>> for Weekdays {
    fn from(days: Vec<Weekday>) -> Self {
        Self(days.into_iter().collect())
    }
}

impl From<Weekdays> for Vec<Weekday> {
    fn from(days: Weekdays) -> Self {
        days.0.iter(Weekday::Mon).collect()
    }
}

/// Closed from one day to another, both included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Closure {
    /// First closed day.
    pub from: NaiveDate,
    /// Last closed day.
    pub to: NaiveDate,
    /// Why, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
}

/// The end of taking orders for a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CutOff {
    /// Calendar days before the day itself.
    pub days_before: u8,
    /// Local time on that day.
    pub time: NaiveTime,
}

impl Calendar {
    /// Open on these weekdays, without exceptions.
    pub fn on(weekdays: impl Into<Weekdays>) -> Self {
        Self {
            weekdays: weekdays.into(),
            closed: Vec::new(),
            extra: BTreeSet::new(),
            cut_off: None,
        }
    }

    /// Open every day.
    #[must_use]
    pub fn every_day() -> Self {
        Self {
            weekdays: Weekdays(WeekdaySet::ALL),
            ..Self::on([])
        }
    }

    /// Whether a day is open.
    #[must_use]
    pub fn is_open(&self, day: NaiveDate) -> bool {
        self.extra.contains(&day)
            || (self.weekdays.contains(day.weekday()) && self.closure(day).is_none())
    }

    /// The closure that a day is in, whatever its weekday.
    #[must_use]
    pub fn closure(&self, day: NaiveDate) -> Option<&Closure> {
        self.closed
            .iter()
            .find(|closure| closure.from <= day && day <= closure.to)
    }

    /// The first open day on or after one; `None`: none within two years.
    #[must_use]
    pub fn open_from(&self, day: NaiveDate) -> Option<NaiveDate> {
        day.iter_days()
            .take(usize::try_from(HORIZON_DAYS).unwrap_or(usize::MAX))
            .find(|day| self.is_open(*day))
    }

    /// The first open day after one; `None`: none within two years.
    #[must_use]
    pub fn open_after(&self, day: NaiveDate) -> Option<NaiveDate> {
        self.open_from(day.succ_opt()?)
    }

    /// The last open day before one; `None`: none within two years.
    #[must_use]
    pub fn open_before(&self, day: NaiveDate) -> Option<NaiveDate> {
        (1..=HORIZON_DAYS)
            .map_while(|back| day.checked_sub_days(Days::new(back)))
            .find(|day| self.is_open(*day))
    }

    /// The open days from one to another, both included, in order.
    pub fn open_days(&self, from: NaiveDate, to: NaiveDate) -> impl Iterator<Item = NaiveDate> {
        from.iter_days()
            .take_while(move |day| *day <= to)
            .filter(|day| self.is_open(*day))
    }

    /// Until when (local time) it must be known what goes on a day.
    #[must_use]
    pub fn known_by(&self, day: NaiveDate) -> NaiveDateTime {
        let before = self.cut_off.map_or(0, |cut_off| cut_off.days_before);
        let time = self.cut_off.map_or(NaiveTime::MIN, |cut_off| cut_off.time);
        // Before the year -262143 nothing is picked up.
        let on = day
            .checked_sub_days(Days::new(before.into()))
            .unwrap_or(day);
        on.and_time(time)
    }

    /// Calendar days between the cut-off and the day itself.
    #[must_use]
    pub fn days_before(&self) -> u8 {
        self.cut_off.map_or(0, |cut_off| cut_off.days_before)
    }

    /// The first open day for which something known or ready at a time is in time.
    #[must_use]
    pub fn first_in_time(&self, ready: NaiveDateTime) -> Option<NaiveDate> {
        let mut day = self.open_from(ready.date())?;
        while self.known_by(day) < ready {
            day = self.open_after(day)?;
        }
        Some(day)
    }

    /// What makes no sense, in words that follow the name of the calendar.
    ///
    /// # Errors
    /// Never open, a closure that ends before it begins.
    pub fn check(&self) -> Result<(), String> {
        if self.weekdays.is_empty() && self.extra.is_empty() {
            return Err("is open on no day; name weekdays or extra days".to_owned());
        }
        let backwards = |closure: &&Closure| closure.to < closure.from;
        match self.closed.iter().find(backwards) {
            Some(closure) => Err(format!(
                "has a closure from {} to {}: it ends before it begins",
                closure.from, closure.to
            )),
            None => Ok(()),
        }
    }

    /// Open days by date, for a stretch that begins on a day; quicker than asking each.
    #[must_use]
    pub(super) fn table(&self, from: NaiveDate, days: usize) -> Vec<bool> {
        let mut open: Vec<bool> = from
            .iter_days()
            .take(days)
            .map(|day| self.weekdays.contains(day.weekday()))
            .collect();
        let at = |day: NaiveDate| (day - from).num_days();
        for closure in &self.closed {
            for day in at(closure.from).max(0)..=at(closure.to) {
                match usize::try_from(day).ok().and_then(|day| open.get_mut(day)) {
                    Some(open) => *open = false,
                    None => break,
                }
            }
        }
        for day in &self.extra {
            if let Some(open) = usize::try_from(at(*day))
                .ok()
                .and_then(|day| open.get_mut(day))
            {
                *open = true;
            }
        }
        open
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    /// A courier on Tuesdays and Fridays, closed over Christmas but for one extra Monday.
    fn courier() -> Calendar {
        Calendar {
            closed: vec![Closure {
                from: day("2026-12-24"),
                to: day("2027-01-03"),
                why: "Christmas".to_owned(),
            }],
            extra: [day("2026-12-28")].into(),
            cut_off: Some(CutOff {
                days_before: 1,
                time: NaiveTime::from_hms_opt(15, 0, 0).unwrap(),
            }),
            ..Calendar::on([Weekday::Tue, Weekday::Fri])
        }
    }

    #[test]
    fn an_extra_day_beats_a_closure_and_a_closure_a_weekday() {
        let courier = courier();
        assert!(courier.is_open(day("2026-12-22")));
        assert!(!courier.is_open(day("2026-12-23")));
        assert!(!courier.is_open(day("2026-12-25")));
        assert!(courier.is_open(day("2026-12-28")));
        let open: Vec<_> = courier
            .open_days(day("2026-12-22"), day("2027-01-05"))
            .collect();
        assert_eq!(
            open,
            [day("2026-12-22"), day("2026-12-28"), day("2027-01-05")]
        );
        assert_eq!(
            courier.open_after(day("2026-12-28")),
            Some(day("2027-01-05"))
        );
        assert_eq!(
            courier.open_from(day("2026-12-28")),
            Some(day("2026-12-28"))
        );
        assert_eq!(
            courier.open_before(day("2027-01-05")),
            Some(day("2026-12-28"))
        );
        assert_eq!(Calendar::on([]).open_from(day("2026-12-28")), None);
    }

    #[test]
    fn what_is_late_for_one_day_goes_on_the_next() {
        let courier = courier();
        let at = |text: &str| text.parse::<NaiveDateTime>().unwrap();
        assert_eq!(
            courier.known_by(day("2026-12-22")),
            at("2026-12-21T15:00:00")
        );
        let first = |text| courier.first_in_time(at(text)).unwrap();
        assert_eq!(first("2026-12-21T15:00:00"), day("2026-12-22"));
        assert_eq!(first("2026-12-21T15:00:01"), day("2026-12-28"));
        let plain = Calendar::on([Weekday::Tue]);
        assert_eq!(
            plain.first_in_time(at("2026-12-22T00:00:01")),
            Some(day("2026-12-29"))
        );
    }

    #[test]
    fn the_table_says_what_is_asked_day_by_day() {
        let (courier, from) = (courier(), day("2026-12-20"));
        let each: Vec<bool> = from
            .iter_days()
            .take(40)
            .map(|day| courier.is_open(day))
            .collect();
        assert_eq!(courier.table(from, 40), each);
        let later = day("2026-12-30");
        let each: Vec<bool> = later
            .iter_days()
            .take(9)
            .map(|day| courier.is_open(day))
            .collect();
        assert_eq!(courier.table(later, 9), each);
    }

    #[test]
    fn it_is_kept_as_text() {
        let text = serde_json::to_string(&courier()).unwrap();
        assert_eq!(
            text,
            r#"{"weekdays":["Tue","Fri"],"closed":[{"from":"2026-12-24","to":"2027-01-03","why":"Christmas"}],"extra":["2026-12-28"],"cut-off":{"days-before":1,"time":"15:00:00"}}"#
        );
        assert_eq!(serde_json::from_str::<Calendar>(&text).unwrap(), courier());
        let long: Calendar = serde_json::from_str(r#"{"weekdays":["tuesday","FRI"]}"#).unwrap();
        assert_eq!(long, Calendar::on([Weekday::Tue, Weekday::Fri]));
        assert_eq!(
            serde_json::from_str::<Calendar>("{}").unwrap(),
            Calendar::default()
        );
        assert!(serde_json::from_str::<Calendar>(r#"{"weekday":["Mon"]}"#).is_err());
    }

    #[test]
    fn nonsense_is_named() {
        assert!(courier().check().is_ok());
        assert!(Calendar::on([]).check().unwrap_err().contains("no day"));
        let mut backwards = courier();
        backwards.closed[0].to = day("2026-12-23");
        assert!(backwards.check().unwrap_err().contains("2026-12-24"));
    }
}
