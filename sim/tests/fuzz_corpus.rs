//! Every input that fuzzing found worth keeping, once more; `docs/scsi.md` has how to find new ones.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a failure in a function of the tests is a failed test

#[path = "../../fuzz/src/lib.rs"]
#[allow(dead_code)]
mod targets;

use std::path::Path;

use rstest::rstest;

#[rstest]
#[case::cdb("cdb", targets::cdb)]
#[case::sense("sense", targets::sense)]
#[case::element_status("element_status", targets::element_status)]
#[case::mode("mode", targets::mode)]
#[case::log("log", targets::log)]
#[case::attribute("attribute", targets::attribute)]
#[case::identity("identity", targets::identity)]
#[case::security("security", targets::security)]
#[case::tape("tape", targets::tape)]
fn the_corpus_leads_to_nothing_unforeseen(#[case] name: &str, #[case] target: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../fuzz/corpus")
        .join(name);
    let mut inputs = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        // Shown if the test fails.
        println!("{}", path.display());
        target(&std::fs::read(&path).unwrap());
        inputs += 1;
    }
    assert!(inputs > 0, "{} is empty", folder.display());
}
