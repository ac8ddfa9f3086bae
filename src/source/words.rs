//! Commands and variables as people type them.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::process::PATH;
use crate::catalogue::{CommandLine, Variable};
use crate::error::{Error, Result};

/// Whether a line is for a shell or is words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shell {
    /// `sh -c` gets it as it is.
    Sh,
    /// A program and its arguments, with quotes as in a shell and nothing else of one.
    None,
}

/// A command as it was typed: words, or a line for a shell.
///
/// # Errors
/// Usage: no word, a quote that is not closed, a NUL.
pub fn command_line(text: &str, shell: Shell) -> Result<CommandLine> {
    let wrong = |what: &str| Err(Error::usage(format!("the command \"{text}\" {what}")));
    if text.contains('\0') {
        return wrong("has a NUL in it");
    }
    if text.trim().is_empty() {
        return wrong("is empty");
    }
    if shell == Shell::Sh {
        return Ok(CommandLine::Shell(text.to_owned()));
    }
    match shlex::split(text) {
        Some(words) if words.first().is_some_and(|first| !first.is_empty()) => {
            Ok(CommandLine::Argv(words))
        }
        Some(_) => wrong("is empty"),
        None => wrong("has a quote that is not closed"),
    }
}

/// The program of a command can be run, as far as looking tells.
///
/// # Errors
/// Usage: it is in none of the folders that are looked in.
pub fn is_there(command: &CommandLine) -> Result<()> {
    let CommandLine::Argv(words) = command else {
        return Ok(());
    };
    let name = words.first().map_or("", String::as_str);
    let runs = |path: &Path| {
        std::fs::metadata(path)
            .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    };
    let found = if name.contains('/') {
        name.starts_with('/') && runs(Path::new(name))
    } else {
        PATH.split(':')
            .any(|folder| runs(&Path::new(folder).join(name)))
    };
    if found {
        return Ok(());
    }
    Err(
        Error::usage(format!("no program \"{name}\" can be run")).hint(format!(
            "give its whole path, or the name of one in {PATH}; --shell is for lines of a shell"
        )),
    )
}

/// `NAME=VALUE`, or `NAME` for the value the job itself has.
///
/// # Errors
/// Usage: no name of a variable, or one that the job sets.
pub fn variable(text: &str) -> Result<Variable> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (text, None),
    };
    let mut letters = name.chars();
    let is_name = letters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    if !is_name || text.contains('\0') {
        return Err(Error::usage(format!("\"{text}\" is no NAME=VALUE")));
    }
    if name.starts_with("TAPEWARD_") {
        return Err(Error::usage(format!("{name} is set by the job itself")));
    }
    Ok(Variable {
        name: name.to_owned(),
        value,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_taken_apart_and_a_line_for_a_shell_is_not() {
        let argv = |text| match command_line(text, Shell::None) {
            Ok(CommandLine::Argv(words)) => words,
            other => panic!("{other:?}"),
        };
        assert_eq!(argv("pg_dump -Fc 'my db'"), ["pg_dump", "-Fc", "my db"]);
        assert_eq!(argv("a $HOME | b"), ["a", "$HOME", "|", "b"]);
        let line = "zfs send tank@now | mbuffer";
        assert_eq!(
            command_line(line, Shell::Sh).unwrap(),
            CommandLine::Shell(line.to_owned())
        );
        for bad in ["", "  ", "a 'b", "''", "a\0b"] {
            command_line(bad, Shell::None).unwrap_err();
        }
    }

    #[test]
    fn programs_that_are_not_there_are_named() {
        is_there(&CommandLine::Argv(vec!["cat".to_owned()])).unwrap();
        is_there(&CommandLine::Argv(vec!["/bin/cat".to_owned()])).unwrap();
        for bad in ["no-such-program", "/etc/passwd", "bin/cat", "/bin"] {
            let error = is_there(&CommandLine::Argv(vec![bad.to_owned()])).unwrap_err();
            assert!(error.to_string().contains(bad), "{error}");
        }
    }

    #[test]
    fn variables_have_names() {
        let plain = variable("PGHOST=db=1").unwrap();
        assert_eq!(
            (plain.name.as_str(), plain.value.as_deref()),
            ("PGHOST", Some("db=1"))
        );
        assert_eq!(variable("PGPASSFILE").unwrap().value, None);
        for bad in ["", "=x", "1A=x", "A B=x", "TAPEWARD_SET=x", "A=\0"] {
            variable(bad).unwrap_err();
        }
    }
}
