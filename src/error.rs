//! One error for the edge of the program: what happened, where, what to do, and one exit code.

use std::fmt;

/// What an error means to whoever ran the command. The only place that knows exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// It did not work.
    Failed,
    /// The request itself makes no sense: arguments, configuration, unknown names.
    Usage,
    /// It worked, but some of the source could not be read or some attribute not be kept.
    Incomplete,
    /// Somebody else holds what is needed.
    Locked,
    /// A person must act before it can go on: empty a slot, bring a cartridge.
    OperatorNeeded,
    /// It is done, and exceptions are open that somebody has to explain.
    OpenExceptions,
    /// Stopped at a safe point because somebody asked.
    Interrupted,
}

impl ErrorKind {
    /// The process exit code.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Incomplete => 3,
            Self::Locked => 11,
            Self::OperatorNeeded => 20,
            Self::OpenExceptions => 21,
            Self::Interrupted => 130,
        }
    }

    /// The name programs see.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Usage => "usage",
            Self::Incomplete => "incomplete",
            Self::Locked => "locked",
            Self::OperatorNeeded => "operator-needed",
            Self::OpenExceptions => "open-exceptions",
            Self::Interrupted => "interrupted",
        }
    }
}

/// An error on its way to a person.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    what: String,
    hint: Option<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Result of everything at the edge.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of this kind; `what` is one sentence without a full stop.
    #[must_use]
    pub fn new(kind: ErrorKind, what: impl Into<String>) -> Self {
        Self {
            kind,
            what: what.into(),
            hint: None,
            source: None,
        }
    }

    /// Something did not work.
    #[must_use]
    pub fn failed(what: impl Into<String>) -> Self {
        Self::new(ErrorKind::Failed, what)
    }

    /// The request makes no sense.
    #[must_use]
    pub fn usage(what: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, what)
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the cause.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What it means.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What to do, if there is anything to say.
    #[must_use]
    pub fn advice(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        let mut said = self.what.clone();
        let mut cause = self
            .source
            .as_deref()
            .map(|source| source as &(dyn std::error::Error + 'static));
        while let Some(error) = cause {
            let text = error.to_string();
            // Wrapped errors often repeat their source; say each thing once.
            if !said.contains(&text) {
                write!(f, ": {text}")?;
                said.push_str(&text);
            }
            cause = error.source();
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn std::error::Error + 'static))
    }
}

/// Adds context to errors of libraries.
pub trait Context<T> {
    /// Turns the error into [`Error::failed`] with this sentence before it.
    fn context(self, what: impl Into<String>) -> Result<T>;
}

impl<T, E> Context<T> for std::result::Result<T, E>
where
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    fn context(self, what: impl Into<String>) -> Result<T> {
        self.map_err(|source| Error::failed(what).because(source))
    }
}

impl From<crate::catalogue::CatalogueError> for Error {
    fn from(error: crate::catalogue::CatalogueError) -> Self {
        use crate::catalogue::CatalogueError as E;
        let kind = match &error {
            E::NotFound { .. } | E::Exists { .. } => ErrorKind::Usage,
            E::Busy { .. } => ErrorKind::Locked,
            _ => ErrorKind::Failed,
        };
        let list = match &error {
            E::NotFound { noun, .. } | E::Exists { noun, .. } => list_of(*noun),
            _ => None,
        };
        let error = Self::new(kind, error.to_string());
        match list {
            Some(command) => error.hint(format!("\"{command}\" shows all of them")),
            None => error,
        }
    }
}

/// The command that shows what there is of a kind.
fn list_of(noun: crate::catalogue::Noun) -> Option<&'static str> {
    use crate::catalogue::Noun;
    match noun {
        Noun::Run => Some("tapeward job list"),
        Noun::Cartridge => Some("tapeward media list"),
        Noun::SetDefinition | Noun::BackupSet => Some("tapeward set list"),
        Noun::Key => Some("tapeward key list"),
        _ => None,
    }
}

impl From<crate::id::IdError> for Error {
    fn from(error: crate::id::IdError) -> Self {
        Self::usage(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_each_cause_once() {
        let inner = std::io::Error::other("disk on fire");
        let error = Error::failed("cannot write index").because(inner);
        assert_eq!(error.to_string(), "cannot write index: disk on fire");
        let outer = Error::failed("run stopped: cannot write index: disk on fire").because(error);
        assert_eq!(
            outer.to_string(),
            "run stopped: cannot write index: disk on fire"
        );
    }
}
