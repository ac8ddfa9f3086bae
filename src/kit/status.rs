//! Whether the newest kit still says what is so.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::contents::{self, Outline};
use crate::app::App;
use crate::catalogue::MadeKit;
use crate::error::{Context, Error, ErrorKind, Result};

/// What there is to say about the newest kit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The newest kit; none was ever made.
    pub kit: Option<MadeKit>,
    /// Why it should be made again; empty: it is good.
    pub reasons: Vec<String>,
}

/// Compares the newest kit with the record.
pub fn status(app: &App) -> Result<Status> {
    let kit = app.catalogue.read(|view| view.newest_kit())?;
    let Some(kit) = kit else {
        return Ok(Status {
            kit: None,
            reasons: vec!["no kit was ever made".to_owned()],
        });
    };
    let contents = contents::gather(app)?;
    let then: Outline = serde_json::from_value(kit.outline.clone())
        .context("the record of the newest kit cannot be read")?;
    let same = kit.digest == contents.digest()?;
    let reasons = reasons(
        &then,
        &contents.outline(),
        same,
        kit.expires_at,
        app.clock.now(),
    );
    Ok(Status {
        kit: Some(kit),
        reasons,
    })
}

fn reasons(
    then: &Outline,
    now: &Outline,
    same: bool,
    expires_at: DateTime<Utc>,
    at: DateTime<Utc>,
) -> Vec<String> {
    let mut reasons = Vec::new();
    if at >= expires_at {
        reasons.push(format!("it expired on {}", expires_at.format("%Y-%m-%d")));
    }
    if same {
        return reasons;
    }
    let before = reasons.len();
    for (id, name) in &now.sets {
        if !then.sets.contains_key(id) {
            reasons.push(format!("set {name} is not in it"));
        }
    }
    for (id, name) in &then.sets {
        if !now.sets.contains_key(id) {
            reasons.push(format!("set {name} is no longer kept"));
        }
    }
    differences("cartridge", &then.cartridges, &now.cartridges, &mut reasons);
    differences("key", &then.keys, &now.keys, &mut reasons);
    if reasons.len() == before {
        reasons.push("something on the tapes has changed".to_owned());
    }
    reasons
}

fn differences(
    noun: &str,
    then: &BTreeMap<String, String>,
    now: &BTreeMap<String, String>,
    reasons: &mut Vec<String>,
) {
    for (name, place) in now {
        match then.get(name) {
            None => reasons.push(format!("{noun} {name} is not in it")),
            Some(old) if old != place => {
                reasons.push(format!("{noun} {name}: {place}, in the kit {old}"));
            }
            Some(_) => {}
        }
    }
    for name in then.keys().filter(|name| !now.contains_key(*name)) {
        reasons.push(format!("{noun} {name} is no longer needed"));
    }
}

/// An error for a kit that should be made again.
///
/// # Errors
/// [`ErrorKind::OperatorNeeded`].
pub fn outcome(status: &Status) -> Result<()> {
    if status.reasons.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::OperatorNeeded,
        format!(
            "the recovery kit must be made again: {}",
            status.reasons.join("; ")
        ),
    )
    .hint("\"tapeward kit print --output kit.pdf\", then put it in place of the old one"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let owned = |(one, other): &(&str, &str)| ((*one).to_owned(), (*other).to_owned());
        pairs.iter().map(owned).collect()
    }

    #[test]
    fn each_difference_is_said_once() {
        let then = Outline {
            sets: map(&[("1", "docs of 2026-10"), ("2", "docs of 2026-11")]),
            cartridges: map(&[("A", "library x"), ("B", "vault y")]),
            keys: map(&[("site", "file on the tape host")]),
        };
        let now = Outline {
            sets: map(&[("2", "docs of 2026-11"), ("3", "docs of 2026-12")]),
            cartridges: map(&[("A", "safe z"), ("C", "library x")]),
            keys: map(&[("site", "file on the tape host, retired")]),
        };
        let day = DateTime::UNIX_EPOCH;
        let later = day + chrono::TimeDelta::days(1);
        assert_eq!(
            reasons(&then, &now, false, later, day),
            [
                "set docs of 2026-12 is not in it",
                "set docs of 2026-10 is no longer kept",
                "cartridge A: safe z, in the kit library x",
                "cartridge C is not in it",
                "cartridge B is no longer needed",
                "key site: file on the tape host, retired, in the kit file on the tape host",
            ]
        );
        assert!(reasons(&then, &then, true, later, day).is_empty());
        assert_eq!(
            reasons(&then, &then, true, day, day),
            ["it expired on 1970-01-01"]
        );
        let moved = reasons(&then, &then, false, later, day);
        assert_eq!(moved, ["something on the tapes has changed"]);
    }
}
