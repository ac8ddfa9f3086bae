//! Writing an age file, its chunks encrypted by several threads.

use std::io;
use std::sync::Arc;

use bytes::Bytes;

use super::CodecError;
use super::age_bounds::{CHUNK_BYTES, TAG_BYTES};
use super::age_header;
use super::age_payload::{PayloadKey, Place};
use super::crew::{Crew, InOrder};
use super::encoder::{CodedOutput, Window};
use super::job::{Job, for_each_chunk};
use crate::buffer::{Buffer, Buffers};
use crate::key::Recipient;

/// Encrypts what is put into it.
pub(super) struct AgeWriter<W> {
    output: W,
    key: Arc<PayloadKey>,
    plain: Arc<Buffers>,
    coded: Arc<Buffers>,
    /// Not handed on when it is full but when more comes: it may hold the last chunk.
    job: Job,
    next_chunk: u64,
    tasks: InOrder<io::Result<Bytes>>,
}

impl<W: CodedOutput> AgeWriter<W> {
    /// Makes a file key and writes the header.
    pub(super) fn new(
        recipients: &[Recipient],
        window: Window,
        mut output: W,
    ) -> Result<Self, CodecError> {
        let (header, key) = age_header::begin(recipients)?;
        output.put(&header)?;
        let task = window.task_bytes();
        let most = window.tasks_of(task).clamp(1, 4 * Crew::shared().threads());
        let plain = Buffers::new(task, most + 1);
        Ok(Self {
            output,
            key: Arc::new(key),
            job: Job::new(&plain),
            plain,
            coded: Buffers::new(task / CHUNK_BYTES * (CHUNK_BYTES + TAG_BYTES), most + 1),
            next_chunk: 0,
            tasks: InOrder::new(most),
        })
    }

    pub(super) fn put(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            self.make_room()?;
            let (now, later) = bytes.split_at(bytes.len().min(self.job.room()));
            self.job.push(now);
            bytes = later;
        }
        Ok(())
    }

    pub(super) fn put_shared(&mut self, mut bytes: Bytes) -> io::Result<()> {
        while !bytes.is_empty() {
            self.make_room()?;
            let now = bytes.split_to(bytes.len().min(self.job.room()));
            self.job.push_shared(now);
        }
        Ok(())
    }

    fn make_room(&mut self) -> io::Result<()> {
        if self.job.room() > 0 {
            return Ok(());
        }
        self.begin(Place::Within);
        while let Some(coded) = self.tasks.take_due() {
            self.output.put_shared(coded??)?;
        }
        Ok(())
    }

    fn begin(&mut self, place: Place) {
        let job = std::mem::replace(&mut self.job, Job::new(&self.plain));
        let (key, first) = (Arc::clone(&self.key), self.next_chunk);
        let coded = self.coded.take();
        self.next_chunk += (job.len() / CHUNK_BYTES) as u64;
        self.tasks
            .push(Crew::shared().begin(move || seal(&key, first, place, &job, coded)));
    }

    /// Encrypts what is left and returns the output, complete.
    pub(super) fn finish(mut self) -> io::Result<W> {
        self.begin(Place::Last);
        while let Some(coded) = self.tasks.take() {
            self.output.put_shared(coded??)?;
        }
        Ok(self.output)
    }
}

/// Encrypts the chunks of a job, of which the last is the payload's last if `place` says so.
fn seal(
    key: &PayloadKey,
    mut number: u64,
    place: Place,
    job: &Job,
    mut coded: Buffer,
) -> io::Result<Bytes> {
    let mut left = job.len();
    if left == 0 {
        // Of an empty payload, the only chunk is empty.
        key.seal(number, place, &[], coded.grow(TAG_BYTES))?;
        return Ok(coded.freeze());
    }
    for_each_chunk(job.slices(), CHUNK_BYTES, |chunk| {
        left -= chunk.len();
        let place = if left == 0 { place } else { Place::Within };
        key.seal(number, place, chunk, coded.grow(chunk.len() + TAG_BYTES))?;
        number += 1;
        io::Result::Ok(())
    })?;
    Ok(coded.freeze())
}
