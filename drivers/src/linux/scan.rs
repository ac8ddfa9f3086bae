//! Which device nodes belong to one SCSI device, as the kernel's sysfs tells it.
//!
//! A tape drive has a SCSI generic node (`sg`) and tape nodes (`st`), a medium changer a SCSI
//! generic node and a changer node (`sch`); all of them name the same logical unit by host,
//! channel, target and LUN. Their numbers say nothing: they are given in the order in which
//! devices appear.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::bytes::ascii;
use crate::spc::designator::Designator;
use crate::spc::vpd;

/// Where sysfs and device nodes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roots {
    /// sysfs, `/sys` on a real machine.
    pub sysfs: PathBuf,
    /// Device nodes, `/dev` on a real machine.
    pub devices: PathBuf,
}

impl Default for Roots {
    fn default() -> Self {
        Self {
            sysfs: PathBuf::from("/sys"),
            devices: PathBuf::from("/dev"),
        }
    }
}

/// Host, channel, target and LUN: where a logical unit is attached to this machine just now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScsiAddress {
    /// Number of the host adapter.
    pub host: u32,
    /// Channel of the adapter.
    pub channel: u32,
    /// Target on the channel.
    pub target: u32,
    /// Logical unit of the target.
    pub lun: u64,
}

impl ScsiAddress {
    /// From the name of a folder in sysfs, `0:0:1:0`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let mut parts = name.split(':');
        let address = Self {
            host: parts.next()?.parse().ok()?,
            channel: parts.next()?.parse().ok()?,
            target: parts.next()?.parse().ok()?,
            lun: parts.next()?.parse().ok()?,
        };
        parts.next().is_none().then_some(address)
    }
}

impl fmt::Display for ScsiAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            host,
            channel,
            target,
            lun,
        } = self;
        f.pad(&format!("{host}:{channel}:{target}:{lun}"))
    }
}

impl Serialize for ScsiAddress {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What a device of a tape library is (SPC-5, PERIPHERAL DEVICE TYPE 01h and 08h).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceKind {
    /// A tape drive.
    TapeDrive,
    /// A medium changer.
    MediumChanger,
}

impl fmt::Display for DeviceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::TapeDrive => "tape drive",
            Self::MediumChanger => "medium changer",
        })
    }
}

/// One logical unit with all its nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScsiDevice {
    /// Where it is attached.
    pub address: ScsiAddress,
    /// What it is.
    pub kind: DeviceKind,
    /// Vendor identification of its standard INQUIRY data.
    pub vendor: String,
    /// Product identification.
    pub product: String,
    /// Firmware level.
    pub revision: String,
    /// SCSI generic node, `/dev/sgN`; absent when the kernel's `sg` driver is not loaded.
    pub generic: Option<PathBuf>,
    /// Non-rewinding tape node, `/dev/nstN`; absent without the `st` driver.
    pub tape: Option<PathBuf>,
    /// Changer node, `/dev/schN`; absent without the `ch` driver.
    pub changer: Option<PathBuf>,
    /// Unit serial number (VPD page 80h) as the kernel read it when the device appeared; absent
    /// on kernels and devices where it does not.
    pub serial: Option<String>,
    /// Designators (VPD page 83h), likewise.
    #[serde(skip)]
    pub designators: Vec<Designator>,
}

impl ScsiDevice {
    /// The kernel's own node for it: tape node or changer node.
    #[must_use]
    pub fn kernel_node(&self) -> Option<&Path> {
        match self.kind {
            DeviceKind::TapeDrive => self.tape.as_deref(),
            DeviceKind::MediumChanger => self.changer.as_deref(),
        }
    }

    /// Whether this is one of its nodes, or a link to one; rewinding and other variants of the
    /// tape node count.
    #[must_use]
    pub fn has_node(&self, path: &Path) -> bool {
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let path = match NodeKind::of(&path) {
            NodeKind::Tape { node } | NodeKind::RewindingTape { instead: node } => node,
            _ => path,
        };
        [&self.generic, &self.tape, &self.changer]
            .into_iter()
            .flatten()
            .any(|node| fs::canonicalize(node).unwrap_or_else(|_| node.clone()) == path)
    }
}

/// Kind of a device node by its name, links resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeKind {
    /// `sgN`
    Generic,
    /// `nstN`, `nstNl`, `nstNm`, `nstNa`.
    Tape {
        /// The plain non-rewinding node.
        node: PathBuf,
    },
    /// `stN` and its variants: the tape is rewound when the node is closed.
    RewindingTape {
        /// The node to use instead.
        instead: PathBuf,
    },
    /// `schN`
    Changer,
    /// Anything else.
    Other,
}

impl NodeKind {
    /// Kind of this node; the node need not exist.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            return Self::Other;
        };
        if number_behind(name, "sg").is_some() {
            return Self::Generic;
        }
        if number_behind(name, "sch").is_some() {
            return Self::Changer;
        }
        // l, m and a are the other three modes of the st driver.
        let plain = name.strip_suffix(['l', 'm', 'a']).unwrap_or(name);
        if number_behind(plain, "nst").is_some() {
            let node = path.with_file_name(plain);
            return Self::Tape { node };
        }
        if number_behind(plain, "st").is_some() {
            let instead = path.with_file_name(format!("n{plain}"));
            return Self::RewindingTape { instead };
        }
        Self::Other
    }
}

fn number_behind(name: &str, prefix: &str) -> Option<u32> {
    name.strip_prefix(prefix)?
        .parse()
        .ok()
        .filter(|_| name.ends_with(|c: char| c.is_ascii_digit()))
}

/// All tape drives and medium changers of this machine, ordered by address. A device that goes
/// away meanwhile is left out.
///
/// # Errors
/// sysfs itself can't be read.
pub fn scan(roots: &Roots) -> io::Result<Vec<ScsiDevice>> {
    let mut found: Vec<ScsiDevice> = Vec::new();
    for class in ["scsi_generic", "scsi_tape", "scsi_changer"] {
        for (name, folder) in entries(&roots.sysfs.join("class").join(class))? {
            let Some(device) = device_folder(&folder) else {
                continue;
            };
            let Some(address) = file_name(&device).and_then(ScsiAddress::parse) else {
                continue;
            };
            let at = match found.iter().position(|known| known.address == address) {
                Some(at) => at,
                None => match read_device(&device, address) {
                    Some(read) => {
                        found.push(read);
                        found.len() - 1
                    }
                    None => continue,
                },
            };
            note_node(&mut found[at], &name, &roots.devices);
        }
    }
    found.sort_by_key(|device| device.address);
    Ok(found)
}

/// The entries of a class folder; none where the driver is not loaded.
fn entries(class: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let folder = match fs::read_dir(class) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let mut all = Vec::new();
    for entry in folder {
        let entry = entry?;
        if let Ok(name) = entry.file_name().into_string() {
            all.push((name, entry.path()));
        }
    }
    all.sort();
    Ok(all)
}

fn device_folder(node: &Path) -> Option<PathBuf> {
    fs::canonicalize(node.join("device")).ok()
}

fn file_name(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()
}

fn note_node(device: &mut ScsiDevice, name: &str, devices: &Path) {
    let node = devices.join(name);
    if number_behind(name, "sg").is_some() {
        device.generic = Some(node);
    } else if number_behind(name, "nst").is_some() {
        device.tape = Some(node);
    } else if number_behind(name, "sch").is_some() {
        device.changer = Some(node);
    }
}

/// What the folder of a tape drive or medium changer says; `None` for other devices and when the
/// folder goes away.
fn read_device(folder: &Path, address: ScsiAddress) -> Option<ScsiDevice> {
    let text = |name: &str| {
        Some(
            fs::read_to_string(folder.join(name))
                .ok()?
                .trim()
                .to_owned(),
        )
    };
    let kind = match text("type")?.as_str() {
        "1" => DeviceKind::TapeDrive,
        "8" => DeviceKind::MediumChanger,
        _ => return None,
    };
    let page = |name: &str, code: u8| {
        let raw = fs::read(folder.join(name)).ok()?;
        vpd::page_body(code, &raw).map(<[u8]>::to_vec)
    };
    Some(ScsiDevice {
        address,
        kind,
        vendor: text("vendor")?,
        product: text("model")?,
        revision: text("rev")?,
        generic: None,
        tape: None,
        changer: None,
        serial: page("vpd_pg80", vpd::UNIT_SERIAL_NUMBER)
            .map(|body| ascii(&body))
            .filter(|serial| !serial.is_empty()),
        designators: page("vpd_pg83", vpd::DEVICE_IDENTIFICATION)
            .map(|body| vpd::parse_designators(&body))
            .unwrap_or_default(),
    })
}
