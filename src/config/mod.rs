//! The configuration file: TOML, unknown keys refused with line and column.

pub mod edit;
mod library;
mod places;
mod pool;
mod rotation;

use std::collections::BTreeMap;
use std::path::Path;

use bytesize::ByteSize;
use serde::{Deserialize, Serialize};

use crate::error::{Context, Error, Result};
use crate::id::{CarrierCode, PlaceCode, SiteCode};
use crate::source::SourceConfig;
use crate::tape::BlockSize;

pub use library::{
    ChangerConfig, DeviceName, DevicePath, DriveConfig, LibraryConfig, Reservations,
};
pub use places::{CarrierConfig, FireRating, PlaceConfig, SiteConfig};
pub use pool::{Collocate, LIBRARY, PoolConfig};
pub use rotation::RotationConfig;

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
    /// Pools by name; one that is only named elsewhere has the defaults.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pool: BTreeMap<String, PoolConfig>,
    /// Sites by code.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub site: BTreeMap<SiteCode, SiteConfig>,
    /// Safes, shelves, vaults and other places by code.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub place: BTreeMap<PlaceCode, PlaceConfig>,
    /// Carriers by code.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub carrier: BTreeMap<CarrierCode, CarrierConfig>,
    /// Planning rotation.
    #[serde(default)]
    pub rotation: RotationConfig,
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
    /// Destroying media.
    #[serde(default)]
    pub disposal: DisposalConfig,
    /// Reading back what lies on tapes.
    #[serde(default)]
    pub scrub: ScrubConfig,
}

/// The monthly job.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct MonthlyConfig {
    /// The pool of each copy, in order: as many copies as names.
    pub copies: Vec<String>,
    /// How long a monthly full is kept, in days, unless its pool or the set says otherwise.
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
    /// Size of a tape block, unless the pool says otherwise.
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

/// Destroying media.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct DisposalConfig {
    /// The role of whoever agrees to a disposal.
    pub approver_role: String,
}

impl Default for DisposalConfig {
    fn default() -> Self {
        Self {
            approver_role: "approver".to_owned(),
        }
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

/// Reading back what lies on tapes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct ScrubConfig {
    /// Days after which what is on a volume should be read back again.
    pub every_days: u32,
    /// Hours a month that drives may be used for it.
    pub hours_per_month: u32,
}

impl Default for ScrubConfig {
    fn default() -> Self {
        Self {
            every_days: 365,
            hours_per_month: 48,
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
        library::check_devices(&self.library).or_else(wrong)?;
        self.check_pools().or_else(wrong)?;
        self.check_places().or_else(wrong)?;
        check_block_size("stream.block-size", self.stream.block_size).or_else(wrong)?;
        let block = self.stream.block_size.as_u64();
        if self.stream.segment_size.as_u64() < block {
            return wrong("stream.segment-size is smaller than stream.block-size".to_owned());
        }
        if self.stream.ring_size.as_u64() < 4 * block {
            return wrong("stream.ring-size must hold at least four blocks".to_owned());
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

fn check_block_size(what: &str, size: ByteSize) -> std::result::Result<(), String> {
    BlockSize::new(size.as_u64()).map(|_| ()).map_err(|_| {
        format!("{what} is {size}, it must be a multiple of 1 KiB from 1 KiB to 8 MiB")
    })
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
    fn a_pool_has_what_its_section_says_and_else_what_all_have() {
        let config = parse(
            "[monthly]\nretention-days = 90\n[stream]\nblock-size = \"64KiB\"\n\
             [pool.films]\nblock-size = \"1MiB\"\nretention-days = 7\n\
             collocate = [\"agency\", \"retention\"]\nkeys = [\"site\"]\n",
        )
        .unwrap();
        let (films, onsite) = ("films".parse().unwrap(), "onsite".parse().unwrap());
        assert_eq!(config.block_size(&films).unwrap().bytes(), 1 << 20);
        assert_eq!(config.block_size(&onsite).unwrap().bytes(), 64 << 10);
        assert_eq!(config.largest_block().unwrap().bytes(), 1 << 20);
        assert_eq!(config.retention_days(&films), 7);
        assert_eq!(config.retention_days(&onsite), 90);
        let agree = [Collocate::Agency, Collocate::Retention];
        assert_eq!(config.pool(&films).collocate, agree);
        assert_eq!(config.pool(&onsite), PoolConfig::default());
        assert_eq!(parse(&config.to_toml().unwrap()).unwrap(), config);
    }

    #[test]
    fn sizes_out_of_range_are_refused() {
        assert!(parse("[stream]\nblock-size = \"1000\"\n").is_err());
        assert!(parse("[stream]\nring-size = \"64KiB\"\n").is_err());
        assert!(parse("[pool.a]\nblock-size = \"1000\"\n").is_err());
        assert!(parse("[pool.a]\nblock-size = \"16MiB\"\n").is_err());
        assert!(parse("[pool.a]\nretention-days = 0\n").is_err());
        assert!(parse("[pool.a]\ncollocate = [\"colour\"]\n").is_err());
        assert!(parse("[pool.a]\ncollocate = [\"hold\", \"hold\"]\n").is_err());
        assert!(parse("[pool.a]\nplace = \"nowhere\"\n").is_err());
        assert!(parse("[pool.a]\nplace = \"library\"\n").is_ok());
        assert!(parse("[pool.\" a\"]\n").is_err());
        let small = "[stream]\nring-size = \"2MiB\"\n[pool.a]\nblock-size = \"1MiB\"\n";
        let error = parse(small).unwrap_err().to_string();
        assert!(error.contains("pool.a.block-size"), "{error}");
        assert!(parse("[monthly]\ncopies = []\n").is_err());
        assert!(parse("[monthly]\ncopies = [\"a\", \"a\"]\n").is_err());
    }
}
