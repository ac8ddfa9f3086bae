//! Which changer and drives a command means: its options, else the environment as other tape
//! programs know it (`CHANGER` of mtx(1), `TAPE` of mt(1) and tar(1)).

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::config::{ChangerConfig, DriveConfig, LibraryConfig, Reservations};
use crate::error::{Error, Result};
use crate::library::node::generic_node;

/// `CHANGER` and `TAPE`; unset and empty are the same.
#[derive(Debug, Default)]
pub(super) struct Environment {
    changer: Option<PathBuf>,
    tape: Option<PathBuf>,
}

impl Environment {
    /// Of this process.
    pub(super) fn of_this_process() -> Self {
        Self::new(std::env::var_os("CHANGER"), std::env::var_os("TAPE"))
    }

    fn new(changer: Option<OsString>, tape: Option<OsString>) -> Self {
        let path = |value: Option<OsString>| value.filter(|it| !it.is_empty()).map(PathBuf::from);
        Self {
            changer: path(changer),
            tape: path(tape),
        }
    }
}

/// A library for the configuration, and what to tell about where it comes from.
#[derive(Debug, Default)]
pub(super) struct Devices {
    pub(super) library: Option<LibraryConfig>,
    pub(super) remarks: Vec<String>,
}

/// Looks devices up, below `sys` in place of `/sys`.
///
/// # Errors
/// A usage error for a changer without a drive or the reverse, and for a node that cannot serve.
pub(super) fn choose(
    changer: Option<&Path>,
    drives: &[PathBuf],
    environment: &Environment,
    sys: &Path,
) -> Result<Devices> {
    let mut chosen = Devices::default();
    let asked = changer.is_some() || !drives.is_empty();
    let mut from = |name: &str, value: &Path, node: &Path| {
        let which = if value == node {
            String::new()
        } else {
            format!(" ({})", node.display())
        };
        chosen
            .remarks
            .push(format!("using {name}={}{which}", value.display()));
    };
    let changer = match (changer, &environment.changer) {
        (Some(given), _) => generic_node(given, sys)?,
        (None, Some(value)) => {
            let node = generic_node(value, sys).map_err(|error| named("CHANGER", &error))?;
            from("CHANGER", value, &node);
            node
        }
        (None, None) if asked => {
            return Err(Error::usage("a drive is named and no changer")
                .hint("name it with --changer or in the environment variable CHANGER"));
        }
        (None, None) => {
            if let Some(value) = &environment.tape {
                chosen.remarks.push(format!(
                    "TAPE={} is not used: no changer is named (--changer or CHANGER)",
                    value.display()
                ));
            }
            return Ok(chosen);
        }
    };
    let drives = match (drives, &environment.tape) {
        ([], Some(value)) => {
            let node = generic_node(value, sys).map_err(|error| named("TAPE", &error))?;
            from("TAPE", value, &node);
            vec![node]
        }
        ([], None) => {
            return Err(
                Error::usage(format!("changer {} has no drive", changer.display()))
                    .hint("name each with --drive, or one in the environment variable TAPE"),
            );
        }
        (given, _) => given
            .iter()
            .map(|device| generic_node(device, sys))
            .collect::<Result<_>>()?,
    };
    chosen.library = Some(LibraryConfig::Scsi {
        changer: ChangerConfig {
            device: Some(changer),
            ..ChangerConfig::default()
        },
        drive: drives
            .into_iter()
            .map(|device| DriveConfig {
                device: Some(device),
                ..DriveConfig::default()
            })
            .collect(),
        reservations: Reservations::default(),
        restore_drives: 0,
    });
    Ok(chosen)
}

/// The same error with the variable it is about.
fn named(variable: &str, error: &Error) -> Error {
    let again = Error::new(error.kind(), format!("{variable}: {error}"));
    match error.advice() {
        Some(advice) => again.hint(advice),
        None => again,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(changer: &str, tape: &str) -> Environment {
        Environment::new(Some(changer.into()), Some(tape.into()))
    }

    /// A host whose `sch0` is `sg3` and whose `nst0` is `sg1`.
    fn sys() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for node in [
            "class/scsi_changer/sch0/device/scsi_generic/sg3",
            "class/scsi_tape/nst0/device/scsi_generic/sg1",
        ] {
            std::fs::create_dir_all(folder.path().join(node)).unwrap();
        }
        folder
    }

    fn nodes(devices: &Devices) -> Vec<String> {
        match &devices.library {
            Some(LibraryConfig::Scsi { changer, drive, .. }) => std::iter::once(&changer.device)
                .chain(drive.iter().map(|drive| &drive.device))
                .flatten()
                .map(|path| path.display().to_string())
                .collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn the_environment_serves_where_nothing_is_given() {
        let sys = sys();
        let both = environment("/dev/sch0", "/dev/nst0");
        let chosen = choose(None, &[], &both, sys.path()).unwrap();
        assert_eq!(nodes(&chosen), ["/dev/sg3", "/dev/sg1"]);
        assert_eq!(
            chosen.remarks,
            [
                "using CHANGER=/dev/sch0 (/dev/sg3)",
                "using TAPE=/dev/nst0 (/dev/sg1)"
            ]
        );
        let changer = Path::new("/dev/sg7");
        let drives = [PathBuf::from("/dev/sg8"), PathBuf::from("/dev/sg9")];
        let chosen = choose(Some(changer), &drives, &both, sys.path()).unwrap();
        assert_eq!(nodes(&chosen), ["/dev/sg7", "/dev/sg8", "/dev/sg9"]);
        assert!(chosen.remarks.is_empty(), "{chosen:?}");
        let chosen = choose(None, &drives, &both, sys.path()).unwrap();
        assert_eq!(nodes(&chosen), ["/dev/sg3", "/dev/sg8", "/dev/sg9"]);
    }

    #[test]
    fn half_of_it_is_refused_or_said() {
        let sys = sys();
        let none = environment("", "");
        let chosen = choose(None, &[], &none, sys.path()).unwrap();
        assert!(chosen.library.is_none() && chosen.remarks.is_empty());
        let tape = environment("", "/dev/nst0");
        let chosen = choose(None, &[], &tape, sys.path()).unwrap();
        assert!(chosen.library.is_none());
        assert!(chosen.remarks[0].contains("TAPE=/dev/nst0 is not used"));
        let changer = environment("/dev/sg3", "");
        assert!(choose(None, &[], &changer, sys.path()).is_err());
        assert!(choose(None, &["/dev/sg1".into()], &none, sys.path()).is_err());
    }

    #[test]
    fn a_rewinding_node_is_refused_with_the_other_one_named() {
        let sys = sys();
        for (node, other) in [("/dev/st0", "/dev/nst0"), ("/dev/st12a", "/dev/nst12a")] {
            let rewinding = environment("/dev/sg3", node);
            let error = choose(None, &[], &rewinding, sys.path()).unwrap_err();
            assert!(error.to_string().starts_with("TAPE: "), "{error}");
            assert!(error.to_string().contains(node), "{error}");
            assert!(error.advice().unwrap().contains(other), "{error:?}");
        }
    }
}
