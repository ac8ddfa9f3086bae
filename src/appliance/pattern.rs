//! Paths with placeholders: `/appliance/{system}/{date:%Y-%m-%d}/{kind}`.

use std::fmt::Write;
use std::io;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use chrono::format::{Item, StrftimeItems};

use crate::error::{Error, Result};

/// How dates are written where the pattern does not say.
const USUAL_DATE: &str = "%Y-%m-%d";

/// A path of which some parts are to be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    parts: Vec<Vec<Piece>>,
}

/// A piece of a folder's name.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Literal(String),
    System,
    Kind,
    /// In `strftime` form.
    Date(String),
}

/// What placeholders stand for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Captured {
    system: Option<String>,
    kind: Option<String>,
    date: Option<NaiveDate>,
}

/// A folder that a pattern matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What stands for `{system}`.
    pub system: Option<String>,
    /// What stands for `{kind}`.
    pub kind: Option<String>,
    /// What stands for `{date}`.
    pub date: Option<NaiveDate>,
    /// Where it is.
    pub path: PathBuf,
}

/// What came of looking for folders.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Walk {
    /// Folders, in the order of their paths.
    pub found: Vec<Found>,
    /// Folders on the way that could not be read, and why.
    pub unreadable: Vec<(PathBuf, String)>,
}

impl Pattern {
    /// Parses a pattern.
    ///
    /// # Errors
    /// Usage: it is no absolute path, has no placeholder, an unknown one, one twice, or a date that
    /// does not tell year and month.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = |what: &str| {
            Error::usage(format!("the pattern \"{text}\" {what}")).hint(
                "write it as /appliance/{system}/{date:%Y-%m-%d}/{kind}, with any of these three",
            )
        };
        if !text.starts_with('/') || text.contains('\0') {
            return Err(wrong("is no absolute path"));
        }
        let mut parts = Vec::new();
        for name in text
            .split('/')
            .filter(|name| !name.is_empty() && *name != ".")
        {
            if name == ".." {
                return Err(wrong("goes up again"));
            }
            parts.push(pieces(name).map_err(|what| wrong(&what))?);
        }
        let count = |wanted: fn(&Piece) -> bool| {
            parts.iter().flatten().filter(|piece| wanted(piece)).count()
        };
        let counts = [
            count(|piece| matches!(piece, Piece::System)),
            count(|piece| matches!(piece, Piece::Kind)),
            count(|piece| matches!(piece, Piece::Date(_))),
        ];
        if counts.iter().sum::<usize>() == 0 {
            return Err(wrong("has no placeholder"));
        }
        if counts.iter().any(|count| *count > 1) {
            return Err(wrong("has a placeholder twice"));
        }
        Ok(Self { parts })
    }

    /// Finds the folders that match.
    ///
    /// # Errors
    /// The folder that everything is below cannot be read.
    pub fn find(&self) -> Result<Walk> {
        let mut walk = Walk::default();
        self.walk(Path::new("/"), 0, &Captured::default(), &mut walk);
        walk.found.sort_by(|one, other| one.path.cmp(&other.path));
        match walk.unreadable.first() {
            Some((path, why)) if walk.found.is_empty() => Err(Error::failed(format!(
                "cannot read {}: {why}",
                path.display()
            ))
            .hint("is the appliance mounted?")),
            _ => Ok(walk),
        }
    }

    fn walk(&self, at: &Path, depth: usize, captured: &Captured, walk: &mut Walk) {
        let Some(pieces) = self.parts.get(depth) else {
            match is_folder(at) {
                Ok(true) => walk.found.push(Found {
                    system: captured.system.clone(),
                    kind: captured.kind.clone(),
                    date: captured.date,
                    path: at.to_owned(),
                }),
                Ok(false) => {}
                Err(error) => walk.unreadable.push((at.to_owned(), error.to_string())),
            }
            return;
        };
        if let [Piece::Literal(name)] = pieces.as_slice() {
            self.walk(&at.join(name), depth + 1, captured, walk);
            return;
        }
        let entries = match std::fs::read_dir(at) {
            Ok(entries) => entries,
            // A kind that one system does not have.
            Err(error) if error.kind() == io::ErrorKind::NotFound && is_below_one(captured) => {
                return;
            }
            Err(error) => {
                walk.unreadable.push((at.to_owned(), error.to_string()));
                return;
            }
        };
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    walk.unreadable.push((at.to_owned(), error.to_string()));
                    continue;
                }
            };
            let name = entry.file_name();
            let text = name.to_string_lossy();
            let mut more = captured.clone();
            if !matches(pieces, &text, &mut more) {
                continue;
            }
            let path = entry.path();
            match is_folder(&path) {
                Ok(true) if name.to_str().is_none() || text.contains(char::is_control) => {
                    let why = "its name cannot be typed, so it cannot be the name of a set";
                    walk.unreadable.push((path, why.to_owned()));
                }
                Ok(true) => self.walk(&path, depth + 1, &more, walk),
                Ok(false) => {}
                Err(error) => walk.unreadable.push((path, error.to_string())),
            }
        }
    }
}

/// Whether a folder is there, or a link to one. What cannot be looked at, and a link to nothing, is
/// an error: it may be somebody's backup.
fn is_folder(path: &Path) -> io::Result<bool> {
    match std::fs::metadata(path) {
        Ok(found) => Ok(found.is_dir()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            match std::fs::symlink_metadata(path) {
                Ok(_) => Err(error),
                Err(_) => Ok(false),
            }
        }
        Err(error) => Err(error),
    }
}

/// Whether something was found on the way here.
fn is_below_one(captured: &Captured) -> bool {
    *captured != Captured::default()
}

/// Takes one name of a pattern apart; the error is the end of a sentence.
fn pieces(name: &str) -> std::result::Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut rest = name;
    while let Some((before, after)) = rest.split_once('{') {
        if !before.is_empty() {
            pieces.push(Piece::Literal(before.to_owned()));
        }
        let (placeholder, after) = after
            .split_once('}')
            .ok_or_else(|| "has a { without its }".to_owned())?;
        pieces.push(match placeholder.split_once(':') {
            None if placeholder == "system" => Piece::System,
            None if placeholder == "kind" => Piece::Kind,
            None if placeholder == "date" => Piece::Date(USUAL_DATE.to_owned()),
            Some(("date", format)) => Piece::Date(date_format(format)?),
            _ => return Err(format!("has the unknown placeholder {{{placeholder}}}")),
        });
        rest = after;
    }
    if rest.contains('}') {
        return Err("has a } without its {".to_owned());
    }
    if !rest.is_empty() {
        pieces.push(Piece::Literal(rest.to_owned()));
    }
    Ok(pieces)
}

fn date_format(format: &str) -> std::result::Result<String, String> {
    let known = !StrftimeItems::new(format).any(|item| matches!(item, Item::Error));
    // A day whose parts are all different.
    let day = NaiveDate::from_ymd_opt(2027, 11, 1).filter(|_| known);
    let written = day.and_then(|day| write_date(day, format));
    if written.is_some_and(|text| parse_date(&text, format) == day) {
        return Ok(format.to_owned());
    }
    Err(format!(
        "has the date {format}, which does not tell year and month"
    ))
}

/// A date in a form; none for a form that wants a time of day.
fn write_date(date: NaiveDate, format: &str) -> Option<String> {
    let mut text = String::new();
    write!(text, "{}", date.format(format)).ok()?;
    Some(text)
}

/// A date as written; the first of the month where it tells no day.
fn parse_date(text: &str, format: &str) -> Option<NaiveDate> {
    let with_day = || {
        let (text, format) = (format!("{text} 01"), format!("{format} %d"));
        NaiveDate::parse_from_str(&text, &format).ok()
    };
    let date = NaiveDate::parse_from_str(text, format)
        .ok()
        .or_else(with_day)?;
    // Blanks and lacking zeros are another name.
    (write_date(date, format)? == text).then_some(date)
}

/// Whether a name is what the pieces say; the shortest text stands for a placeholder.
fn matches(pieces: &[Piece], name: &str, captured: &mut Captured) -> bool {
    let Some((first, others)) = pieces.split_first() else {
        return name.is_empty();
    };
    if let Piece::Literal(literal) = first {
        return name
            .strip_prefix(literal.as_str())
            .is_some_and(|rest| matches(others, rest, captured));
    }
    let ends = name
        .char_indices()
        .skip(1)
        .map(|(at, _)| at)
        .chain([name.len()]);
    for end in ends {
        let (text, rest) = name.split_at(end);
        if text.is_empty() {
            continue;
        }
        let mut more = captured.clone();
        match first {
            Piece::System => more.system = Some(text.to_owned()),
            Piece::Kind => more.kind = Some(text.to_owned()),
            Piece::Date(format) => {
                let Some(date) = parse_date(text, format) else {
                    continue;
                };
                more.date = Some(date);
            }
            Piece::Literal(_) => continue,
        }
        if matches(others, rest, &mut more) {
            *captured = more;
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captures(pattern: &str, name: &str) -> Option<Captured> {
        let mut captured = Captured::default();
        matches(&pieces(pattern).unwrap(), name, &mut captured).then_some(captured)
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn names_are_taken_apart() {
        let found = captures("{system}-{date:%Y%m%d}.full", "db-eu-20261103.full").unwrap();
        assert_eq!(found.system.as_deref(), Some("db-eu"));
        assert_eq!(found.date, Some(day("2026-11-03")));
        assert_eq!(
            captures("{date}", "2026-11-03").unwrap().date,
            Some(day("2026-11-03"))
        );
        assert_eq!(
            captures("{date:%Y-%m}", "2026-11").unwrap().date,
            Some(day("2026-11-01"))
        );
        let both = captures("{kind}@{system}", "full@a@b").unwrap();
        assert_eq!(
            (both.kind.as_deref(), both.system.as_deref()),
            (Some("full"), Some("a@b"))
        );
        for (pattern, name) in [
            ("{date}", "2026-11-3"),
            ("{date}", "2026-02-30"),
            ("{date}", "latest"),
            ("{system}.d", ".d"),
            ("{system}", ""),
        ] {
            assert_eq!(captures(pattern, name), None, "{pattern} {name}");
        }
    }

    #[test]
    fn patterns_that_mean_nothing_are_refused() {
        for (bad, why) in [
            ("appliance/{system}", "absolute"),
            ("/appliance", "no placeholder"),
            ("/a/{system}/{system}", "twice"),
            ("/a/{sistem}", "{sistem}"),
            ("/a/{system", "without its }"),
            ("/a/system}", "without its {"),
            ("/a/{date:%H}", "year and month"),
            ("/a/{date:%Q}", "year and month"),
            ("/a/../{system}", "goes up"),
        ] {
            let error = Pattern::parse(bad).unwrap_err();
            assert_eq!(error.kind(), crate::error::ErrorKind::Usage);
            assert!(error.to_string().contains(why), "{bad}: {error}");
        }
        Pattern::parse("/appliance/{system}/{date:%Y-%m-%d}/{kind}").unwrap();
    }

    #[test]
    fn folders_are_found_and_what_is_none_is_passed_over() {
        let top = tempfile::tempdir().unwrap();
        for folder in [
            "a/2026-11-01/full",
            "a/2026-11-08/full",
            "b/2026-11-01/log",
            "b/notes",
        ] {
            std::fs::create_dir_all(top.path().join(folder)).unwrap();
        }
        std::fs::write(top.path().join("a/2026-11-01/readme"), "no folder").unwrap();
        let pattern = format!("{}/{{system}}/{{date}}/{{kind}}", top.path().display());
        let walk = Pattern::parse(&pattern).unwrap().find().unwrap();
        let found: Vec<_> = walk
            .found
            .iter()
            .map(|one| (one.system.as_deref().unwrap(), one.kind.as_deref().unwrap()))
            .collect();
        assert_eq!(found, [("a", "full"), ("a", "full"), ("b", "log")]);
        assert!(walk.unreadable.is_empty());
        let nowhere = format!("{}/gone/{{system}}", top.path().display());
        let error = Pattern::parse(&nowhere).unwrap().find().unwrap_err();
        assert!(error.to_string().contains("gone"), "{error}");
    }

    #[test]
    fn what_cannot_be_looked_into_is_told() {
        let top = tempfile::tempdir().unwrap();
        let at = |name: &str| top.path().join(name);
        std::fs::create_dir_all(at("a/full")).unwrap();
        std::fs::create_dir_all(at("b")).unwrap();
        std::fs::create_dir_all(at("bad\n/full")).unwrap();
        // Each leads nowhere: to itself, and to what is not mounted.
        std::os::unix::fs::symlink("full", at("b/full")).unwrap();
        std::os::unix::fs::symlink(at("gone"), at("c")).unwrap();
        let pattern = format!("{}/{{system}}/full", top.path().display());
        let walk = Pattern::parse(&pattern).unwrap().find().unwrap();
        assert_eq!(walk.found.len(), 1, "{:?}", walk.found);
        let mut told: Vec<_> = walk.unreadable.iter().map(|(path, _)| path).collect();
        told.sort();
        assert_eq!(told, [&at("b/full"), &at("bad\n"), &at("c")]);
    }
}
