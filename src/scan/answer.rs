//! What is answered: one word in capitals, one sentence, one count, a bell.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How it sounds; rendered at the edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bell {
    /// Once: go on.
    Good,
    /// Twice: look at the screen.
    Bad,
}

impl Bell {
    /// What makes a terminal ring.
    #[must_use]
    pub fn sound(self) -> &'static str {
        match self {
            Self::Good => "\x07",
            Self::Bad => "\x07\x07",
        }
    }
}

/// How far a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// Accepted.
    pub done: u32,
    /// Expected; nothing where that is hidden or not known.
    pub of: Option<u32>,
    /// Refused.
    pub wrong: u32,
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({}", self.done)?;
        if let Some(of) = self.of {
            write!(f, " of {of}")?;
        }
        if self.wrong > 0 {
            write!(f, ", {} wrong", self.wrong)?;
        }
        f.write_str(")")
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// One or two words in capitals.
    pub word: String,
    /// What is the matter, or what to do next.
    pub sentence: String,
    /// How far the task is, where there is one.
    #[serde(flatten)]
    pub count: Option<Count>,
    /// How it sounds.
    pub bell: Bell,
    /// What a question is about: barcodes with a word on each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub list: Vec<String>,
}

impl Answer {
    /// Go on.
    #[must_use]
    pub fn good(word: &str, sentence: impl Into<String>) -> Self {
        Self {
            word: word.to_owned(),
            sentence: sentence.into(),
            count: None,
            bell: Bell::Good,
            list: Vec::new(),
        }
    }

    /// Something is wrong.
    #[must_use]
    pub fn bad(word: &str, sentence: impl Into<String>) -> Self {
        Self {
            bell: Bell::Bad,
            ..Self::good(word, sentence)
        }
    }

    /// With a list below.
    #[must_use]
    pub fn with(mut self, list: Vec<String>) -> Self {
        self.list = list;
        self
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} - {}", self.word, self.sentence)?;
        if let Some(count) = &self.count {
            write!(f, " {count}")?;
        }
        self.list
            .iter()
            .try_for_each(|line| write!(f, "\n  {line}"))
    }
}
