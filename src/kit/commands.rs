//! The commands that bring a copy back, and the two tables the script reads.

use std::fmt::Write;

use super::contents::{Contents, KitCopy, KitSet, Piece};
use crate::archive::member::SetForm;
use crate::id::Barcode;
use crate::tape::Codec;

/// The script of the kit.
pub(super) const SCRIPT: &str = include_str!("restore.sh");
/// The page of the tape format.
pub(super) const FORMAT: &str = include_str!("../../docs/tape-format.md");

/// `sets.txt`: number in this kit, month, number of segments, form, id, name; oldest first.
pub(super) fn sets_table(contents: &Contents) -> String {
    let mut text = String::new();
    for (set, number) in contents.sets.iter().zip(1..) {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{number} {} {} {} {} {}",
            set.month, set.segments, set.form, set.id, set.name
        );
    }
    text
}

/// `volumes.txt`: barcode, serial in VOL1, id of the volume in UHL1.
pub(super) fn volumes_table(contents: &Contents) -> String {
    let mut text = String::new();
    for one in &contents.cartridges {
        let id = one.volume.as_uuid().simple().to_string();
        let _ = writeln!(
            text,
            "{} {} {}",
            one.barcode,
            one.serial,
            id.to_ascii_uppercase()
        );
    }
    text
}

/// `tapes.txt`: number of the set, copy, segment, barcode, tape file, bytes of a block, coding,
/// length, XXH3-128, tape file with the key of what the drive encrypted or `-`.
pub(super) fn tapes_table(contents: &Contents) -> String {
    let mut text = String::new();
    for (set, number) in contents.sets.iter().zip(1..) {
        for copy in &set.copies {
            for piece in &copy.pieces {
                let _ = writeln!(
                    text,
                    "{number} {} {} {} {} {} {} {} {} {}",
                    copy.copy,
                    piece.segment.0,
                    piece.barcode,
                    piece.tape_file.0,
                    piece.block_size,
                    piece.codec,
                    piece.length,
                    piece.digest,
                    piece
                        .key_file
                        .map_or_else(|| "-".to_owned(), |file| file.to_string()),
                );
            }
        }
    }
    text
}

/// Segments that follow each other on one cartridge and are read alike.
pub(super) struct Stretch<'a> {
    pub(super) barcode: &'a Barcode,
    pub(super) pieces: &'a [Piece],
}

/// A copy, cartridge by cartridge, in the order in which they are read.
pub(super) fn stretches(copy: &KitCopy) -> Vec<Stretch<'_>> {
    let alike = |one: &Piece, other: &Piece| {
        let of = |piece: &Piece| {
            (
                piece.barcode.clone(),
                piece.codec,
                piece.block_size,
                piece.key_file,
            )
        };
        of(one) == of(other)
    };
    copy.pieces
        .chunk_by(alike)
        .map(|pieces| Stretch {
            barcode: &pieces[0].barcode,
            pieces,
        })
        .collect()
}

impl Stretch<'_> {
    /// The tape files, in order.
    pub(super) fn files(&self) -> String {
        let files: Vec<String> = self
            .pieces
            .iter()
            .map(|piece| piece.tape_file.0.to_string())
            .collect();
        files.join(" ")
    }

    /// What appends them to the set's stream, which is in this file.
    fn commands(&self, file: &str) -> String {
        let first = &self.pieces[0];
        let decode = match first.codec {
            Codec::None | Codec::Drive => "",
            Codec::Zstd | Codec::ZstdDrive => " | zstd -dc",
            Codec::Age => " | age -d -i identity",
            Codec::ZstdAge => " | age -d -i identity | zstd -dc",
        };
        let (unlock, lock) = match first.key_file {
            Some(file) => (
                format!(
                    "(umask 077; mt -f /dev/nst0 asf {file}; dd if=/dev/nst0 bs=1M | age -d -i identity > key)\n\
                     stenc -f /dev/nst0 -e mixed -k key -a 1 --ckod\n"
                ),
                "stenc -f /dev/nst0 -e off; rm key\n",
            ),
            None => (String::new(), ""),
        };
        format!(
            "mt -f /dev/nst0 setblk 0\n\
             {unlock}\
             for file in {}; do\n\
             \x20   mt -f /dev/nst0 asf $file\n\
             \x20   dd if=/dev/nst0 bs={}{decode} >> {file}\n\
             done\n\
             {lock}",
            self.files(),
            first.block_size
        )
    }
}

/// Every command for a copy of a set, with the cartridge to put in before each.
pub(super) fn copy_commands(form: SetForm, copy: &KitCopy) -> String {
    let (file, begin, end) = match form {
        SetForm::Tree => (
            "set.tar",
            "rm -f set.tar; mkdir target\n",
            "tar -x -p --xattrs --xattrs-include='*' --acls --warning=no-timestamp -f set.tar -C target\n",
        ),
        SetForm::Stream => (
            "set.stream",
            "rm -f set.stream\n",
            "# set.stream is what the set's command wrote\n",
        ),
    };
    let mut text = String::from(begin);
    for stretch in stretches(copy) {
        let _ = writeln!(text, "# cartridge {}", stretch.barcode);
        text.push_str(&stretch.commands(file));
    }
    text.push_str(end);
    text
}

/// Segments that no cartridge of a copy has.
pub(super) fn lacking(set: &KitSet, copy: &KitCopy) -> usize {
    set.segments.saturating_sub(copy.pieces.len())
}
