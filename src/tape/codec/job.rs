//! Bytes collected for one task: copied where they are few, shared where they are many.

use std::sync::Arc;

use bytes::Bytes;

use crate::buffer::{Buffer, Buffers};

/// Shared pieces at least this long are kept as they are; copying shorter ones costs less than
/// looking after them.
const WORTH_SHARING: usize = 32 << 10;

#[derive(Debug)]
enum Part {
    /// Bytes of [`Job::own`] up to this one.
    Own(usize),
    Shared(Bytes),
}

/// Bytes up to a given number, in order.
#[derive(Debug)]
pub(super) struct Job {
    own: Buffer,
    parts: Vec<Part>,
    length: usize,
    limit: usize,
}

impl Job {
    /// For as many bytes as a buffer has.
    pub(super) fn new(buffers: &Arc<Buffers>) -> Self {
        Self {
            own: buffers.take(),
            parts: Vec::new(),
            length: 0,
            limit: buffers.size(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.length
    }

    pub(super) fn room(&self) -> usize {
        self.limit - self.length
    }

    /// Takes no more than there is room for.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.own.extend(bytes);
        self.length += bytes.len();
        match self.parts.last_mut() {
            Some(Part::Own(end)) => *end = self.own.len(),
            _ => self.parts.push(Part::Own(self.own.len())),
        }
    }

    /// Takes no more than there is room for.
    pub(super) fn push_shared(&mut self, bytes: Bytes) {
        if bytes.len() < WORTH_SHARING {
            self.push(&bytes);
        } else {
            self.length += bytes.len();
            self.parts.push(Part::Shared(bytes));
        }
    }

    /// The bytes in order, as few slices as there are.
    pub(super) fn slices(&self) -> impl Iterator<Item = &[u8]> {
        let mut own = 0;
        self.parts.iter().map(move |part| match part {
            Part::Own(end) => {
                let from = std::mem::replace(&mut own, *end);
                &self.own.as_ref()[from..*end]
            }
            Part::Shared(bytes) => &bytes[..],
        })
    }
}

/// Cuts slices into chunks of one size (the last may be shorter), copying only those that lie in
/// more than one slice.
pub(super) fn for_each_chunk<'a, E>(
    slices: impl Iterator<Item = &'a [u8]>,
    size: usize,
    mut chunk: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let mut straddling: Vec<u8> = Vec::new();
    for mut slice in slices {
        if !straddling.is_empty() {
            let (now, later) = slice.split_at(slice.len().min(size - straddling.len()));
            straddling.extend_from_slice(now);
            slice = later;
            if straddling.len() == size {
                chunk(&straddling)?;
                straddling.clear();
            }
        }
        let whole = slice.len() - slice.len() % size;
        for now in slice[..whole].chunks(size) {
            chunk(now)?;
        }
        if straddling.is_empty() && whole < slice.len() {
            straddling.reserve(size);
            straddling.extend_from_slice(&slice[whole..]);
        }
    }
    if straddling.is_empty() {
        Ok(())
    } else {
        chunk(&straddling)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    #[test]
    fn chunks_are_the_same_whatever_the_slices_are() {
        let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
        for lengths in [&[1, 2, 3][..], &[40_000, 5, 60], &[999], &[70_000, 1]] {
            let buffers = Buffers::new(bytes.len(), 0);
            let mut job = Job::new(&buffers);
            let (mut left, mut lengths) = (&bytes[..], lengths.iter().cycle());
            while !left.is_empty() {
                let length = lengths.next().unwrap();
                let (now, later) = left.split_at((*length).min(left.len()));
                if length.is_multiple_of(2) {
                    job.push_shared(Bytes::copy_from_slice(now));
                } else {
                    job.push(now);
                }
                left = later;
            }
            assert_eq!((job.len(), job.room()), (bytes.len(), 0));
            assert!(job.slices().collect::<Vec<_>>().concat() == bytes);
            let mut chunks = Vec::new();
            let walked = for_each_chunk(job.slices(), 4096, |chunk| {
                chunks.push(chunk.to_vec());
                Ok::<_, Infallible>(())
            });
            assert!(walked.is_ok());
            assert!(chunks == bytes.chunks(4096).map(<[u8]>::to_vec).collect::<Vec<_>>());
        }
    }
}
