//! Finding the devices of a library on this machine: they are known by serial number, and their
//! nodes are looked for every time, because devices come and go and nodes change.

use std::path::Path;

use tapeward_drivers::counted::Counted;
use tapeward_drivers::linux::ch::ChangerNode;
use tapeward_drivers::linux::scan::{DeviceKind, NodeKind, Roots, ScsiDevice, scan};
use tapeward_drivers::linux::sg::SgDevice;
use tapeward_drivers::linux::st::TapeNode;
use tapeward_drivers::sense::SenseClass;
use tapeward_drivers::spc::vpd;
use tapeward_drivers::{Changer, Drive, ScsiError, smc, ssc};

use super::connection::Watch;
use crate::config::{ChangerConfig, DeviceName, DevicePath, DriveConfig};
use crate::error::{Context, Error, ErrorKind, Result};

/// The medium changer of a configuration, open.
pub fn open_changer(config: &ChangerConfig) -> Result<Changer> {
    let name = config.name().map_err(Error::usage)?;
    let device = find(name, DeviceKind::MediumChanger)?;
    Ok(match path_of(config.path, name) {
        DevicePath::Kernel => {
            let node = kernel_node(&device, name)?;
            Box::new(ChangerNode::open(node).context("cannot open a medium changer")?)
        }
        DevicePath::Sg => Box::new(smc::Changer::new(Box::new(open_generic(&device, name)?))),
    })
}

/// A drive of a configuration, open.
pub fn open_drive(config: &DriveConfig, watch: Watch<'_>) -> Result<Drive> {
    let name = config.name().map_err(Error::usage)?;
    let device = find(name, DeviceKind::TapeDrive)?;
    Ok(match path_of(config.path, name) {
        DevicePath::Kernel => {
            let node = kernel_node(&device, name)?;
            let node = TapeNode::open(node).map_err(|error| in_use_or_failed(node, error))?;
            Box::new(Counted::new(node))
        }
        DevicePath::Sg => {
            let drive = ssc::Drive::new(watch(Box::new(open_generic(&device, name)?)));
            Box::new(Counted::new(drive))
        }
    })
}

/// The st driver lets in one program at a time.
fn in_use_or_failed(node: &Path, error: ScsiError) -> Error {
    if error.class() == Some(SenseClass::NotReadyTransient) {
        Error::new(
            ErrorKind::Locked,
            format!("{} is in use by another program", node.display()),
        )
        .hint("wait until it has finished; \"fuser\" shows which one it is")
    } else {
        Error::failed("cannot open a tape drive").because(error)
    }
}

/// What the configuration says, else by the kind of node it names.
#[must_use]
pub fn path_of(configured: Option<DevicePath>, name: DeviceName<'_>) -> DevicePath {
    let by_node = || match name {
        DeviceName::Node(path) => match NodeKind::of(path) {
            NodeKind::Tape { .. } | NodeKind::Changer => DevicePath::Kernel,
            _ => DevicePath::Sg,
        },
        DeviceName::Serial(_) => DevicePath::Sg,
    };
    configured.unwrap_or_else(by_node)
}

/// The device as it is attached now.
///
/// # Errors
/// [`ErrorKind::OperatorNeeded`] when it is not there; a serial number that two devices have; a
/// node that rewinds.
pub fn find(name: DeviceName<'_>, kind: DeviceKind) -> Result<ScsiDevice> {
    find_among(&attached()?, name, kind)
}

/// All drives and robots of this machine.
pub fn attached() -> Result<Vec<ScsiDevice>> {
    scan(&Roots::default()).context("cannot list the SCSI devices of this machine")
}

fn find_among(
    devices: &[ScsiDevice],
    name: DeviceName<'_>,
    kind: DeviceKind,
) -> Result<ScsiDevice> {
    let mut found = Vec::new();
    for device in devices.iter().filter(|device| device.kind == kind) {
        let is_it = match name {
            DeviceName::Node(path) => {
                refuse_rewinding(path)?;
                device.has_node(path)
            }
            DeviceName::Serial(serial) => has_serial(device, serial),
        };
        if is_it {
            found.push(device);
        }
    }
    match found.as_slice() {
        [device] => Ok((*device).clone()),
        [] => Err(Error::new(
            ErrorKind::OperatorNeeded,
            format!("no {kind} with {name} is attached to this machine"),
        )
        .hint(
            "switch it on and check its cable; \"tapeward library discover\" shows what is there",
        )),
        several => {
            let places: Vec<String> = several
                .iter()
                .map(|device| device.address.to_string())
                .collect();
            Err(Error::failed(format!(
                "{} devices have {name} (at {}): it is not known which one is meant",
                several.len(),
                places.join(", ")
            ))
            .hint("one device on two paths must be attached by one of them only"))
        }
    }
}

/// A device that does not answer is not the one.
fn has_serial(device: &ScsiDevice, serial: &str) -> bool {
    match device.known_serial() {
        Ok(known) => known.as_deref() == Some(serial),
        Err(error) => {
            tracing::debug!(address = %device.address, %error, "a device does not answer");
            false
        }
    }
}

/// A tape written through such a node is rewound between two steps, and the next one overwrites
/// its beginning.
pub fn refuse_rewinding(path: &Path) -> Result<()> {
    let NodeKind::RewindingTape { .. } = NodeKind::of(path) else {
        return Ok(());
    };
    let node = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let name = node.file_name().unwrap_or_default().to_string_lossy();
    // The same mode of the driver: st0a is nst0a.
    let instead = node.with_file_name(format!("n{name}"));
    Err(Error::usage(format!(
        "{} rewinds the tape whenever it is closed",
        path.display()
    ))
    .hint(format!("use {}", instead.display())))
}

fn kernel_node<'a>(device: &'a ScsiDevice, name: DeviceName<'_>) -> Result<&'a Path> {
    device.kernel_node().ok_or_else(|| {
        let driver = match device.kind {
            DeviceKind::TapeDrive => "st",
            DeviceKind::MediumChanger => "ch",
        };
        Error::failed(format!(
            "the kernel has no node of its own for the {} with {name}",
            device.kind
        ))
        .hint(format!(
            "load its driver with \"modprobe {driver}\", or leave out path = \"kernel\""
        ))
    })
}

/// SCSI commands go through the SCSI generic node; a changer's own node carries them too.
fn open_generic(device: &ScsiDevice, name: DeviceName<'_>) -> Result<SgDevice> {
    let node = device
        .generic
        .as_ref()
        .or(device.changer.as_ref())
        .ok_or_else(|| {
            Error::failed(format!(
                "the kernel has no SCSI generic node for the {} with {name}",
                device.kind
            ))
            .hint("load the driver with \"modprobe sg\"")
        })?;
    let mut open = SgDevice::open(node).context("cannot open a SCSI device")?;
    if let DeviceName::Serial(serial) = name {
        // Between looking and opening, another device may have got the node.
        let answered = vpd::serial(&mut open).context("cannot identify a SCSI device")?;
        if answered.as_deref() != Some(serial) {
            return Err(Error::failed(format!(
                "{} was to be the {} with serial {serial}, but answers with {}",
                node.display(),
                device.kind,
                answered.as_deref().unwrap_or("no serial number")
            ))
            .hint("devices are being attached or detached: try again"));
        }
    }
    Ok(open)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;
    use tapeward_drivers::linux::scan::ScsiAddress;

    fn device(lun: u64, kind: DeviceKind, serial: &str, node: &str) -> ScsiDevice {
        ScsiDevice {
            address: ScsiAddress {
                host: 0,
                channel: 0,
                target: 1,
                lun,
            },
            kind,
            vendor: "V".to_owned(),
            product: "P".to_owned(),
            revision: "1".to_owned(),
            generic: Some(PathBuf::from(format!("/nowhere/{node}"))),
            tape: None,
            changer: None,
            serial: Some(serial.to_owned()),
            designators: Vec::new(),
        }
    }

    #[test]
    fn a_device_is_found_by_serial_number_and_kind() {
        let devices = [
            device(0, DeviceKind::MediumChanger, "A", "sg7"),
            device(1, DeviceKind::TapeDrive, "A", "sg8"),
            device(2, DeviceKind::TapeDrive, "B", "sg9"),
        ];
        let find = |name, kind| find_among(&devices, name, kind);
        let a = find(DeviceName::Serial("A"), DeviceKind::TapeDrive).unwrap();
        assert_eq!(a.address.lun, 1);
        let b = find(
            DeviceName::Node(Path::new("/nowhere/sg9")),
            DeviceKind::TapeDrive,
        );
        assert_eq!(b.unwrap().address.lun, 2);
        let error = find(DeviceName::Serial("B"), DeviceKind::MediumChanger).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::OperatorNeeded);
        assert!(
            error.to_string().contains("medium changer with serial B"),
            "{error}"
        );
    }

    #[test]
    fn two_devices_with_one_serial_number_are_refused() {
        let devices = [
            device(1, DeviceKind::TapeDrive, "A", "sg8"),
            device(2, DeviceKind::TapeDrive, "A", "sg9"),
        ];
        let error =
            find_among(&devices, DeviceName::Serial("A"), DeviceKind::TapeDrive).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("0:0:1:1, 0:0:1:2"), "{text}");
    }

    #[test]
    fn a_rewinding_node_is_refused_and_the_right_one_named() {
        let devices = [device(1, DeviceKind::TapeDrive, "A", "sg8")];
        let name = DeviceName::Node(Path::new("/nowhere/st3"));
        let error = find_among(&devices, name, DeviceKind::TapeDrive).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage);
        assert_eq!(error.advice(), Some("use /nowhere/nst3"));
    }

    #[test]
    fn the_kind_of_node_chooses_the_path() {
        let node = |text| DeviceName::Node(Path::new(text));
        assert_eq!(path_of(None, node("/nowhere/nst3")), DevicePath::Kernel);
        assert_eq!(path_of(None, node("/nowhere/sch0")), DevicePath::Kernel);
        assert_eq!(path_of(None, node("/nowhere/sg1")), DevicePath::Sg);
        assert_eq!(path_of(None, DeviceName::Serial("A")), DevicePath::Sg);
        assert_eq!(
            path_of(Some(DevicePath::Sg), node("/nowhere/nst3")),
            DevicePath::Sg
        );
    }
}
