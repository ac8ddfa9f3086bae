//! The kit on paper.

use super::Imprint;
use super::commands::{
    FORMAT, SCRIPT, copy_commands, lacking, sets_table, stretches, tapes_table, volumes_table,
};
use super::contents::{Contents, KitSet};
use crate::error::Result;
use crate::print::{Cell, Flow, Paper};
use crate::progress::counted;

/// The kit as a PDF.
pub(super) fn pages(contents: &Contents, imprint: &Imprint, paper: Paper) -> Result<Vec<u8>> {
    let title = format!(
        "Recovery kit, {}, in-house",
        imprint.made_at.format("%Y-%m-%d")
    );
    let mut flow = Flow::new(paper, &title);
    front(&mut flow, contents, imprint)?;
    keys(&mut flow, contents);
    cartridges(&mut flow, contents);
    for set in &contents.sets {
        flow.part_break();
        set_pages(&mut flow, contents, set);
    }
    flow.page_break();
    flow.chapter("Script");
    flow.paragraph(
        "restore.sh does all of the above. Next to it must be the files sets.txt, volumes.txt \
         and tapes.txt, which follow it here.",
    );
    flow.document(SCRIPT);
    flow.page_break();
    flow.chapter("sets.txt");
    flow.paragraph("Number, month, how many segments, id, name.");
    flow.document(&sets_table(contents));
    flow.part_break();
    flow.chapter("volumes.txt");
    flow.paragraph("Barcode, serial in VOL1, id of the volume in UHL1.");
    flow.document(&volumes_table(contents));
    flow.part_break();
    flow.chapter("tapes.txt");
    flow.paragraph(
        "Number of the set, copy, segment, barcode, tape file, bytes of a block, coding, length in \
         bytes, XXH3-128 of them.",
    );
    flow.document(&tapes_table(contents));
    flow.page_break();
    flow.document(FORMAT);
    flow.finish(imprint.made_at)
}

fn front(flow: &mut Flow, contents: &Contents, imprint: &Imprint) -> Result<()> {
    flow.chapter("Recovery kit");
    flow.paragraph(
        "This is what it takes to read our backup tapes without Tapeward: where each set is, which \
         keys open it, and every command. It holds no key: those are in their own envelopes. Names of \
         our sets and places stand here, so keep it sealed and in-house, apart from the tapes, and \
         destroy it when it is replaced.",
    );
    let day = |at: chrono::DateTime<chrono::Utc>| at.format("%Y-%m-%d").to_string();
    let digest = contents.digest()?.to_string();
    let volumes = counted(contents.cartridges.len() as u64, "cartridge", "cartridges");
    let sets = counted(contents.sets.len() as u64, "set", "sets");
    flow.table(
        &[],
        &[1.0, 5.0],
        &[
            pair(
                "printed",
                &format!("{} by {}", day(imprint.made_at), imprint.made_by),
            ),
            pair(
                "good until",
                &format!("{}, or until something changes", day(imprint.expires_at)),
            ),
            pair("holds", &format!("{sets} on {volumes}")),
            vec![Cell::Text("digest".to_owned()), Cell::Typed(digest)],
        ],
    );
    flow.heading("Whom to call");
    for line in &imprint.contacts {
        flow.paragraph(line);
    }
    flow.table(
        &["role", "name", "telephone"],
        &[2.0, 3.0, 3.0],
        &["tape room", "keeper of the envelopes", "vault or courier"].map(|role| {
            let line = "______________________".to_owned();
            vec![
                Cell::Text(role.to_owned()),
                Cell::Text(line.clone()),
                Cell::Text(line),
            ]
        }),
    );
    flow.heading("What you need");
    flow.paragraph(
        "A machine with Linux, a tape drive that reads these cartridges, and the programs mt, dd, \
         age, zstd and GNU tar, as root where owners and attributes are to be kept. With Debian:",
    );
    flow.typed("apt-get install mt-st age zstd tar xxhash");
    flow.heading("In short");
    flow.typed(
        "sh restore.sh list\n\
         IDENTITY=key.identity TAPE=/dev/nst0 sh restore.sh get SET FOLDER",
    );
    flow.paragraph(
        "The script asks for each cartridge, checks by its label that it is the right one, compares \
         lengths and digests with this kit, and takes what it cannot read from another copy. The \
         pages of each set have the commands one by one.",
    );
    Ok(())
}

fn pair(name: &str, value: &str) -> Vec<Cell> {
    vec![Cell::Text(name.to_owned()), Cell::Text(value.to_owned())]
}

fn keys(flow: &mut Flow, contents: &Contents) {
    flow.heading("Keys");
    flow.paragraph(
        "Any one key of a set opens it. The private half is a line that begins with AGE-SECRET-KEY-1; \
         put it into a file of its own, called identity in the commands.",
    );
    flow.table(
        &["key", "for", "private half", "recipient"],
        &[2.0, 1.2, 3.2, 5.0],
        &contents
            .keys
            .iter()
            .map(|key| {
                let retired = key.retired_at.map_or_else(String::new, |at| {
                    format!(" (retired {})", at.format("%Y-%m-%d"))
                });
                vec![
                    Cell::Text(format!("{}{retired}", key.name)),
                    Cell::Text(key.role.to_string()),
                    Cell::Text(key.identity.clone()),
                    Cell::Typed(key.recipient.clone()),
                ]
            })
            .collect::<Vec<_>>(),
    );
}

fn cartridges(flow: &mut Flow, contents: &Contents) {
    flow.heading("Cartridges");
    flow.paragraph("Where each was when this was printed.");
    flow.table(
        &["barcode", "label", "place", "pool", "sets on it"],
        &[1.7, 1.3, 3.0, 1.6, 5.0],
        &contents
            .cartridges
            .iter()
            .map(|one| {
                let mut sets = Vec::new();
                for set in &contents.sets {
                    for copy in &set.copies {
                        if copy.pieces.iter().any(|piece| piece.barcode == one.barcode) {
                            sets.push(format!("{} {} copy {}", set.name, set.month, copy.copy));
                        }
                    }
                }
                vec![
                    Cell::Typed(one.barcode.to_string()),
                    Cell::Typed(one.serial.to_string()),
                    Cell::Text(one.place.clone()),
                    Cell::Text(one.pool.to_string()),
                    Cell::Text(sets.join(", ")),
                ]
            })
            .collect::<Vec<_>>(),
    );
}

fn set_pages(flow: &mut Flow, contents: &Contents, set: &KitSet) {
    flow.chapter(&format!("Set {}, {}", set.name, set.month));
    let keys = if set.keys.is_empty() {
        "none: it is in clear".to_owned()
    } else {
        format!("any one of {}", set.keys.join(", "))
    };
    let size = bytesize::ByteSize::b(set.bytes).display().iec();
    flow.table(
        &[],
        &[1.0, 5.0],
        &[
            vec![Cell::Text("id".to_owned()), Cell::Typed(set.id.to_string())],
            pair(
                "made",
                &format!(
                    "{}, kept until {}",
                    set.started_at.format("%Y-%m-%d"),
                    set.retain_until.format("%Y-%m-%d")
                ),
            ),
            pair(
                "holds",
                &format!(
                    "{} files and folders, {size}, in {}",
                    set.members,
                    counted(set.segments as u64, "segment", "segments")
                ),
            ),
            pair("keys", &keys),
        ],
    );
    for copy in &set.copies {
        flow.heading(&format!("Copy {} ({})", copy.copy, copy.pool));
        let lacks = lacking(set, copy);
        if lacks > 0 {
            let segments = counted(lacks as u64, "segment is", "segments are");
            flow.paragraph(&format!(
                "{segments} not on this copy: restore.sh takes them from another."
            ));
        }
        if copy.pieces.is_empty() {
            continue;
        }
        flow.table(
            &["cartridge", "place", "segments", "tape files"],
            &[1.6, 3.0, 1.6, 6.0],
            &stretches(copy)
                .iter()
                .map(|stretch| {
                    let place = contents.cartridge(stretch.barcode);
                    let (first, last) = (&stretch.pieces[0], stretch.pieces.len() - 1);
                    let last = &stretch.pieces[last];
                    let segments = if first.segment == last.segment {
                        first.segment.0.to_string()
                    } else {
                        format!("{} to {}", first.segment.0, last.segment.0)
                    };
                    vec![
                        Cell::Typed(stretch.barcode.to_string()),
                        Cell::Text(place.map_or_else(String::new, |one| one.place.clone())),
                        Cell::Text(segments),
                        Cell::Typed(stretch.files()),
                    ]
                })
                .collect::<Vec<_>>(),
        );
        if lacks == 0 {
            flow.typed(&copy_commands(set.form, copy));
        }
    }
}
