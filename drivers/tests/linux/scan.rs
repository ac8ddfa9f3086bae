//! The walk of sysfs, on a tree as a real kernel showed it and on changed ones.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rstest::rstest;
use tapeward_drivers::linux::scan::{DeviceKind, NodeKind, Roots, ScsiDevice, scan};
use tempfile::TempDir;

use crate::tree::{Tree, unhex};

/// Address and names of the sg, nst and sch nodes.
fn names(device: &ScsiDevice) -> String {
    let name = |node: &Option<PathBuf>| {
        let node = node.as_ref().and_then(|path| path.file_name()?.to_str());
        node.unwrap_or("-").to_owned()
    };
    let nodes = [&device.generic, &device.tape, &device.changer].map(name);
    format!("{} {}", device.address, nodes.join(" "))
}

#[test]
fn nodes_of_one_device_are_paired() {
    let tree = Tree::of_tgt();
    let found = scan(&tree.roots()).unwrap();
    let shown: Vec<_> = found.iter().map(names).collect();
    assert_eq!(
        shown,
        [
            "0:0:0:1 sg1 nst0 -",
            "0:0:0:2 sg2 nst1 -",
            "0:0:0:3 sg3 - sch0"
        ]
    );
    let robot = &found[2];
    assert_eq!(robot.kind, DeviceKind::MediumChanger);
    assert_eq!(
        (&*robot.vendor, &*robot.product, &*robot.revision),
        ("TGT", "VCHANGER", "0001")
    );
    assert_eq!(robot.serial.as_deref(), Some("ROBOT00001"));
    assert_eq!(found[0].serial.as_deref(), Some("DRIVE00001"));
    assert_eq!(found[0].designators.len(), 3);
    assert_eq!(robot.generic, Some(tree.roots().devices.join("sg3")));
    assert_eq!(
        robot.kernel_node(),
        Some(&*tree.roots().devices.join("sch0"))
    );
    assert_eq!(
        found[1].kernel_node(),
        Some(&*tree.roots().devices.join("nst1"))
    );
}

/// Removed and found again, the same devices get their nodes in another order.
#[test]
fn a_device_keeps_its_serial_number_when_its_nodes_change() {
    let swapped = |line: &str| {
        line.replace("sg1", "sg9")
            .replace("sg2", "sg1")
            .replace("sg9", "sg2")
            .replace("st0", "st9")
            .replace("st1", "st0")
            .replace("st9", "st1")
    };
    let tree = Tree::new(
        &Tree::tgt_lines()
            .map(|line| swapped(&line))
            .collect::<Vec<_>>(),
    );
    let found = scan(&tree.roots()).unwrap();
    let second = found
        .iter()
        .find(|device| device.serial.as_deref() == Some("DRIVE00002"))
        .unwrap();
    assert_eq!(names(second), "0:0:0:2 sg1 nst0 -");
}

#[test]
fn drivers_that_are_not_loaded_leave_gaps() {
    let without = |class: &str| {
        let lines: Vec<String> = Tree::tgt_lines()
            .filter(|line| !line.contains(&format!("class/{class}/")))
            .collect();
        scan(&Tree::new(&lines).roots()).unwrap()
    };
    let no_sg = without("scsi_generic");
    assert_eq!(no_sg.len(), 3);
    assert!(no_sg.iter().all(|device| device.generic.is_none()));
    let no_st = without("scsi_tape");
    assert_eq!(no_st.len(), 3);
    assert!(no_st.iter().all(|device| device.tape.is_none()));
    assert!(without("scsi_changer")[2].changer.is_none());
}

#[test]
fn no_scsi_at_all_is_no_device() {
    let empty = TempDir::new().unwrap();
    let roots = Roots {
        sysfs: empty.path().to_owned(),
        devices: empty.path().to_owned(),
    };
    assert_eq!(scan(&roots).unwrap(), []);
}

#[test]
fn a_device_that_goes_away_meanwhile_is_left_out() {
    let tree = Tree::of_tgt();
    let gone = tree.path("devices/platform/host0/session1/target0:0:0/0:0:0:1");
    fs::remove_dir_all(gone).unwrap();
    let half = tree.path("devices/platform/host0/session1/target0:0:0/0:0:0:2/rev");
    fs::remove_file(half).unwrap();
    let found = scan(&tree.roots()).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].kind, DeviceKind::MediumChanger);
}

/// Kernels show no VPD pages of devices that say they are older than SPC-3.
#[test]
fn pages_that_are_missing_or_damaged_are_no_serial_number() {
    let tree = Tree::of_tgt();
    let device = tree.path("devices/platform/host0/session1/target0:0:0/0:0:0:1");
    fs::remove_file(device.join("vpd_pg80")).unwrap();
    fs::write(device.join("vpd_pg83"), unhex("0183")).unwrap();
    let found = scan(&tree.roots()).unwrap();
    assert_eq!(found[0].serial, None);
    assert_eq!(found[0].designators, []);
    fs::write(device.join("vpd_pg80"), unhex("0180000420202020")).unwrap();
    assert_eq!(scan(&tree.roots()).unwrap()[0].serial, None);
}

#[rstest]
#[case("sg12", NodeKind::Generic)]
#[case("sch0", NodeKind::Changer)]
#[case("nst3", NodeKind::Tape { node: PathBuf::from("/dev/nst3") })]
#[case("nst3m", NodeKind::Tape { node: PathBuf::from("/dev/nst3") })]
#[case("st3", NodeKind::RewindingTape { instead: PathBuf::from("/dev/nst3") })]
#[case("st3a", NodeKind::RewindingTape { instead: PathBuf::from("/dev/nst3") })]
#[case("sr0", NodeKind::Other)]
#[case("sga", NodeKind::Other)]
#[case("stdin", NodeKind::Other)]
#[case("st", NodeKind::Other)]
fn nodes_are_told_apart_by_name(#[case] name: &str, #[case] kind: NodeKind) {
    // Nodes that do not exist, so that nothing of this machine is looked at.
    let path = Path::new("/dev").join(name);
    if !path.exists() {
        assert_eq!(NodeKind::of(&path), kind);
    }
}

#[test]
fn a_link_stands_for_its_node() {
    let tree = Tree::of_tgt();
    let devices = tree.roots().devices;
    for name in ["sg1", "st0", "nst0", "nst0m", "sg3"] {
        fs::write(devices.join(name), "").unwrap();
    }
    let by_id = devices.join("by-id");
    symlink(devices.join("st0"), &by_id).unwrap();
    assert_eq!(
        NodeKind::of(&by_id),
        NodeKind::RewindingTape {
            instead: fs::canonicalize(devices.join("nst0")).unwrap()
        }
    );
    let found = scan(&tree.roots()).unwrap();
    for node in ["sg1", "nst0", "nst0m", "by-id"] {
        assert!(found[0].has_node(&devices.join(node)), "{node}");
    }
    assert!(!found[0].has_node(&devices.join("sg3")));
}
