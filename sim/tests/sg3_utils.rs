//! What the library answers, read by others' decoders: `sg_logs -i` and `sg_vpd -I` of sg3_utils, which need no device. Not compared, and said so, where they are not installed.
#![allow(clippy::unwrap_used)] // a failure in a function of the tests is a failed test
#![allow(clippy::print_stdout)] // what was not compared has to be said

mod support;

use std::fmt::Write as _;
use std::process::Command;

use support::{CHANGER, DRIVE, ONE, Unit, World};
use tapeward_sim::fault::{Fault, Place, PlannedFault};
use tapeward_sim::{CartridgeSpec, LibrarySpec};

fn world() -> World {
    let cartridge = CartridgeSpec::labelled("TW0001L8").with_capacity(64 << 20);
    World::new(&LibrarySpec::new("generic", "TWTEST").with_cartridge(cartridge))
}

/// What the program makes of these bytes.
fn decoded(program: &str, options: &[&str], bytes: &[u8]) -> Option<String> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("page.hex");
    let mut text = String::new();
    for byte in bytes {
        write!(text, "{byte:02x} ").unwrap();
    }
    std::fs::write(&file, text).unwrap();
    let run = Command::new(program).args(options).arg(&file).output();
    match run {
        Ok(output) => {
            let errors = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{program}: {errors}");
            Some(String::from_utf8_lossy(&output.stdout).into_owned())
        }
        Err(error) => {
            println!("{program} is not installed ({error}): not compared with it");
            None
        }
    }
}

fn log_page(unit: &mut Unit, page: u8) -> Option<String> {
    let cdb = [0x4d, 0, 0x40 | page, 0, 0, 0, 0, 4, 0, 0];
    let data = unit.send_in(&cdb, 1024).good();
    decoded("sg_logs", &["--pdt=1", "-i"], &data)
}

fn vital_page(unit: &mut Unit, page: u8) -> Option<String> {
    let data = unit.send_in(&[0x12, 1, page, 1, 0, 0], 256).good();
    decoded("sg_vpd", &["-I"], &data)
}

/// Every line is there, blanks aside.
fn says(text: Option<String>, lines: &[&str]) {
    let Some(text) = text else { return };
    let plain = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let told: Vec<String> = text.lines().map(plain).collect();
    for line in lines {
        assert!(
            told.iter().any(|told| told.contains(line)),
            "{line:?} not in\n{text}"
        );
    }
}

#[test]
fn log_pages_of_a_drive() {
    let world = world();
    let mut drive = world.loaded();
    drive.write(&vec![1; 1_000_000]).good();
    let fault = PlannedFault {
        at: Place::Write(1),
        fault: Fault::Retried,
    };
    world.library.set_faults(vec![fault]).unwrap();
    drive.write(&vec![1; 1_000_000]).good();
    says(
        log_page(&mut drive, 0x02),
        &[
            "Write error counter page",
            "Total rewrites or rereads = 1",
            "Total errors corrected = 1",
            "Total bytes processed = 2000000",
            "Total uncorrected errors = 0",
        ],
    );
    says(log_page(&mut drive, 0x03), &["Read error counter page"]);
    says(
        log_page(&mut drive, 0x0c),
        &[
            "Sequential access device page",
            "Native capacity from BOP to EOD: 2 MB",
            "Native capacity from BOP to current position: 2 MB",
            "Cleaning action not required (or completed)",
        ],
    );
    says(
        log_page(&mut drive, 0x11),
        &[
            "PAMR=0 HUI=1 MACC=1 CMPR=1 WRTP=0 CRQST=0 CRQRD=0 DINIT=1",
            "INXTN=0 RAA=0 MPRSNT=1 MSTD=1 MTHRD=1 MOUNTED=1",
            "Very high frequency polling delay: 500 milliseconds",
        ],
    );
    says(
        log_page(&mut drive, 0x14),
        &[
            "Device statistics page",
            "Lifetime media loads: 1",
            "Lifetime power cycles: 1",
            "Hard write errors: 0",
            "Medium removal prevented: 0",
        ],
    );
    says(
        log_page(&mut drive, 0x17),
        &["Volume statistics page", "Volume barcode: TW0001L8"],
    );
    says(log_page(&mut drive, 0x31), &["Tape capacity page"]);
    says(
        log_page(&mut drive, 0x2e),
        &["Tape alert page", "Hard error: 0", "Media: 0"],
    );
    says(
        log_page(&mut drive, 0x00),
        &["0x2e Tape alert", "0x31 Tape capacity"],
    );
}

#[test]
fn vital_product_data() {
    let world = world();
    let mut drive = world.unit(DRIVE, ONE);
    says(
        vital_page(&mut drive, 0x00),
        &[
            "Device identification [di]",
            "Automation device serial number",
        ],
    );
    says(
        vital_page(&mut drive, 0x80),
        &["Unit serial number: TWTEST0001"],
    );
    says(vital_page(&mut drive, 0x83), &["vendor id: TAPEWARD"]);
    says(vital_page(&mut drive, 0xb0), &["WORM=1"]);
    says(
        vital_page(&mut drive, 0xb1),
        &["Manufacturer-assigned serial number: TWTEST0001"],
    );
    says(vital_page(&mut drive, 0xb2), &["Flag01h: 1", "40h: 1"]);
    says(vital_page(&mut drive, 0xb3), &["TWTEST"]);
    says(
        vital_page(&mut drive, 0xb4),
        &["Data transfer device element address: 0x0101"],
    );
    says(
        vital_page(&mut drive, 0xb5),
        &["method: 2, info_len: 4, LBP_W_C=1, LBP_R_C=1, RBDP_C=0"],
    );
    let mut changer = world.unit(CHANGER, ONE);
    says(
        vital_page(&mut changer, 0x80),
        &["Unit serial number: TWTEST"],
    );
}
