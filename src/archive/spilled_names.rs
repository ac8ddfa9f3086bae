//! First names of many inodes, in files without names: a hash table with open addressing, and the
//! paths beside it. What is in use stays in the page cache, which gives way when memory is short.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::links::FirstName;
use super::member::{FileTime, MemberAddress, MemberKind, SegmentNumber};

/// Device and inode number.
pub(super) type Inode = (u64, u64);

/// Bytes of a slot.
const SLOT: usize = 80;
/// Slots to begin with; a power of two.
const SLOTS: u64 = 1 << 19;

const KINDS: [MemberKind; 7] = [
    MemberKind::File,
    MemberKind::Directory,
    MemberKind::Symlink,
    MemberKind::HardLink,
    MemberKind::CharacterDevice,
    MemberKind::BlockDevice,
    MemberKind::Fifo,
];

#[derive(Debug)]
pub(super) struct SpilledNames {
    slots: File,
    /// A power of two.
    count: u64,
    /// Slots that were ever filled.
    filled: u64,
    paths: File,
    paths_end: u64,
}

/// A slot as it is in the file: empty is all zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Slot {
    inode: Inode,
    /// Names still to come; 0: the inode was removed.
    remaining: u64,
    address: MemberAddress,
    kind: u8,
    size: u64,
    modified: FileTime,
    path: u64,
    path_length: u32,
}

impl Slot {
    fn to_bytes(self) -> [u8; SLOT] {
        let mut bytes = [0; SLOT];
        let long = [
            self.inode.0,
            self.inode.1,
            self.remaining,
            self.address.offset,
            self.size,
            self.modified.seconds.cast_unsigned(),
            self.path,
        ];
        for (field, value) in bytes.chunks_exact_mut(8).zip(long) {
            field.copy_from_slice(&value.to_le_bytes());
        }
        let short = [
            self.address.segment.0,
            self.modified.nanos,
            self.path_length,
        ];
        for (field, value) in bytes[56..].chunks_exact_mut(4).zip(short) {
            field.copy_from_slice(&value.to_le_bytes());
        }
        bytes[68] = self.kind;
        bytes[69] = 1;
        bytes
    }

    fn parse(bytes: &[u8; SLOT]) -> Option<Self> {
        let long = |at: usize| {
            let mut field = [0; 8];
            field.copy_from_slice(&bytes[8 * at..8 * at + 8]);
            u64::from_le_bytes(field)
        };
        let short = |at: usize| {
            let mut field = [0; 4];
            field.copy_from_slice(&bytes[56 + 4 * at..60 + 4 * at]);
            u32::from_le_bytes(field)
        };
        (bytes[69] == 1).then(|| Self {
            inode: (long(0), long(1)),
            remaining: long(2),
            address: MemberAddress {
                segment: SegmentNumber(short(0)),
                offset: long(3),
            },
            size: long(4),
            modified: FileTime {
                seconds: long(5).cast_signed(),
                nanos: short(1),
            },
            path: long(6),
            path_length: short(2),
            kind: bytes[68],
        })
    }
}

impl SpilledNames {
    pub(super) fn new() -> io::Result<Self> {
        Self::with_slots(SLOTS)
    }

    fn with_slots(count: u64) -> io::Result<Self> {
        Ok(Self {
            slots: empty_slots(count)?,
            count,
            filled: 0,
            paths: tempfile::tempfile()?,
            paths_end: 0,
        })
    }

    pub(super) fn get(&self, inode: Inode) -> io::Result<Option<FirstName>> {
        let (_, slot) = self.find(inode)?;
        let Some(slot) = slot.filter(|slot| slot.remaining > 0) else {
            return Ok(None);
        };
        let mut path = vec![0; slot.path_length as usize];
        self.paths.read_exact_at(&mut path, slot.path)?;
        Ok(Some(FirstName {
            path,
            address: slot.address,
            kind: KINDS[usize::from(slot.kind) % KINDS.len()],
            size: slot.size,
            modified: slot.modified,
            remaining: slot.remaining,
        }))
    }

    pub(super) fn insert(&mut self, inode: Inode, name: &FirstName) -> io::Result<()> {
        // One slot stays empty at least: that is where a search ends.
        if (self.filled + 1) * 4 > self.count * 3 {
            self.grow()?;
        }
        self.paths.write_all_at(&name.path, self.paths_end)?;
        let path_length = u32::try_from(name.path.len()).map_err(io::Error::other)?;
        let kind = KINDS.iter().position(|kind| *kind == name.kind);
        let (at, before) = self.find(inode)?;
        let slot = Slot {
            inode,
            remaining: name.remaining,
            address: name.address,
            kind: kind.and_then(|kind| u8::try_from(kind).ok()).unwrap_or(0),
            size: name.size,
            modified: name.modified,
            path: self.paths_end,
            path_length,
        };
        self.put(at, slot)?;
        self.paths_end += u64::from(path_length);
        self.filled += u64::from(before.is_none());
        Ok(())
    }

    /// How many names are still to come; 0 removes the inode.
    pub(super) fn set_remaining(&self, inode: Inode, remaining: u64) -> io::Result<()> {
        match self.find(inode)? {
            (at, Some(slot)) if slot.remaining > 0 => self.put(at, Slot { remaining, ..slot }),
            _ => Ok(()),
        }
    }

    /// The slot of an inode, or the empty one where it belongs.
    fn find(&self, inode: Inode) -> io::Result<(u64, Option<Slot>)> {
        let mixed = (inode.1 ^ inode.0.rotate_left(40)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut at = (mixed ^ (mixed >> 29)) & (self.count - 1);
        loop {
            let mut bytes = [0; SLOT];
            self.slots.read_exact_at(&mut bytes, at * SLOT as u64)?;
            let slot = Slot::parse(&bytes);
            if slot.is_none_or(|slot| slot.inode == inode) {
                return Ok((at, slot));
            }
            at = (at + 1) & (self.count - 1);
        }
    }

    fn put(&self, at: u64, slot: Slot) -> io::Result<()> {
        self.slots.write_all_at(&slot.to_bytes(), at * SLOT as u64)
    }

    /// Twice as many slots, without those removed.
    fn grow(&mut self) -> io::Result<()> {
        let old = std::mem::replace(&mut self.slots, empty_slots(self.count * 2)?);
        let before = self.count;
        self.count *= 2;
        self.filled = 0;
        for at in 0..before {
            let mut bytes = [0; SLOT];
            old.read_exact_at(&mut bytes, at * SLOT as u64)?;
            if let Some(slot) = Slot::parse(&bytes).filter(|slot| slot.remaining > 0) {
                let (at, _) = self.find(slot.inode)?;
                self.put(at, slot)?;
                self.filled += 1;
            }
        }
        Ok(())
    }
}

fn empty_slots(count: u64) -> io::Result<File> {
    let file = tempfile::tempfile()?;
    file.set_len(count * SLOT as u64)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    fn name(seed: u64, remaining: u64) -> FirstName {
        FirstName {
            path: format!("folder/{seed}").into_bytes(),
            address: MemberAddress {
                segment: SegmentNumber(u32::try_from(seed % 7).unwrap()),
                offset: seed * 512,
            },
            kind: KINDS[usize::try_from(seed % 7).unwrap()],
            size: seed * 3,
            modified: FileTime {
                seconds: -5 - i64::try_from(seed).unwrap(),
                nanos: 999_999_999,
            },
            remaining,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Whatever is done to it, it holds what a map in memory holds; it grows several times.
        #[test]
        fn is_a_map(steps in prop::collection::vec((0_u64..60, 0_u64..4, 0_u64..1000), 0..300)) {
            let mut spilled = SpilledNames::with_slots(4).unwrap();
            let mut map = HashMap::new();
            for (number, remaining, seed) in steps {
                let inode = (number % 3, number);
                if seed.is_multiple_of(3) {
                    spilled.set_remaining(inode, remaining).unwrap();
                    if let Some(known) = map.get_mut(&inode) {
                        let known: &mut FirstName = known;
                        known.remaining = remaining;
                    }
                } else {
                    let name = name(seed, remaining + 1);
                    spilled.insert(inode, &name).unwrap();
                    map.insert(inode, name);
                }
                map.retain(|_, name| name.remaining > 0);
            }
            for number in 0..60 {
                let inode = (number % 3, number);
                let found = spilled.get(inode).unwrap();
                prop_assert_eq!(found.as_ref(), map.get(&inode));
            }
        }
    }
}
