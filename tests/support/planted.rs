//! Sets whose tar stream is not what a backup would write: the archive is the content of a backed-up
//! file, and the index of the set is replaced by one that leads into it.
#![allow(dead_code)] // each test program uses a part of it

use std::fs;

use tapeward::archive::header::MemberHeader;
use tapeward::archive::member::{IndexEntry, MemberAddress, MemberKind, MemberState};
use tapeward::archive::order::walk_order;
use tapeward::archive::reader::ArchiveReader;
use tapeward::catalogue::Catalogue;
use tapeward::index::{IndexReader, IndexWriter};

use crate::world::World;

/// A member as it stands in the stream: its headers, and its data with padding.
pub(crate) struct Planted {
    pub(crate) headers: Vec<u8>,
    pub(crate) data: Vec<u8>,
}

impl Planted {
    pub(crate) fn new(header: &MemberHeader, content: &[u8]) -> Self {
        let mut data = content.to_vec();
        data.resize(data.len().next_multiple_of(512), 0);
        Self {
            headers: header.to_bytes(),
            data,
        }
    }

    fn bytes(&self) -> Vec<u8> {
        [self.headers.as_slice(), &self.data].concat()
    }
}

/// Writes one archive for each name to a set of that name, all in one job.
pub(crate) fn write_sets(world: &World, sets: &[(&str, Vec<Planted>)]) {
    for (name, members) in sets {
        let source = world.path(&format!("source-{name}"));
        fs::create_dir(&source).unwrap();
        let bytes: Vec<u8> = members.iter().flat_map(Planted::bytes).collect();
        fs::write(source.join("blob"), bytes).unwrap();
        world.ok(["set", "define", name, source.to_str().unwrap()]);
    }
    world.run_job();
    world.return_cartridges();
    for (name, members) in sets {
        replace_index(world, name, members);
    }
}

fn replace_index(world: &World, name: &str, members: &[Planted]) {
    let catalogue = Catalogue::open(&world.state().join("catalogue.db")).unwrap();
    let stored = catalogue
        .read(|view| {
            let definition = view.definition_by_name(name)?.unwrap();
            Ok::<_, tapeward::error::Error>(view.newest_set(definition.id)?.unwrap().index)
        })
        .unwrap()
        .unwrap();
    let path = world.state().join("indexes").join(stored.file);
    let old = IndexReader::open(&path).unwrap();
    let blob = old.lookup(b"blob").unwrap().unwrap();
    let mut offset = blob.address.offset + blob.length - blob.size.next_multiple_of(512);
    let mut rows: Vec<IndexEntry> = Vec::new();
    for member in members {
        let bytes = member.bytes();
        let address = MemberAddress {
            offset,
            ..blob.address
        };
        offset += bytes.len() as u64;
        // What the reader does not understand has no row of its own.
        let Ok(Some(header)) = ArchiveReader::new(bytes.as_slice()).next_member() else {
            continue;
        };
        let is_file = header.kind == MemberKind::File;
        rows.push(IndexEntry {
            kind: header.kind,
            size: header.size,
            modified: header.modified,
            mode: header.mode & 0o7777,
            uid: header.uid,
            gid: header.gid,
            address,
            length: bytes.len() as u64,
            digest: is_file.then(|| {
                let size = usize::try_from(header.size).unwrap();
                *blake3::hash(&member.data[..size]).as_bytes()
            }),
            link: (header.kind == MemberKind::HardLink).then_some(MemberAddress {
                offset: offset - bytes.len() as u64,
                ..blob.address
            }),
            state: MemberState::Intact,
            path: header.path,
        });
    }
    rows.sort_by(|a, b| walk_order(&a.path, &b.path).then(a.address.cmp(&b.address)));
    let mut writer = IndexWriter::new(Vec::new(), old.header()).unwrap();
    for row in &rows {
        writer.push(row).unwrap();
    }
    let (_, bytes) = writer.finish(old.frames()).unwrap();
    drop(old);
    fs::remove_file(&path).unwrap();
    fs::write(&path, bytes).unwrap();
}
