//! Entries: who did it, what it is about, and the text that is hashed.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::{Event, JournalError, canonical_json};

/// Who did it, and where.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Actor {
    /// Name of the person, operating system user or service account.
    pub person: String,
    /// The operating system user or service account that a person who is named otherwise, by badge
    /// for instance, works under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Name of the host or scanning station.
    pub station: String,
}

impl Actor {
    /// The operating system user this process runs as, on this host.
    #[must_use]
    pub fn of_this_process() -> Self {
        let uid = nix::unistd::geteuid();
        let user = nix::unistd::User::from_uid(uid).ok().flatten();
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let host = host.trim();
        Self {
            person: user.map_or_else(|| format!("uid {uid}"), |user| user.name),
            account: None,
            station: if host.is_empty() { "localhost" } else { host }.to_owned(),
        }
    }

    /// Somebody who is known by name or badge, at this station and under this account.
    #[must_use]
    pub fn with_person(&self, person: &str) -> Self {
        let account = self.account.as_ref().unwrap_or(&self.person);
        Self {
            account: (account != person).then(|| account.clone()),
            person: person.to_owned(),
            station: self.station.clone(),
        }
    }
}

/// Fields of an event that name what it is about.
const SUBJECTS: [&str; 11] = [
    "cartridge",
    "courier_run",
    "definition",
    "key",
    "library",
    "person",
    "run",
    "set",
    "step",
    "thing",
    "volume",
];

/// An entry as read back. Kind and details are JSON, so that entries of any program version can
/// be shown.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Entry {
    /// From 1, without gaps.
    pub sequence: u64,
    /// When it was recorded.
    pub at: DateTime<Utc>,
    /// Who did it.
    pub actor: Actor,
    /// What happened: the variant of [`Event`] in snake case.
    pub kind: String,
    /// What it is about: ids by the name of their kind.
    pub subjects: Map<String, Value>,
    /// The rest.
    pub details: Map<String, Value>,
    /// Hash of the entry before, in hexadecimal.
    pub previous: String,
}

impl Entry {
    /// Reads a stored body.
    ///
    /// # Errors
    /// [`JournalError::Express`] when it is not an entry.
    pub fn parse(body: &str) -> Result<Self, JournalError> {
        Ok(serde_json::from_str(body)?)
    }
}

/// The canonical text of an entry and its hash.
pub(super) fn seal(
    sequence: u64,
    now: DateTime<Utc>,
    actor: &Actor,
    event: &Event,
    previous: &str,
) -> Result<(String, String), JournalError> {
    let mut subjects = Map::new();
    let mut details = Map::new();
    let mut kind = Value::Null;
    if let Value::Object(fields) = serde_json::to_value(event)? {
        for (name, value) in fields {
            if name == "kind" {
                kind = value;
            } else if value.is_null() {
                // An absent field and one that is null mean the same.
            } else if SUBJECTS.contains(&name.as_str()) {
                subjects.insert(name, value);
            } else {
                details.insert(name, value);
            }
        }
    }
    let entry = serde_json::json!({
        "sequence": sequence,
        "at": now.to_rfc3339_opts(SecondsFormat::Nanos, true),
        "actor": actor,
        "kind": kind,
        "subjects": subjects,
        "details": details,
        "previous": previous,
    });
    let body = canonical_json(&entry)?;
    let hash = hash(&body);
    Ok((body, hash))
}

/// What an entry tells of a key for checkpoints or of a signature; `None`: it is of another kind.
///
/// # Errors
/// It is of such a kind and does not have what that has.
pub(super) fn parse_signing(body: &str) -> Result<Option<Event>, ()> {
    let entry = Entry::parse(body).map_err(|_| ())?;
    if !["journal_key_made", "checkpoint_signed"].contains(&entry.kind.as_str()) {
        return Ok(None);
    }
    let mut fields = entry.details;
    fields.insert("kind".to_owned(), Value::from(entry.kind));
    serde_json::from_value(Value::Object(fields))
        .map(Some)
        .map_err(|_| ())
}

/// SHA-256 of a body, in lower-case hexadecimal.
pub(super) fn hash(body: &str) -> String {
    use std::fmt::Write;
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(body.as_bytes()) {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
