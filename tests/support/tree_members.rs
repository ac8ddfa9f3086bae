//! Archives made member by member, and their extraction.

#![allow(dead_code)] // each test program uses a part of it

use std::path::Path;

use tapeward::archive::extract::{Existing, ExtractOptions, Extractor, Outcome};
use tapeward::archive::header::{DeviceNumber, MemberHeader};
use tapeward::archive::member::{FileTime, MemberKind};
use tapeward::archive::problem::{ArchiveError, Problem};
use tapeward::archive::reader::ArchiveReader;

pub(crate) fn header(path: &[u8], kind: MemberKind) -> MemberHeader {
    MemberHeader {
        path: path.to_vec(),
        kind,
        mode: 0o644,
        uid: nix::unistd::geteuid().as_raw(),
        gid: nix::unistd::getegid().as_raw(),
        owner: Vec::new(),
        group: Vec::new(),
        modified: FileTime {
            seconds: 1_000_000_000,
            nanos: 0,
        },
        size: 0,
        device: DeviceNumber { major: 0, minor: 0 },
        link: Vec::new(),
        sparse: None,
        attributes: Vec::new(),
        access_acl: None,
        default_acl: None,
    }
}

pub(crate) fn directory(path: &[u8]) -> (MemberHeader, &'static [u8]) {
    let mut header = header(path, MemberKind::Directory);
    header.mode = 0o755;
    (header, b"")
}

pub(crate) fn file<'a>(path: &[u8], content: &'a [u8]) -> (MemberHeader, &'a [u8]) {
    let mut header = header(path, MemberKind::File);
    header.size = content.len() as u64;
    (header, content)
}

pub(crate) fn link(path: &[u8], kind: MemberKind, target: &[u8]) -> (MemberHeader, &'static [u8]) {
    let mut header = header(path, kind);
    header.link = target.to_vec();
    (header, b"")
}

pub(crate) fn archive(members: &[(MemberHeader, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (header, content) in members {
        bytes.extend_from_slice(&header.to_bytes());
        bytes.extend_from_slice(content);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}

pub(crate) fn options(existing: Existing) -> ExtractOptions {
    ExtractOptions::with_everything(existing)
}

pub(crate) fn extract_with(
    bytes: &[u8],
    target: &Path,
    options: ExtractOptions,
) -> Result<(Vec<Outcome>, Vec<Problem>), ArchiveError> {
    let mut problems = Vec::new();
    let mut outcomes = Vec::new();
    let mut report = |problem| problems.push(problem);
    let mut extractor = Extractor::new(target, options)?;
    let mut reader = ArchiveReader::new(bytes);
    while let Some(header) = reader.next_member()? {
        let path = header.path.clone();
        outcomes.push(extractor.extract(&path, &header, &mut reader, None, &mut report)?);
    }
    extractor.finish(&mut report);
    Ok((outcomes, problems))
}
