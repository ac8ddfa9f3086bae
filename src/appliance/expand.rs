//! What a pattern stands for in one month, against what it stood for in the month before.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use chrono::{DateTime, Days, NaiveDate, Utc};
use serde::Serialize;

use super::pattern::{Found, Pattern, Walk};
use crate::catalogue::{DateChoice, Month, PatternSource, SetDefinition, SetState, Source, View};
use crate::error::{Error, Result};
use crate::id::SetDefinitionId;

/// Days after which the newest backup of a system is too old to be this month's.
const STALE_DAYS: u64 = 31;

/// What is taken, and what is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Expansion {
    /// The name of the definition with the pattern.
    pub name: String,
    /// The month it is for.
    pub month: Month,
    /// The sets, by name.
    pub taken: Vec<Taken>,
    /// Names that had a set in the month before and have none now.
    pub missing: Vec<String>,
    /// Folders that could not be read, and why.
    pub unreadable: Vec<String>,
}

/// A folder that becomes a set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Taken {
    /// The set's name: that of the definition, system, kind, and with all of a month the date.
    pub name: String,
    /// What stands for `{system}`.
    pub system: Option<String>,
    /// What stands for `{kind}`.
    pub kind: Option<String>,
    /// What stands for `{date}`.
    pub date: Option<NaiveDate>,
    /// The folder.
    pub path: PathBuf,
    /// Its definition, if there was one before.
    pub definition: Option<SetDefinitionId>,
    /// Whether it is more than a month old.
    pub stale: bool,
    /// Whether it is of an earlier month, whose run did not find it yet.
    pub late: bool,
}

/// What is on record of a pattern.
#[derive(Debug, Default)]
struct History {
    /// The first month that has a set of it.
    since: Option<Month>,
    /// Names that have a set that was not given up.
    names: BTreeSet<String>,
}

impl History {
    /// Whether a folder of an earlier month is in no set although the pattern was in use then.
    fn lacks(&self, date: NaiveDate, name: &str) -> bool {
        self.since.is_some_and(|since| since <= Month::of_day(date)) && !self.names.contains(name)
    }
}

impl Expansion {
    /// What a person should look at, in lines.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let missing = self.missing.iter().map(|name| {
            format!(
                "{name} was there in the month before {} and is not",
                self.month
            )
        });
        let stale = self.taken.iter().filter(|taken| taken.stale).map(|taken| {
            format!(
                "{}: the newest is of {}",
                taken.name,
                taken.date.map_or_else(String::new, |date| date.to_string())
            )
        });
        missing
            .chain(stale)
            .chain(self.unreadable.iter().cloned())
            .collect()
    }
}

/// Looks for what the pattern of a definition stands for.
///
/// # Errors
/// The definition has no pattern; nothing can be read; two folders have one name.
pub fn expand(
    view: &View<'_>,
    definition: &SetDefinition,
    month: Month,
    now: DateTime<Utc>,
) -> Result<Expansion> {
    let Source::Pattern(source) = &definition.source else {
        return Err(Error::usage(format!(
            "\"{}\" has no pattern: it is {}",
            definition.name, definition.source
        )));
    };
    let walk = Pattern::parse(&source.pattern)?.find()?;
    let known: BTreeMap<String, SetDefinition> = view
        .all_definitions()?
        .into_iter()
        .map(|known| (known.name.clone(), known))
        .collect();
    let mut history = History::default();
    let mut before = BTreeSet::new();
    for child in known
        .values()
        .filter(|one| one.parent == Some(definition.id))
    {
        let sets = view.sets_of(child.id)?;
        let months = sets
            .into_iter()
            .filter(|set| set.state != SetState::Failed)
            .map(|set| set.month);
        let (name, date) = undated(&child.name, source.dates);
        for counts in months {
            // A folder that came late is of its own month, not of that of its run.
            if Some(date.map_or(counts, Month::of_day)) == month.before() {
                before.insert(name.to_owned());
            }
            history.since = history.since.into_iter().chain([counts]).min();
            history.names.insert(child.name.clone());
        }
    }
    let mut expansion = decide(definition, source, walk, &history, month, now)?;
    for taken in &mut expansion.taken {
        match known.get(&taken.name) {
            None => {}
            Some(one) if one.parent == Some(definition.id) => taken.definition = Some(one.id),
            Some(_) => {
                return Err(Error::usage(format!(
                    "{} would be the set \"{}\", which is defined as something else",
                    taken.path.display(),
                    taken.name
                )));
            }
        }
    }
    for taken in expansion.taken.iter().filter(|taken| !taken.late) {
        before.remove(undated(&taken.name, source.dates).0);
    }
    expansion.missing = before.into_iter().collect();
    Ok(expansion)
}

/// Which of the folders are taken.
fn decide(
    definition: &SetDefinition,
    source: &PatternSource,
    walk: Walk,
    history: &History,
    month: Month,
    now: DateTime<Utc>,
) -> Result<Expansion> {
    let limit = now.date_naive().min(month.last_day());
    let mut taken: BTreeMap<String, Taken> = BTreeMap::new();
    for found in walk.found {
        let mut one = as_taken(&definition.name, source.dates, found, limit);
        let wanted = match (source.dates, one.date) {
            (_, None) => true,
            (DateChoice::Newest, Some(date)) => date <= limit,
            (DateChoice::Month, Some(date)) => {
                one.late = Month::of_day(date) < month && history.lacks(date, &one.name);
                one.late || month.has(date)
            }
        };
        if !wanted {
            continue;
        }
        match taken.get(&one.name) {
            Some(other) if other.date == one.date => {
                return Err(Error::failed(format!(
                    "{} and {} would both be the set \"{}\"",
                    other.path.display(),
                    one.path.display(),
                    one.name
                )));
            }
            Some(other) if other.date > one.date => {}
            _ => {
                taken.insert(one.name.clone(), one);
            }
        }
    }
    Ok(Expansion {
        name: definition.name.clone(),
        month,
        taken: taken.into_values().collect(),
        missing: Vec::new(),
        unreadable: walk
            .unreadable
            .into_iter()
            .map(|(path, why)| format!("{}: {why}", path.display()))
            .collect(),
    })
}

fn as_taken(name: &str, dates: DateChoice, found: Found, limit: NaiveDate) -> Taken {
    let mut parts = vec![name.to_owned()];
    parts.extend(found.system.clone());
    parts.extend(found.kind.clone());
    if dates == DateChoice::Month {
        parts.extend(found.date.map(|date| date.to_string()));
    }
    let oldest = limit.checked_sub_days(Days::new(STALE_DAYS));
    Taken {
        name: parts.join("/"),
        stale: dates == DateChoice::Newest && found.date.is_some_and(|date| Some(date) < oldest),
        system: found.system,
        kind: found.kind,
        date: found.date,
        path: found.path,
        definition: None,
        late: false,
    }
}

/// The name of a set without its date, and the date.
pub(crate) fn undated(name: &str, dates: DateChoice) -> (&str, Option<NaiveDate>) {
    if let (DateChoice::Month, Some((before, date))) = (dates, name.rsplit_once('/'))
        && let Ok(date) = date.parse()
    {
        return (before, Some(date));
    }
    (name, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{Commands, Compression, Encryption, Source};

    fn found(system: &str, kind: &str, date: &str) -> Found {
        Found {
            system: Some(system.to_owned()),
            kind: Some(kind.to_owned()),
            date: Some(date.parse().unwrap()),
            path: format!("/appliance/{system}/{date}/{kind}").into(),
        }
    }

    fn decided(dates: DateChoice, month: &str, now: &str, found: Vec<Found>) -> Result<Expansion> {
        decided_after(&History::default(), dates, month, now, found)
    }

    fn decided_after(
        history: &History,
        dates: DateChoice,
        month: &str,
        now: &str,
        found: Vec<Found>,
    ) -> Result<Expansion> {
        let source = PatternSource {
            pattern: "/appliance/{system}/{date}/{kind}".to_owned(),
            dates,
        };
        let now: DateTime<Utc> = now.parse().unwrap();
        let definition = SetDefinition {
            id: SetDefinitionId::generate(now),
            name: "all".to_owned(),
            source: Source::Pattern(source.clone()),
            commands: Commands::default(),
            parent: None,
            excludes: Vec::new(),
            compression: Compression::None,
            encryption: Encryption::Age,
            copies: Vec::new(),
            retention_days: None,
            recipients: Vec::new(),
            created_at: now,
            changed_at: now,
            retired_at: None,
            agency: None,
        };
        let walk = Walk {
            found,
            unreadable: Vec::new(),
        };
        let month = month.parse().unwrap();
        decide(&definition, &source, walk, history, month, now)
    }

    fn taken(expansion: &Expansion) -> Vec<(&str, String)> {
        let dated = |one: &Taken| one.date.map_or_else(String::new, |date| date.to_string());
        let all = expansion.taken.iter();
        all.map(|one| (one.name.as_str(), dated(one))).collect()
    }

    fn folders() -> Vec<Found> {
        vec![
            found("db", "full", "2026-10-31"),
            found("db", "full", "2026-11-07"),
            found("db", "full", "2026-11-28"),
            found("db", "log", "2026-11-01"),
            found("web", "full", "2026-09-01"),
        ]
    }

    #[test]
    fn the_newest_at_or_before_the_run_is_taken() {
        let now = "2026-11-21T10:00:00Z";
        let expansion = decided(DateChoice::Newest, "2026-11", now, folders()).unwrap();
        let dates = ["2026-11-07", "2026-11-01", "2026-09-01"].map(str::to_owned);
        let names = ["all/db/full", "all/db/log", "all/web/full"];
        let wanted: Vec<_> = names.into_iter().zip(dates).collect();
        assert_eq!(taken(&expansion), wanted);
        // What nobody renews is called old.
        let stale: Vec<_> = expansion.taken.iter().map(|one| one.stale).collect();
        assert_eq!(stale, [false, false, true]);
        assert_eq!(
            expansion.warnings(),
            ["all/web/full: the newest is of 2026-09-01"]
        );
        // A month that is over ends with its last day.
        let expansion = decided(DateChoice::Newest, "2026-10", now, folders()).unwrap();
        assert_eq!(
            taken(&expansion)[0],
            ("all/db/full", "2026-10-31".to_owned())
        );
        assert!(expansion.taken.iter().all(|one| one.name != "all/db/log"));
    }

    #[test]
    fn all_of_a_month_have_names_of_their_own() {
        let now = "2026-12-01T10:00:00Z";
        let expansion = decided(DateChoice::Month, "2026-11", now, folders()).unwrap();
        let names: Vec<_> = taken(&expansion)
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(
            names,
            [
                "all/db/full/2026-11-07",
                "all/db/full/2026-11-28",
                "all/db/log/2026-11-01"
            ]
        );
        assert_eq!(
            undated(names[0], DateChoice::Month),
            ("all/db/full", Some("2026-11-07".parse().unwrap()))
        );
        for dates in [DateChoice::Newest, DateChoice::Month] {
            assert_eq!(undated("all/db/full", dates), ("all/db/full", None));
        }
    }

    /// A run in the middle of November does not see what comes behind it; that of December does.
    #[test]
    fn nothing_falls_between_two_months() {
        let names = ["all/db/full/2026-11-07", "all/db/log/2026-11-01"];
        let history = History {
            since: Some("2026-11".parse().unwrap()),
            names: names.map(str::to_owned).into(),
        };
        let mut folders = folders();
        folders.push(found("db", "full", "2026-12-05"));
        let now = "2026-12-21T10:00:00Z";
        let expansion =
            decided_after(&history, DateChoice::Month, "2026-12", now, folders).unwrap();
        let late: Vec<_> = expansion
            .taken
            .iter()
            .map(|one| (one.name.as_str(), one.late))
            .collect();
        assert_eq!(
            late,
            [
                ("all/db/full/2026-11-28", true),
                ("all/db/full/2026-12-05", false)
            ]
        );
    }

    #[test]
    fn two_folders_with_one_name_are_refused() {
        let mut twice = folders();
        twice.push(Found {
            path: "/appliance/other".into(),
            ..twice[1].clone()
        });
        let now = "2026-11-21T10:00:00Z";
        let error = decided(DateChoice::Newest, "2026-11", now, twice).unwrap_err();
        assert!(error.to_string().contains("all/db/full"), "{error}");
    }
}
