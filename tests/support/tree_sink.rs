//! A sink that keeps the stream in memory and can stop at any byte, as the end of a segment does.
#![allow(dead_code)] // each test program uses a part of it

use std::collections::BTreeMap;

use tapeward::archive::links::EarlierMembers;
use tapeward::archive::member::{
    Faith, IndexEntry, MemberAddress, MemberSink, MemberStart, PartialMember, ResumePoint,
    SegmentNumber, SinkError, StreamPhase,
};

/// The stream so far, over any number of sessions.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    pub(crate) bytes: Vec<u8>,
    pub(crate) entries: Vec<IndexEntry>,
    pub(crate) resume: ResumePoint,
    /// Stop when the stream is this long.
    pub(crate) stop_at: Option<usize>,
    segment: u32,
    segment_start: usize,
    begun: Option<PartialMember>,
}

impl Stream {
    pub(crate) fn stopping_at(length: usize) -> Self {
        Self {
            stop_at: Some(length),
            ..Self::default()
        }
    }

    /// Begins the next segment where the last one stopped.
    pub(crate) fn next_session(&mut self, stop_at: Option<usize>) -> ResumePoint {
        self.begun = self.resume.partial.clone();
        self.segment += 1;
        self.segment_start = self.bytes.len();
        self.stop_at = stop_at;
        self.resume.clone()
    }

    /// The committed index, as a later session looks it up.
    pub(crate) fn index(&self) -> Index {
        let entries = self.entries.iter();
        Index(
            entries
                .map(|entry| (entry.path.clone(), entry.clone()))
                .collect(),
        )
    }
}

/// Where an address lies in the whole stream, by where the sessions' segments start.
pub(crate) fn position(address: MemberAddress, starts: &[usize]) -> usize {
    let start = starts[usize::try_from(address.segment.0).unwrap()];
    start + usize::try_from(address.offset).unwrap()
}

#[derive(Debug, Default)]
pub(crate) struct Index(BTreeMap<Vec<u8>, IndexEntry>);

impl EarlierMembers for Index {
    fn lookup(&self, path: &[u8]) -> Option<IndexEntry> {
        self.0.get(path).cloned()
    }
}

impl MemberSink for Stream {
    fn begin(&mut self, start: &MemberStart) -> Result<MemberAddress, SinkError> {
        assert!(self.begun.is_none(), "a member within a member");
        assert_eq!(start.headers.len() as u64, start.header_length);
        let address = MemberAddress {
            segment: SegmentNumber(self.segment),
            offset: (self.bytes.len() - self.segment_start) as u64,
        };
        self.begun = Some(PartialMember {
            start: start.clone(),
            address,
            written: 0,
            faith: Faith::Kept,
        });
        // A segment that ends exactly between two members has not begun the next one.
        if self.stop_at == Some(self.bytes.len()) {
            self.resume.partial = None;
            return Err(SinkError::Interrupted);
        }
        Ok(address)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), SinkError> {
        let room = self
            .stop_at
            .map_or(usize::MAX, |stop| stop - self.bytes.len());
        let taken = bytes.len().min(room);
        self.bytes.extend_from_slice(&bytes[..taken]);
        self.resume.stream_offset += taken as u64;
        match &mut self.begun {
            Some(begun) => {
                begun.written += taken as u64;
                assert!(
                    begun.written <= begun.start.length,
                    "more bytes than announced"
                );
            }
            None if taken > 0 => self.resume.phase = StreamPhase::Ending,
            None => {}
        }
        if taken < bytes.len() {
            self.resume.partial = self.begun.clone();
            return Err(SinkError::Interrupted);
        }
        Ok(())
    }

    fn break_faith(&mut self) {
        if let Some(begun) = &mut self.begun {
            begun.faith = Faith::Broken;
        }
    }

    fn end(&mut self, entry: IndexEntry) -> Result<(), SinkError> {
        let begun = self.begun.take().expect("an end without a beginning");
        assert_eq!(
            begun.written, begun.start.length,
            "fewer bytes than announced"
        );
        assert_eq!(begun.address, entry.address);
        self.resume.last_path = Some(entry.path.clone());
        self.resume.partial = None;
        self.entries.push(entry);
        Ok(())
    }
}
