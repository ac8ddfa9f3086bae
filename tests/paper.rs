//! What is printed can be read back: the QR code by a decoder, the text by people and `pdftotext`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // as in any test

#[path = "support/refusal.rs"]
mod refusal;
#[path = "support/seeded.rs"]
mod seeded;
#[path = "support/world.rs"]
mod world;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use world::{World, texts};

/// Runs a program; `None` where it is not installed, which only a machine outside continuous
/// integration may get away with.
fn run(program: &str, arguments: &[&str]) -> Option<String> {
    let Ok(output) = Command::new(program).args(arguments).output() else {
        assert!(std::env::var_os("CI").is_none(), "{program} is needed");
        println!("{program} is not installed: the page was not looked at");
        return None;
    };
    let (out, err) = texts(&output);
    assert!(
        output.status.success(),
        "{program} {arguments:?}\n{out}\n{err}"
    );
    Some(out)
}

/// Text and pictures of the pages, and the size of the paper as `pdfinfo` has it.
fn look(pdf: &Path, folder: &Path) -> Option<(String, Vec<PathBuf>, String)> {
    let pdf = pdf.to_str().unwrap();
    let text = run("pdftotext", &["-layout", pdf, "-"])?;
    let info = run("pdfinfo", &[pdf])?;
    fs::create_dir(folder).unwrap();
    let prefix = folder.join("page");
    run(
        "pdftoppm",
        &["-r", "150", "-png", pdf, prefix.to_str().unwrap()],
    )?;
    let mut pages: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    pages.sort();
    let size = info
        .lines()
        .find(|line| line.starts_with("Page size"))
        .unwrap();
    Some((text, pages, size.to_owned()))
}

fn secret(identity: &Path) -> String {
    let text = fs::read_to_string(identity).unwrap();
    text.lines().last().unwrap().to_owned()
}

#[test]
fn an_escrow_page_is_typed_and_scanned_back() {
    let world = World::with_set_on_tape();
    let escrow = world.path("escrow.identity");
    let identity = escrow.to_str().unwrap();
    let create = [
        "key",
        "create",
        "escrow",
        "--role",
        "escrow",
        "--identity-file",
    ];
    world.ok([&create[..], &[identity]].concat());
    let page = world.path("page.pdf");
    let output = page.to_str().unwrap();
    let make = ["key", "escrow-page", "escrow", "--output"];
    world
        .refuses(20, [&make[..], &[output]].concat())
        .says(&["no identity", "--identity"]);
    let site = world.state().join("keys/site.identity");
    let wrong = [&make[..], &[output, "--identity", site.to_str().unwrap()]].concat();
    world.refuses(2, wrong).says(&["no identity of \"escrow\""]);
    assert!(!page.exists());

    for (paper, points) in [
        ("a4", "595.276 x 841.89 pts (A4)"),
        ("letter", "612 x 792 pts (letter)"),
    ] {
        let with = ["--identity", identity, "--paper", paper];
        world.ok([&make[..], &[output], &with].concat());
        let mode = fs::metadata(&page).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let Some((text, pages, size)) = look(&page, &world.path(paper)) else {
            return;
        };
        assert!(size.contains(points), "{size}");
        assert_eq!(pages.len(), 1, "one side");

        // The code.
        let picture = pages[0].to_str().unwrap();
        let Some(code) = run("zbarimg", &["--raw", "-q", picture]) else {
            return;
        };
        assert_eq!(code.trim(), secret(&escrow));

        // The lines, each with its sum, as a person would type and check them.
        let mut typed = String::new();
        for line in text.lines().map(str::trim) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [number, groups @ .., sum] = words.as_slice() else {
                continue;
            };
            if number.parse::<u8>().is_err() || groups.is_empty() || sum.parse::<u32>().is_err() {
                continue;
            }
            let joined = groups.concat();
            let check = format!("printf %s {joined} | cksum | cut -d' ' -f1");
            assert_eq!(run("sh", &["-c", &check]).unwrap().trim(), *sum);
            typed.push_str(&joined);
        }
        assert_eq!(typed, secret(&escrow), "{text}");
        fs::remove_file(&page).unwrap();
    }
    // To a pipe where asked for; never over a file.
    let pipe = world.run([&make[..], &["-", "--identity", identity]].concat());
    assert!(pipe.status.success() && pipe.stdout.starts_with(b"%PDF-"));
    fs::write(&page, "mine").unwrap();
    let again = [&make[..], &[output, "--identity", identity]].concat();
    world
        .refuses(1, again)
        .says(&["page.pdf", "nothing is overwritten"]);
    assert_eq!(fs::read(&page).unwrap(), b"mine");
}

#[test]
fn a_kit_on_paper_has_every_set_cartridge_and_command() {
    let world = World::with_set_on_tape();
    world.configure("[kit]\ncontacts = [\"Tape room: extension 4711\"]\n");
    let kit = world.path("kit.pdf");
    world.ok(["kit", "print", "--output", kit.to_str().unwrap()]);
    let Some((text, pages, _)) = look(&kit, &world.path("pages")) else {
        return;
    };
    assert!(pages.len() > 5, "{}", pages.len());
    assert!(text.contains(&format!("1 / {}", pages.len())));
    let set = world.json(["set", "show", "data"])["sets"][0]["id"].clone();
    for words in [
        set.as_str().unwrap(),
        "TWV001L8",
        "TWV002L8",
        "extension 4711",
        "mt -f /dev/nst0 asf $file",
        "| age -d -i identity >> set.tar",
        "VOL1 HDR1 HDR2 UHL1 FM",
        "restore.sh",
    ] {
        assert!(text.contains(words), "{words} is not in\n{text}");
    }
    let identity = secret(&world.state().join("keys/site.identity"));
    assert!(!text.contains(&identity));
}
