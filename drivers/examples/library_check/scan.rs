//! Robots and drives among `/sys/class/scsi_generic`.

use std::fmt;
use std::fs;

use tapeward_drivers::linux::sg::SgDevice;
use tapeward_drivers::spc::designator::Designator;
use tapeward_drivers::spc::inquiry::{PeripheralType, inquiry};
use tapeward_drivers::spc::vpd;

use crate::record::Recorder;
use crate::{Outcome, Path};

/// A device that answered.
pub(crate) struct Found {
    pub(crate) path: String,
    pub(crate) kind: PeripheralType,
    pub(crate) name: String,
    pub(crate) serial: Option<String>,
    /// Device identification: a library may call it by any of these.
    pub(crate) names: Vec<Designator>,
    pub(crate) max_transfer: usize,
    pub(crate) transport: Path,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let serial = self.serial.as_deref().unwrap_or("none");
        write!(
            f,
            "{} {:?} {}, serial {serial}, {} KiB at once",
            self.path,
            self.kind,
            self.name,
            self.max_transfer >> 10
        )
    }
}

/// All tape drives and medium changers of this machine.
pub(crate) fn scan(record: &Recorder) -> Outcome<Vec<Found>> {
    let mut names = Vec::new();
    for entry in fs::read_dir("/sys/class/scsi_generic")? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let kind = fs::read_to_string(format!("/sys/class/scsi_generic/{name}/device/type"))?;
        if matches!(kind.trim(), "1" | "8") {
            names.push(name);
        }
    }
    names.sort();
    names
        .into_iter()
        .map(|name| open(&format!("/dev/{name}"), record))
        .collect()
}

fn open(path: &str, record: &Recorder) -> Outcome<Found> {
    let device = SgDevice::open(path)?;
    let max_transfer = device.max_transfer();
    let mut transport = record.wrap(device);
    let data = inquiry(&mut transport)?;
    let serial = vpd::serial(&mut transport)?;
    let names = vpd::designators(&mut transport)?;
    Ok(Found {
        path: path.to_owned(),
        kind: data.peripheral,
        name: format!("{} {} {}", data.vendor, data.product, data.revision),
        serial,
        names,
        max_transfer,
        transport,
    })
}

/// The robot and the drives.
pub(crate) fn split(found: Vec<Found>) -> Outcome<(Found, Vec<Found>)> {
    let (mut robots, drives): (Vec<_>, Vec<_>) = found
        .into_iter()
        .partition(|device| device.kind == PeripheralType::MediumChanger);
    match (robots.pop(), robots.len()) {
        (Some(robot), 0) => Ok((robot, drives)),
        (None, _) => Err("no medium changer is attached to this machine".into()),
        (Some(_), others) => Err(format!("{} medium changers are attached", others + 1).into()),
    }
}
