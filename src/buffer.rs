//! Buffers that are used again: fresh memory costs more than what is done with it.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

/// Buffers of one size. Those given back are handed out again, the last one first: it may still be
/// in a core's cache.
#[derive(Debug)]
pub struct Buffers {
    size: usize,
    /// How many free ones are kept.
    keep: usize,
    free: Mutex<Vec<Vec<u8>>>,
}

impl Buffers {
    /// Buffers of `size` bytes, of which `keep` are kept for later use.
    #[must_use]
    pub fn new(size: usize, keep: usize) -> Arc<Self> {
        Arc::new(Self {
            size,
            keep,
            free: Mutex::default(),
        })
    }

    /// Bytes in each.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// A buffer, empty.
    #[must_use]
    pub fn take(self: &Arc<Self>) -> Buffer {
        // The list is consistent between statements: a panic elsewhere does not spoil it.
        let used = self
            .free
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        Buffer {
            bytes: used.unwrap_or_else(|| vec![0; self.size]),
            filled: 0,
            home: Arc::clone(self),
        }
    }
}

/// A buffer of fixed size, filled from its beginning.
#[derive(Debug)]
pub struct Buffer {
    bytes: Vec<u8>,
    filled: usize,
    home: Arc<Buffers>,
}

impl Buffer {
    /// Bytes filled.
    #[must_use]
    pub fn len(&self) -> usize {
        self.filled
    }

    /// Whether nothing is filled.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.filled == 0
    }

    /// Bytes that still fit.
    #[must_use]
    pub fn room(&self) -> usize {
        self.bytes.len() - self.filled
    }

    /// Appends bytes, of which there must be no more than [`Self::room`].
    pub fn extend(&mut self, bytes: &[u8]) {
        self.bytes[self.filled..self.filled + bytes.len()].copy_from_slice(bytes);
        self.filled += bytes.len();
    }

    /// The next `count` bytes, with whatever they held, to be written over; no more than
    /// [`Self::room`]. They count as filled.
    pub fn grow(&mut self, count: usize) -> &mut [u8] {
        let from = self.filled;
        self.filled += count;
        &mut self.bytes[from..self.filled]
    }

    /// Takes the last filled bytes back, down to `length`.
    pub fn truncate(&mut self, length: usize) {
        self.filled = self.filled.min(length);
    }

    /// To be shared; it goes back when the last share is dropped.
    #[must_use]
    pub fn freeze(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.filled]
    }
}

impl AsMut<[u8]> for Buffer {
    fn as_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.filled]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut free = self
            .home
            .free
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if free.len() < self.home.keep {
            free.push(std::mem::take(&mut self.bytes));
        }
    }
}

/// A part of shared bytes, to be joined with the part behind it.
#[derive(Debug, Clone)]
pub struct Stretch {
    whole: Bytes,
    range: Range<usize>,
}

impl Stretch {
    /// These bytes of `whole`, which must have them.
    #[must_use]
    pub fn new(whole: Bytes, range: Range<usize>) -> Self {
        Self { whole, range }
    }

    /// Bytes in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.range.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.range.is_empty()
    }

    /// Takes the first `count` bytes, of which there must be as many, out of it.
    #[must_use]
    pub fn split_to(&mut self, count: usize) -> Self {
        let start = self.range.start;
        self.range.start += count;
        Self {
            whole: self.whole.clone(),
            range: start..start + count,
        }
    }

    /// Makes `next` a part of this, if it lies right behind it.
    #[must_use]
    pub fn join(&mut self, next: &Self) -> bool {
        let follows = self.whole.as_ptr() == next.whole.as_ptr()
            && self.whole.len() == next.whole.len()
            && self.range.end == next.range.start;
        if follows {
            self.range.end = next.range.end;
        }
        follows
    }

    /// The bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        self.whole.slice(self.range.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_goes_back_when_its_last_share_is_dropped() {
        let buffers = Buffers::new(8, 1);
        let mut buffer = buffers.take();
        buffer.extend(b"abc");
        buffer.grow(2).copy_from_slice(b"de");
        assert_eq!((buffer.len(), buffer.room()), (5, 3));
        let whole = buffer.freeze();
        let part = whole.slice(1..3);
        drop(whole);
        assert!(buffers.free.lock().unwrap().is_empty());
        assert_eq!(&part[..], b"bc");
        drop(part);
        assert_eq!(buffers.free.lock().unwrap().len(), 1);
        let (again, other) = (buffers.take(), buffers.take());
        assert!(again.is_empty() && other.is_empty());
        drop((again, other));
        assert_eq!(buffers.free.lock().unwrap().len(), 1, "no more are kept");
    }

    #[test]
    fn what_lies_behind_each_other_is_joined() {
        let (whole, other) = (Bytes::from_static(b"abcdef"), Bytes::from_static(b"abcdeg"));
        let mut all = Stretch::new(whole.clone(), 0..2);
        let mut rest = Stretch::new(whole, 2..6);
        let middle = rest.split_to(3);
        assert!(!all.join(&rest));
        assert!(!all.join(&Stretch::new(other, 2..6)));
        assert!(all.join(&middle) && all.join(&rest));
        assert_eq!((&all.to_bytes()[..], all.len()), (&b"abcdef"[..], 6));
    }
}
