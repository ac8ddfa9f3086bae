//! The configuration file: TOML, unknown keys refused with line and column.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use bytesize::ByteSize;
use serde::{Deserialize, Serialize};

use crate::error::{Context, Error, Result};
use crate::source::SourceConfig;

/// Name of the file in the state folder.
pub const FILE_NAME: &str = "config.toml";

/// Everything a site decides.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// Tape libraries by name.
    #[serde(default)]
    pub library: BTreeMap<String, LibraryConfig>,
    /// The monthly job.
    #[serde(default)]
    pub monthly: MonthlyConfig,
    /// How data is streamed to tape.
    #[serde(default)]
    pub stream: StreamConfig,
    /// Sources that are commands, and commands around sources.
    #[serde(default)]
    pub source: SourceConfig,
    /// Keys.
    #[serde(default)]
    pub key: KeyConfig,
    /// The recovery kit.
    #[serde(default)]
    pub kit: KitConfig,
}

/// One tape library.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", tag = "kind")]
pub enum LibraryConfig {
    /// A virtual library in a folder, served by a process of its own.
    #[serde(rename_all = "kebab-case")]
    Virtual {
        /// The folder; relative paths start at the state folder.
        path: PathBuf,
        /// Whether drives are reserved while they are held.
        #[serde(default, skip_serializing_if = "Reservations::is_usual")]
        reservations: Reservations,
        /// Drives that jobs leave to restores, as long as another one works.
        #[serde(default, skip_serializing_if = "is_none_of_them")]
        restore_drives: u16,
    },
    /// A real library.
    #[serde(rename_all = "kebab-case")]
    Scsi {
        /// The medium changer.
        changer: ChangerConfig,
        /// The drives.
        #[serde(default)]
        drive: Vec<DriveConfig>,
        /// Whether drives are reserved while they are held.
        #[serde(default, skip_serializing_if = "Reservations::is_usual")]
        reservations: Reservations,
        /// Drives that jobs leave to restores, as long as another one works.
        #[serde(default, skip_serializing_if = "is_none_of_them")]
        restore_drives: u16,
    },
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde hands over a reference
fn is_none_of_them(number: &u16) -> bool {
    *number == 0
}

impl LibraryConfig {
    /// Drives that jobs leave to restores, as long as another one works.
    #[must_use]
    pub fn restore_drives(&self) -> u16 {
        match self {
            Self::Virtual { restore_drives, .. } | Self::Scsi { restore_drives, .. } => {
                *restore_drives
            }
        }
    }

    /// Whether drives are reserved while they are held.
    #[must_use]
    pub fn reservations(&self) -> Reservations {
        match self {
            Self::Virtual { reservations, .. } | Self::Scsi { reservations, .. } => *reservations,
        }
    }
}

/// Whether a drive is kept from other hosts while it is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reservations {
    /// By a persistent reservation, where the drive has them.
    #[default]
    Persistent,
    /// Not: other programs of this host use the drives by another path, for example.
    Off,
}

impl Reservations {
    #[allow(clippy::trivially_copy_pass_by_ref)] // serde hands over a reference
    fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

/// The medium changer of a real library: `serial`, or `device` for one that has none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ChangerConfig {
    /// Unit serial number; its node is looked for whenever it is opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// A node, or a link that names the device for good: `/dev/tape/by-id/...`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<PathBuf>,
    /// How it is reached; by SCSI commands unless `device` is the kernel's own node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<DevicePath>,
}

/// One drive of a real library: `serial`, or `device` for one that has none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DriveConfig {
    /// Unit serial number; its node is looked for whenever it is opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// A node, or a link that names the device for good: `/dev/tape/by-id/...`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<PathBuf>,
    /// How it is reached; by SCSI commands unless `device` is the kernel's own node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<DevicePath>,
    /// Element address of the drive's place in the library; found out when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub element: Option<u16>,
}

/// How a device is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DevicePath {
    /// SCSI commands through `/dev/sgN`: everything the device can do.
    Sg,
    /// The kernel's own driver, `/dev/nstN` or `/dev/schN`: without block protection, early
    /// warning where asked for, cartridge memory and sense data.
    Kernel,
}

/// What a device is known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DeviceName<'a> {
    /// Unit serial number.
    Serial(&'a str),
    /// A node or a link to one.
    Node(&'a Path),
}

impl fmt::Display for DeviceName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Serial(serial) => write!(f, "serial {serial}"),
            Self::Node(path) => path.display().fmt(f),
        }
    }
}

fn device_name<'a>(
    serial: Option<&'a str>,
    device: Option<&'a Path>,
) -> std::result::Result<DeviceName<'a>, &'static str> {
    match (serial, device) {
        (Some(serial), None) if !serial.trim().is_empty() => Ok(DeviceName::Serial(serial)),
        (None, Some(device)) => Ok(DeviceName::Node(device)),
        (Some(_), None) => Err("has an empty serial"),
        (Some(_), Some(_)) => Err("has both serial and device; one of them names it"),
        (None, None) => Err("has no serial"),
    }
}

impl ChangerConfig {
    /// What it is known by.
    ///
    /// # Errors
    /// What is wrong, for a sentence that begins with the device.
    pub fn name(&self) -> std::result::Result<DeviceName<'_>, &'static str> {
        device_name(self.serial.as_deref(), self.device.as_deref())
    }
}

impl DriveConfig {
    /// What it is known by.
    ///
    /// # Errors
    /// What is wrong, for a sentence that begins with the device.
    pub fn name(&self) -> std::result::Result<DeviceName<'_>, &'static str> {
        device_name(self.serial.as_deref(), self.device.as_deref())
    }
}

/// The monthly job.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct MonthlyConfig {
    /// The pool of each copy, in order: as many copies as names.
    pub copies: Vec<String>,
    /// How long a monthly full is kept, in days.
    pub retention_days: u32,
    /// Read every copy back after writing.
    pub verify: bool,
    /// Move written cartridges to import/export elements at the end.
    pub eject: bool,
}

impl Default for MonthlyConfig {
    fn default() -> Self {
        Self {
            copies: vec!["onsite".to_owned(), "offsite".to_owned()],
            retention_days: 365,
            verify: true,
            eject: true,
        }
    }
}

/// How data is streamed to tape.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct StreamConfig {
    /// Largest segment; a segment never exceeds 1/64 of the cartridge or 999,999 blocks either.
    pub segment_size: ByteSize,
    /// Size of a tape block.
    pub block_size: ByteSize,
    /// Memory between the source and each drive, at most 1/64 of the cartridge. A drive starts when
    /// three quarters of it are full.
    pub ring_size: ByteSize,
    /// Seconds a copy may stand still, or wait for its next cartridge, while another one could go
    /// on; then it is left behind and completed from tape to tape.
    pub slow_copy_seconds: u32,
}

/// Keys.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct KeyConfig {
    /// Days after which a volume from which nothing was decrypted is named by `key audit`.
    pub proof_days: u32,
}

impl Default for KeyConfig {
    fn default() -> Self {
        Self { proof_days: 365 }
    }
}

/// The recovery kit.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct KitConfig {
    /// Days for which a printed kit is good if nothing changes.
    pub valid_days: u32,
    /// Lines for the kit: who is called, in what role, how.
    pub contacts: Vec<String>,
}

impl Default for KitConfig {
    fn default() -> Self {
        Self {
            valid_days: 92,
            contacts: Vec::new(),
        }
    }
}

impl Default for StreamConfig {
    fn default() -> Self {
        Self {
            segment_size: ByteSize::gib(32),
            block_size: ByteSize::kib(256),
            ring_size: ByteSize::gib(1),
            // Unloading, a robot that serves another drive first, loading and labelling.
            slow_copy_seconds: 15 * 60,
        }
    }
}

impl Config {
    /// Reads and checks the file.
    ///
    /// # Errors
    /// Usage errors name file, line and column.
    pub fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|source| {
            let missing = source.kind() == std::io::ErrorKind::NotFound;
            let error = Error::usage(format!("cannot read {}", path.display())).because(source);
            if missing {
                error.hint("run \"tapeward init\" or name the state folder with --state")
            } else {
                error
            }
        })?;
        Self::parse(&text, path)
    }

    /// Parses and checks the text of the file; `path` is for messages.
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        let config: Self = toml::from_str(text).map_err(|error| parse_error(&error, text, path))?;
        config.check(path)?;
        Ok(config)
    }

    /// Renders the configuration with defaults spelled out.
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string_pretty(self).context("cannot render the configuration")
    }

    fn check(&self, path: &Path) -> Result<()> {
        let wrong = |what: String| Err(Error::usage(format!("{}: {what}", path.display())));
        if self.monthly.copies.is_empty() || self.monthly.copies.len() > 9 {
            return wrong("monthly.copies needs 1 to 9 pools, one for each copy".to_owned());
        }
        for (index, pool) in self.monthly.copies.iter().enumerate() {
            if self.monthly.copies[..index].contains(pool) {
                return wrong(format!("monthly.copies names the pool \"{pool}\" twice"));
            }
        }
        self.check_devices().or_else(wrong)?;
        let block = self.stream.block_size.as_u64();
        if !(1024..=8 << 20).contains(&block) || !block.is_multiple_of(1024) {
            return wrong(format!(
                "stream.block-size is {}, it must be a multiple of 1 KiB from 1 KiB to 8 MiB",
                self.stream.block_size
            ));
        }
        if self.stream.segment_size.as_u64() < block {
            return wrong("stream.segment-size is smaller than stream.block-size".to_owned());
        }
        if self.stream.ring_size.as_u64() < 4 * block {
            return wrong("stream.ring-size must hold at least four blocks".to_owned());
        }
        Ok(())
    }

    /// Every device is known by one thing, and no drive or robot is in two places.
    fn check_devices(&self) -> std::result::Result<(), String> {
        let mut seen: Vec<(DeviceName<'_>, String)> = Vec::new();
        for (library, config) in &self.library {
            let LibraryConfig::Scsi { changer, drive, .. } = config else {
                continue;
            };
            let changer = (format!("library.{library}.changer"), changer.name());
            let drives = drive.iter().enumerate().map(|(at, drive)| {
                let place = format!("drive {} of library.{library}", at + 1);
                (place, drive.name())
            });
            for (place, name) in std::iter::once(changer).chain(drives) {
                let name = name.map_err(|what| format!("{place} {what}"))?;
                if let Some((_, other)) = seen.iter().find(|(known, _)| *known == name) {
                    return Err(format!("{other} and {place} are the same ({name})"));
                }
                seen.push((name, place));
            }
            let elements: Vec<u16> = drive.iter().filter_map(|one| one.element).collect();
            if let Some(twice) = elements
                .iter()
                .enumerate()
                .find_map(|(at, one)| elements[..at].contains(one).then_some(one))
            {
                return Err(format!(
                    "two drives of library.{library} are in element {twice}"
                ));
            }
        }
        Ok(())
    }

    /// The library of this name, or the only one when none is named.
    pub fn library<'a>(&'a self, name: Option<&'a str>) -> Result<(&'a str, &'a LibraryConfig)> {
        let names = || {
            self.library
                .keys()
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join(", ")
        };
        match name {
            Some(name) => self
                .library
                .get(name)
                .map(|library| (name, library))
                .ok_or_else(|| {
                    Error::usage(format!("no library is called \"{name}\""))
                        .hint(format!("configured: {}", names()))
                }),
            None if self.library.len() > 1 => Err(Error::usage("several libraries are configured")
                .hint(format!("choose one with --library: {}", names()))),
            None => self
                .library
                .iter()
                .next()
                .map(|(name, library)| (name.as_str(), library))
                .ok_or_else(|| {
                    Error::usage("no library is configured")
                        .hint("add a [library.NAME] section to config.toml, or run \"tapeward init --virtual\"")
                }),
        }
    }
}

fn parse_error(error: &toml::de::Error, text: &str, path: &Path) -> Error {
    let at = error.span().map_or_else(String::new, |span| {
        let before = &text[..span.start.min(text.len())];
        let line = before.matches('\n').count() + 1;
        let column = before
            .rsplit('\n')
            .next()
            .map_or(0, |last| last.chars().count())
            + 1;
        format!(":{line}:{column}")
    });
    Error::usage(format!("{}{at}: {}", path.display(), error.message()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config> {
        Config::parse(text, Path::new("config.toml"))
    }

    #[test]
    fn an_unknown_key_is_named_with_line_and_column() {
        let error = parse("[stream]\nblock-size = \"256KiB\"\nring-sise = \"1GiB\"\n")
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("config.toml:3:1: "), "{error}");
        assert!(error.contains("ring-sise"), "{error}");
    }

    #[test]
    fn an_empty_file_is_all_defaults() {
        let config = parse("").unwrap();
        assert_eq!(config.monthly.copies, ["onsite", "offsite"]);
        assert_eq!(config.stream.block_size, ByteSize::kib(256));
        assert!(config.library(None).is_err());
    }

    #[test]
    fn what_is_rendered_parses_to_the_same() {
        let text = "[library.a]\nkind = \"virtual\"\npath = \"lib\"\n\
                    [library.b]\nkind = \"scsi\"\nchanger = { serial = \"R1\" }\n\
                    drive = [{ device = \"/dev/sg1\", path = \"kernel\", element = 256 }]\n";
        let config = parse(text).unwrap();
        assert_eq!(parse(&config.to_toml().unwrap()).unwrap(), config);
        assert!(config.library(None).is_err());
        assert_eq!(config.library(Some("a")).unwrap().0, "a");
    }

    #[test]
    fn devices_are_named_by_one_thing_each_and_once() {
        let library = |name: &str, rest: &str| {
            format!(
                "[library.{name}]\nkind = \"scsi\"\nchanger = {{ serial = \"R{name}\" }}\n{rest}\n"
            )
        };
        let refused = |text: &str, what: &str| {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(what), "{error}");
        };
        refused(
            &library("a", "drive = [{ element = 1 }]"),
            "drive 1 of library.a has no serial",
        );
        refused(
            &library("a", "drive = [{ serial = \"D\", device = \"/dev/sg1\" }]"),
            "has both serial and device",
        );
        refused(
            &library("a", "drive = [{ serial = \" \" }]"),
            "has an empty serial",
        );
        refused(
            &library("a", "drive = [{ serial = \"D\" }, { serial = \"D\" }]"),
            "drive 1 of library.a and drive 2 of library.a are the same (serial D)",
        );
        refused(
            &(library("a", "drive = [{ serial = \"D\" }]")
                + &library("b", "drive = [{ serial = \"D\" }]")),
            "drive 1 of library.a and drive 1 of library.b are the same",
        );
        refused(
            &library(
                "a",
                "drive = [{ serial = \"D\", element = 1 }, { serial = \"E\", element = 1 }]",
            ),
            "two drives of library.a are in element 1",
        );
        refused(
            &library("a", "drive = [{ serial = \"D\", path = \"fast\" }]"),
            "fast",
        );
        assert!(parse(&library("a", "")).is_ok());
    }

    #[test]
    fn sizes_out_of_range_are_refused() {
        assert!(parse("[stream]\nblock-size = \"1000\"\n").is_err());
        assert!(parse("[stream]\nring-size = \"64KiB\"\n").is_err());
        assert!(parse("[monthly]\ncopies = []\n").is_err());
        assert!(parse("[monthly]\ncopies = [\"a\", \"a\"]\n").is_err());
    }
}
