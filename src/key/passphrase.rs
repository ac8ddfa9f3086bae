//! Passphrases: asked on the terminal, or read from a file or an open descriptor. Never from the
//! command line or the environment, where others can see them.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use age::secrecy::{ExposeSecret, SecretString};
use age::x25519;
use zeroize::Zeroizing;

use super::file::open_private;
use super::terminal;
use crate::error::{Context, Error, ErrorKind, Result};

/// Longest passphrase that is read, in bytes.
const LONGEST: u64 = 4096;

/// Where passphrases come from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum PassphraseSource {
    /// A person at the terminal of the process.
    #[default]
    Terminal,
    /// The first line of a file that only its owner can read.
    File(PathBuf),
    /// The first line of what a descriptor of this process gives.
    Descriptor(u32),
}

/// What a run is told once and then knows: passphrases, and the identities they opened.
#[derive(Default)]
pub struct Secrets {
    source: PassphraseSource,
    opened: Mutex<HashMap<PathBuf, Vec<x25519::Identity>>>,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secrets")
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

impl Secrets {
    /// Secrets that come from there.
    #[must_use]
    pub fn from_source(source: PassphraseSource) -> Self {
        Self {
            source,
            opened: Mutex::default(),
        }
    }

    /// The passphrase that opens something.
    ///
    /// # Errors
    /// [`ErrorKind::OperatorNeeded`] when there is no terminal to ask on.
    pub fn passphrase(&self, what: &str) -> Result<SecretString> {
        match &self.source {
            PassphraseSource::Terminal => ask(&format!("Passphrase of {what}: "), what),
            PassphraseSource::File(path) => first_line(open_private(path)?, path),
            PassphraseSource::Descriptor(number) => {
                let path = PathBuf::from(format!("/dev/fd/{number}"));
                let file = File::open(&path).map_err(|error| {
                    Error::usage(format!("cannot read file descriptor {number}")).because(error)
                })?;
                first_line(file, &path)
            }
        }
    }

    /// A passphrase for something new: asked for twice on a terminal.
    ///
    /// # Errors
    /// As [`Secrets::passphrase`]; two that differ; an empty one.
    pub fn new_passphrase(&self, what: &str) -> Result<SecretString> {
        let first = self.passphrase(what)?;
        if first.expose_secret().is_empty() {
            return Err(Error::usage(format!("the passphrase of {what} is empty")));
        }
        if self.source == PassphraseSource::Terminal {
            let again = ask(&format!("Passphrase of {what} again: "), what)?;
            if again.expose_secret() != first.expose_secret() {
                return Err(Error::usage(format!(
                    "the two passphrases of {what} are not the same"
                )));
            }
        }
        Ok(first)
    }

    /// The identities of a file that was opened before, or of one that is opened now.
    pub(super) fn once(
        &self,
        path: &Path,
        open: impl FnOnce() -> Result<Vec<x25519::Identity>>,
    ) -> Result<Vec<x25519::Identity>> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = opened.get(path) {
            return Ok(known.clone());
        }
        let identities = open()?;
        opened.insert(path.to_owned(), identities.clone());
        Ok(identities)
    }
}

fn ask(prompt: &str, what: &str) -> Result<SecretString> {
    match terminal::ask(prompt) {
        Ok(text) => Ok(SecretString::from(text.as_str())),
        Err(error) if error.kind() == std::io::ErrorKind::Interrupted => Err(Error::new(
            ErrorKind::Interrupted,
            format!("the passphrase of {what} was not given"),
        )),
        Err(error) => Err(Error::new(
            ErrorKind::OperatorNeeded,
            format!("the passphrase of {what} cannot be asked for"),
        )
        .because(error)
        .hint("run it on a terminal, or give --passphrase-file FILE or --passphrase-fd N")),
    }
}

fn first_line(file: File, path: &Path) -> Result<SecretString> {
    use std::io::Read;
    let mut line = Zeroizing::new(String::new());
    BufReader::new(file.take(LONGEST))
        .read_line(&mut line)
        .context(format!("cannot read a passphrase from {}", path.display()))?;
    let text = line.strip_suffix('\n').unwrap_or(&line);
    if text.is_empty() {
        return Err(Error::usage(format!(
            "{} holds no passphrase in its first line",
            path.display()
        )));
    }
    Ok(SecretString::from(text))
}
