//! Seeded data: the same seed makes the same tree, so that a failing case can be run again.
#![allow(dead_code)] // each test program uses a part of it

use std::path::Path;

/// xorshift64*: enough for choosing sizes and moments.
pub(crate) struct Seeded(u64);

impl Seeded {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn number(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.number() % limit
    }

    /// Bytes that do not compress.
    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        blake3::Hasher::new()
            .update(&self.number().to_le_bytes())
            .finalize_xof()
            .fill(&mut bytes);
        bytes
    }
}

/// A tree of about `total` bytes: many small files, some of megabytes, links, empty folders.
pub(crate) fn make_tree(folder: &Path, seed: u64, total: u64) {
    let mut seeded = Seeded::new(seed);
    let mut made = 0;
    let mut number = 0;
    while made < total {
        let size = match seeded.below(20) {
            0 => 1 << 20 | seeded.below(1 << 20),
            1..=4 => seeded.below(200_000),
            5 => 0,
            _ => seeded.below(20_000),
        };
        let inside = folder.join(format!("d{:02}/e{}", seeded.below(12), seeded.below(3)));
        std::fs::create_dir_all(&inside).unwrap();
        let file = inside.join(format!("f{number:05}"));
        std::fs::write(&file, seeded.bytes(usize::try_from(size).unwrap())).unwrap();
        match seeded.below(30) {
            0 => std::fs::hard_link(&file, folder.join(format!("hard{number:05}"))).unwrap(),
            1 => {
                std::os::unix::fs::symlink(&file, inside.join(format!("soft{number:05}"))).unwrap();
            }
            2 => std::fs::create_dir(inside.join(format!("empty{number:05}"))).unwrap(),
            _ => {}
        }
        made += size;
        number += 1;
    }
}

/// Adds files of words, of about `total` bytes together: to a quarter of that they compress.
pub(crate) fn make_texts(folder: &Path, seed: u64, total: u64) {
    const WORDS: [&str; 8] = [
        "tape",
        "cartridge",
        "courier",
        "vault",
        "safe",
        "label",
        "drive",
        "robot",
    ];
    let mut seeded = Seeded::new(seed);
    let inside = folder.join("texts");
    std::fs::create_dir_all(&inside).unwrap();
    let mut made = 0;
    for number in 0.. {
        if made >= total {
            return;
        }
        let mut text = String::new();
        let length = seeded.below(300_000);
        while (text.len() as u64) < length {
            text += WORDS[usize::try_from(seeded.below(8)).unwrap()];
            text += if seeded.below(9) == 0 { "\n" } else { " " };
        }
        made += text.len() as u64;
        std::fs::write(inside.join(format!("t{number:05}")), text).unwrap();
    }
}
