//! Patterns over paths: `*` and `?` match any bytes, slashes too, `[...]` one of several.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use globset::{GlobBuilder, GlobMatcher};
use thiserror::Error;

/// What cannot be a pattern.
#[derive(Debug, Error)]
pub enum PatternError {
    /// The pattern language is over characters.
    #[error("\"{}\" is not UTF-8", .0.escape_ascii())]
    NotText(Vec<u8>),
    /// It does not follow the syntax.
    #[error("\"{pattern}\" is not a pattern")]
    Syntax {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        #[source]
        source: globset::Error,
    },
}

/// Bytes to look for in many paths.
#[derive(Debug, Clone)]
pub struct Text(memchr::memmem::Finder<'static>);

impl Text {
    /// Prepares looking for this.
    #[must_use]
    pub fn new(text: &[u8]) -> Self {
        Self(memchr::memmem::Finder::new(text).into_owned())
    }

    /// Whether it is in a path.
    #[must_use]
    pub fn is_in(&self, path: &[u8]) -> bool {
        self.0.find(path).is_some()
    }
}

/// A pattern that a whole path or its last name matches.
#[derive(Debug, Clone)]
pub struct Glob {
    shape: Shape,
}

/// Most patterns are of a shape for which there is a quicker test than the general one.
#[derive(Debug, Clone)]
enum Shape {
    /// `*text`
    EndsWith(Vec<u8>),
    /// `*text*`
    Contains(Text),
    General(GlobMatcher),
}

impl Glob {
    /// Whether this is a pattern and not a name.
    #[must_use]
    pub fn is_one(text: &[u8]) -> bool {
        text.iter().any(|byte| b"*?[".contains(byte))
    }

    /// Parses a pattern.
    ///
    /// # Errors
    /// [`PatternError`].
    pub fn new(pattern: &[u8]) -> Result<Self, PatternError> {
        if let Some(shape) = Shape::simple(pattern) {
            return Ok(Self { shape });
        }
        let text =
            std::str::from_utf8(pattern).map_err(|_| PatternError::NotText(pattern.to_vec()))?;
        let glob = GlobBuilder::new(text)
            .literal_separator(false)
            .build()
            .map_err(|source| PatternError::Syntax {
                pattern: text.to_owned(),
                source,
            })?;
        Ok(Self {
            shape: Shape::General(glob.compile_matcher()),
        })
    }

    /// Whether the path, or its last name alone, matches.
    #[must_use]
    pub fn is_match(&self, path: &[u8]) -> bool {
        match &self.shape {
            Shape::EndsWith(end) => path.ends_with(end),
            Shape::Contains(text) => text.is_in(path),
            Shape::General(glob) => {
                let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
                glob.is_match(OsStr::from_bytes(path)) || glob.is_match(OsStr::from_bytes(name))
            }
        }
    }

    /// Whether the path matches, or one of the directories it is in.
    #[must_use]
    pub fn is_match_or_below(&self, path: &[u8]) -> bool {
        let slashes = path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
        self.is_match(path)
            || slashes
                .into_iter()
                .any(|(at, _)| self.is_match(&path[..at]))
    }
}

impl Shape {
    fn simple(pattern: &[u8]) -> Option<Self> {
        let plain = |text: &[u8]| !text.iter().any(|byte| b"*?[]{}\\!".contains(byte));
        let rest = pattern.strip_prefix(b"*")?;
        if plain(rest) {
            return Some(Self::EndsWith(rest.to_vec()));
        }
        let text = rest.strip_suffix(b"*").filter(|text| plain(text))?;
        Some(Self::Contains(Text::new(text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn general(pattern: &str) -> GlobMatcher {
        let glob = GlobBuilder::new(pattern).literal_separator(false).build();
        glob.unwrap().compile_matcher()
    }

    proptest! {
        /// The quick tests say what the general one says.
        #[test]
        fn shapes_are_only_quicker(text in "[a./]{0,3}", path in "[a./]{0,6}", open: bool) {
            let pattern = format!("*{text}{}", if open { "*" } else { "" });
            let name = path.rsplit('/').next().unwrap();
            let wanted = general(&pattern).is_match(&path) || general(&pattern).is_match(name);
            prop_assert_eq!(Glob::new(pattern.as_bytes()).unwrap().is_match(path.as_bytes()), wanted);
        }
    }

    #[test]
    fn below_means_in_a_directory_that_matches() {
        let glob = Glob::new(b"led?er").unwrap();
        assert!(glob.is_match_or_below(b"x/ledger/2026/a"));
        assert!(!glob.is_match_or_below(b"x/ledgers/2026"));
        assert!(!glob.is_match(b"x/ledger/2026/a"));
    }

    #[test]
    fn what_is_no_pattern_is_told() {
        assert!(matches!(Glob::new(b"[a"), Err(PatternError::Syntax { .. })));
        assert!(matches!(Glob::new(b"?\xff"), Err(PatternError::NotText(_))));
        assert!(Glob::is_one(b"a?") && !Glob::is_one(b"a"));
    }
}
