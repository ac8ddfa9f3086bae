//! Who may log in: CHAP with MD5 (RFC 1994; RFC 7143 clauses 9.2.1 and 12.1.3), and the file the
//! secrets stand in.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use md5::{Digest as _, Md5};
use thiserror::Error;

use super::text::{binary, hexadecimal, value};

/// CHAP_A of MD5.
const MD5: &str = "5";
/// Shorter secrets can be found by trying (RFC 7143 clause 9.2.1: 96 bits).
const MIN_SECRET_LENGTH: usize = 12;
const MAX_SECRET_LENGTH: usize = 255;
/// Longest CHAP_C (RFC 7143 clause 12.1.3), in bytes.
const MAX_CHALLENGE_LENGTH: usize = 1024;
/// Longest file of secrets read, in bytes.
const MAX_FILE_LENGTH: u64 = 64 << 10;

/// A shared secret; never shown.
#[derive(Clone, PartialEq, Eq)]
struct Secret(Vec<u8>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    /// MD5 over identifier, secret and challenge (RFC 1994 clause 4.1).
    fn response(&self, identifier: u8, challenge: &[u8]) -> [u8; 16] {
        let mut hash = Md5::new();
        hash.update([identifier]);
        hash.update(&self.0);
        hash.update(challenge);
        hash.finalize().into()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Credential {
    name: String,
    secret: Secret,
}

/// Names and secrets: of initiators that may log in, and of this target for those that ask it to
/// prove itself too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secrets {
    initiators: Vec<Credential>,
    target: Option<Credential>,
}

/// Why a file of secrets is not taken.
#[derive(Debug, Error)]
pub enum SecretsError {
    /// The file.
    #[error("{}: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Others could read it.
    #[error("{}: others than its owner may read it; allow only the owner (chmod 600)", .path.display())]
    Readable {
        /// The file.
        path: PathBuf,
    },
    /// A line.
    #[error("{}, line {line}: {what}", .path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong and what should be there.
        what: String,
    },
    /// Nobody could log in.
    #[error("{}: no line \"initiator NAME SECRET\"", .path.display())]
    NoInitiator {
        /// The file.
        path: PathBuf,
    },
}

impl Secrets {
    /// Reads lines `initiator NAME SECRET` and at most one `target NAME SECRET`; lines that are
    /// empty or begin with `#` are passed over. Nobody but the owner may be able to read the file.
    pub fn read(path: &Path) -> Result<Self, SecretsError> {
        let failed = |source| SecretsError::Io {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(failed)?;
        if file.metadata().map_err(failed)?.mode() & 0o077 != 0 {
            return Err(SecretsError::Readable {
                path: path.to_owned(),
            });
        }
        let mut text = String::new();
        file.take(MAX_FILE_LENGTH)
            .read_to_string(&mut text)
            .map_err(failed)?;
        Self::parse(path, &text)
    }

    fn parse(path: &Path, text: &str) -> Result<Self, SecretsError> {
        let mut secrets = Self {
            initiators: Vec::new(),
            target: None,
        };
        for (at, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            secrets.add(line).map_err(|what| SecretsError::Line {
                path: path.to_owned(),
                line: at + 1,
                what,
            })?;
        }
        if secrets.initiators.is_empty() {
            return Err(SecretsError::NoInitiator {
                path: path.to_owned(),
            });
        }
        Ok(secrets)
    }

    fn add(&mut self, line: &str) -> Result<(), String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [role, name, secret] = words[..] else {
            return Err("not \"initiator NAME SECRET\" or \"target NAME SECRET\"".to_owned());
        };
        if !(MIN_SECRET_LENGTH..=MAX_SECRET_LENGTH).contains(&secret.len()) {
            return Err(format!(
                "a secret has {MIN_SECRET_LENGTH} to {MAX_SECRET_LENGTH} characters"
            ));
        }
        let credential = Credential {
            name: name.to_owned(),
            secret: Secret(secret.into()),
        };
        let known = self.initiators.iter().chain(&self.target);
        if known.clone().any(|other| other.secret == credential.secret) {
            // Else one side could answer its own challenge (RFC 7143 clause 9.2.1).
            return Err("a secret that another line has too".to_owned());
        }
        match role {
            "initiator" if known.clone().any(|other| other.name == name) => {
                Err(format!("{name} stands twice"))
            }
            "initiator" => {
                self.initiators.push(credential);
                Ok(())
            }
            "target" if self.target.is_some() => Err("a second \"target\"".to_owned()),
            "target" => {
                self.target = Some(credential);
                Ok(())
            }
            other => Err(format!(
                "\"{other}\" is neither \"initiator\" nor \"target\""
            )),
        }
    }
}

/// Where the exchange is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// CHAP_A is to come.
    Algorithm,
    /// CHAP_N and CHAP_R are to come.
    Proof,
    Done,
}

/// This target's random part of one exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Challenge {
    pub(crate) identifier: u8,
    pub(crate) bytes: [u8; 16],
}

/// One exchange.
#[derive(Debug)]
pub(crate) struct Exchange {
    step: Step,
    ours: Challenge,
}

/// The initiator is not let in: what for, in the log only.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub(crate) struct Refused(pub(crate) &'static str);

impl Exchange {
    pub(crate) fn new(ours: Challenge) -> Self {
        Self {
            step: Step::Algorithm,
            ours,
        }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.step == Step::Done
    }

    /// Takes the initiator's keys; the keys that go back.
    pub(crate) fn step(
        &mut self,
        secrets: &Secrets,
        pairs: &[(String, String)],
    ) -> Result<Vec<(String, String)>, Refused> {
        match self.step {
            Step::Algorithm => self.offer(pairs),
            Step::Proof => self.check(secrets, pairs),
            Step::Done => Ok(Vec::new()),
        }
    }

    fn offer(&mut self, pairs: &[(String, String)]) -> Result<Vec<(String, String)>, Refused> {
        let Some(algorithms) = value(pairs, "CHAP_A") else {
            return Ok(Vec::new()); // AuthMethod was just chosen
        };
        if !algorithms.split(',').any(|algorithm| algorithm == MD5) {
            return Err(Refused("no CHAP algorithm in common"));
        }
        self.step = Step::Proof;
        Ok(vec![
            ("CHAP_A".to_owned(), MD5.to_owned()),
            ("CHAP_I".to_owned(), self.ours.identifier.to_string()),
            ("CHAP_C".to_owned(), hexadecimal(&self.ours.bytes)),
        ])
    }

    fn check(
        &mut self,
        secrets: &Secrets,
        pairs: &[(String, String)],
    ) -> Result<Vec<(String, String)>, Refused> {
        let name = value(pairs, "CHAP_N").ok_or(Refused("no CHAP_N"))?;
        let response = value(pairs, "CHAP_R")
            .and_then(binary)
            .ok_or(Refused("no CHAP_R"))?;
        let known = secrets.initiators.iter().find(|known| known.name == name);
        let known = known.ok_or(Refused("unknown CHAP name"))?;
        let expected = known
            .secret
            .response(self.ours.identifier, &self.ours.bytes);
        if !equal(&expected, &response) {
            return Err(Refused("wrong CHAP response"));
        }
        self.step = Step::Done;
        self.prove(secrets, pairs)
    }

    /// The target's own proof, where the initiator asks for it.
    fn prove(
        &self,
        secrets: &Secrets,
        pairs: &[(String, String)],
    ) -> Result<Vec<(String, String)>, Refused> {
        let identifier = value(pairs, "CHAP_I");
        let challenge = value(pairs, "CHAP_C");
        let (Some(identifier), Some(challenge)) = (identifier, challenge) else {
            return match identifier.or(challenge) {
                None => Ok(Vec::new()),
                Some(_) => Err(Refused("CHAP_I and CHAP_C go together")),
            };
        };
        let target = secrets.target.as_ref();
        let target = target.ok_or(Refused("this target has no secret to prove itself with"))?;
        let identifier = identifier.parse().map_err(|_| Refused("a wrong CHAP_I"))?;
        let challenge = binary(challenge)
            .filter(|bytes| (1..=MAX_CHALLENGE_LENGTH).contains(&bytes.len()))
            .ok_or(Refused("a wrong CHAP_C"))?;
        if challenge == self.ours.bytes {
            // RFC 7143 clause 9.2.1: a reflected challenge.
            return Err(Refused("this target's own challenge came back"));
        }
        let response = target.secret.response(identifier, &challenge);
        Ok(vec![
            ("CHAP_N".to_owned(), target.name.clone()),
            ("CHAP_R".to_owned(), hexadecimal(&response)),
        ])
    }
}

/// In the same time wherever they differ.
fn equal(expected: &[u8; 16], given: &[u8]) -> bool {
    expected.len() == given.len()
        && expected
            .iter()
            .zip(given)
            .fold(0, |differ, (one, other)| differ | (one ^ other))
            == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHALLENGE: Challenge = Challenge {
        identifier: 7,
        bytes: [0xa5; 16],
    };

    fn secrets() -> Secrets {
        let text = "# who may\ninitiator host wordwordword\n\ntarget library drowdrowdrow\n";
        Secrets::parse(Path::new("chap"), text).unwrap()
    }

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        list.iter().map(owned).collect()
    }

    /// `printf '\x07wordwordword' | cat - <(printf '\xa5%.0s' {1..16}) | md5sum` of coreutils 9.1.
    const PROOF: &str = "0xfac5a3169e71288f77dae37bc643e8c5";

    #[test]
    fn a_right_answer_is_let_in_and_a_wrong_one_is_not() {
        let mut exchange = Exchange::new(CHALLENGE);
        let asked = exchange.step(&secrets(), &pairs(&[("CHAP_A", "7,5")]));
        let challenge = format!("0x{}", "a5".repeat(16));
        let expected = [("CHAP_A", "5"), ("CHAP_I", "7"), ("CHAP_C", &challenge)];
        assert_eq!(asked.unwrap(), pairs(&expected));
        let wrong = pairs(&[
            ("CHAP_N", "host"),
            ("CHAP_R", &format!("0x{}", "00".repeat(16))),
        ]);
        assert!(exchange.step(&secrets(), &wrong).is_err());
        assert!(!exchange.is_done());
        let other = pairs(&[("CHAP_N", "library"), ("CHAP_R", PROOF)]);
        assert!(exchange.step(&secrets(), &other).is_err());
        let right = pairs(&[("CHAP_N", "host"), ("CHAP_R", PROOF)]);
        assert_eq!(exchange.step(&secrets(), &right), Ok(Vec::new()));
        assert!(exchange.is_done());
    }

    #[test]
    fn a_reflected_challenge_is_refused() {
        let mut exchange = Exchange::new(CHALLENGE);
        exchange
            .step(&secrets(), &pairs(&[("CHAP_A", "5")]))
            .unwrap();
        let reflected = format!("0x{}", "a5".repeat(16));
        let keys = [
            ("CHAP_N", "host"),
            ("CHAP_R", PROOF),
            ("CHAP_I", "7"),
            ("CHAP_C", &reflected),
        ];
        let refused = exchange.step(&secrets(), &pairs(&keys)).unwrap_err();
        assert_eq!(refused.0, "this target's own challenge came back");
    }

    #[test]
    fn a_wrong_line_is_named() {
        for (text, wrong) in [
            (
                "initiator host short",
                "chap, line 1: a secret has 12 to 255 characters",
            ),
            (
                "initiator a wordwordword\ntarget b wordwordword",
                "chap, line 2: a secret that another line has too",
            ),
            (
                "initiator a wordwordword\ninitiator a drowdrowdrow",
                "chap, line 2: a stands twice",
            ),
            (
                "\nguest a wordwordword",
                "chap, line 2: \"guest\" is neither \"initiator\" nor \"target\"",
            ),
            (
                "initiator only",
                "chap, line 1: not \"initiator NAME SECRET\" or \"target NAME SECRET\"",
            ),
            (
                "target library wordwordword",
                "chap: no line \"initiator NAME SECRET\"",
            ),
        ] {
            let error = Secrets::parse(Path::new("chap"), text).unwrap_err();
            assert_eq!(error.to_string(), wrong);
        }
    }
}
