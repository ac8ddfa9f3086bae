//! Lines from a scanner: from a terminal, with the time each took, or from a pipe.
//!
//! A terminal gives whole lines and no times as it is by default. So it is asked for each character, and
//! what it would have done with them (showing, erasing) is done here; a PIN is not shown.

use std::io::{self, IsTerminal, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout};
use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};

use super::line::LONGEST;
use crate::clock::Clock;
use crate::progress::Interrupt;

/// How often is looked whether somebody wants to stop.
const LOOK: u16 = 200;
/// Ctrl-D: the end.
const END: u8 = 0x04;

/// Whether what is typed is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Echo {
    /// Yes.
    Shown,
    /// No: it is a PIN.
    Hidden,
}

/// A line as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raw {
    /// Without its end.
    pub text: String,
    /// How long it took from its first character, where that is known.
    pub took: Option<Duration>,
}

/// Puts characters together to lines.
#[derive(Debug, Default)]
pub struct Lines {
    bytes: Vec<u8>,
    began: Option<Duration>,
}

/// What a character has done.
#[derive(Debug, PartialEq, Eq)]
enum Key {
    Ended(Raw),
    Added(u8),
    Erased(usize),
    Ignored,
    Over,
}

impl Lines {
    /// The next character and when it came.
    fn push(&mut self, byte: u8, at: Duration) -> Key {
        match byte {
            b'\r' | b'\n' => Key::Ended(self.end(at)),
            END if self.bytes.is_empty() => Key::Over,
            0x08 | 0x7f => Key::Erased(usize::from(self.bytes.pop().is_some())),
            // Ctrl-U: all of it.
            0x15 => Key::Erased(std::mem::take(&mut self.bytes).len()),
            byte if byte < 0x20 => Key::Ignored,
            _ if self.bytes.len() >= 4 * LONGEST => Key::Ignored,
            byte => {
                self.began.get_or_insert(at);
                self.bytes.push(byte);
                Key::Added(byte)
            }
        }
    }

    fn end(&mut self, at: Duration) -> Raw {
        let began = self.began.take();
        let bytes = std::mem::take(&mut self.bytes);
        Raw {
            text: String::from_utf8_lossy(&bytes).into_owned(),
            took: began.map(|began| at.saturating_sub(began)),
        }
    }
}

/// Standard input.
#[derive(Debug)]
pub struct Input {
    stdin: io::Stdin,
    before: Option<Termios>,
    lines: Lines,
    waiting: Vec<u8>,
    /// The last character was a carriage return: a line feed behind it is no line.
    returned: bool,
}

impl Input {
    /// Standard input, as it is to be read; as it was when this is dropped.
    ///
    /// # Errors
    /// The terminal does not take the settings.
    pub fn open() -> io::Result<Self> {
        let stdin = io::stdin();
        let before = if stdin.is_terminal() {
            let before = tcgetattr(&stdin)?;
            let mut each = before.clone();
            each.local_flags
                .remove(LocalFlags::ICANON | LocalFlags::ECHO | LocalFlags::ECHONL);
            tcsetattr(&stdin, SetArg::TCSADRAIN, &each)?;
            Some(before)
        } else {
            None
        };
        Ok(Self {
            stdin,
            before,
            lines: Lines::default(),
            waiting: Vec::new(),
            returned: false,
        })
    }

    /// Whether a person sits before it.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        self.before.is_some()
    }

    /// The next line; nothing at the end.
    ///
    /// # Errors
    /// It cannot be read; [`io::ErrorKind::Interrupted`] when somebody asked to stop.
    pub fn line(
        &mut self,
        echo: Echo,
        clock: &dyn Clock,
        interrupt: &Interrupt,
    ) -> io::Result<Option<Raw>> {
        loop {
            if self.waiting.is_empty() && !self.fill(interrupt)? {
                // A last line without its end counts too.
                let rest = self.lines.end(clock.monotonic());
                return Ok((!rest.text.is_empty()).then_some(Raw { took: None, ..rest }));
            }
            let at = clock.monotonic();
            let mut shown = Vec::new();
            let mut result = None;
            let mut used = 0;
            for byte in &self.waiting {
                used += 1;
                if std::mem::replace(&mut self.returned, *byte == b'\r') && *byte == b'\n' {
                    continue;
                }
                match self.lines.push(*byte, at) {
                    Key::Ended(raw) => {
                        shown.push(b'\n');
                        result = Some(Some(raw));
                    }
                    Key::Over if self.before.is_some() => result = Some(None),
                    Key::Added(byte) if echo == Echo::Shown => shown.push(byte),
                    Key::Erased(times) if echo == Echo::Shown => {
                        shown.extend(b"\x08 \x08".repeat(times));
                    }
                    Key::Added(_) | Key::Erased(_) | Key::Ignored | Key::Over => {}
                }
                if result.is_some() {
                    break;
                }
            }
            self.waiting.drain(..used);
            if self.before.is_some() {
                let mut out = io::stdout().lock();
                out.write_all(&shown)?;
                out.flush()?;
            }
            if let Some(result) = result {
                return Ok(result.map(|raw| Raw {
                    took: raw.took.filter(|_| self.before.is_some()),
                    ..raw
                }));
            }
        }
    }

    /// Waits for more; false at the end.
    fn fill(&mut self, interrupt: &Interrupt) -> io::Result<bool> {
        loop {
            if interrupt.requested() {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let ready = {
                let mut waits = [PollFd::new(self.stdin.as_fd(), PollFlags::POLLIN)];
                nix::poll::poll(&mut waits, PollTimeout::from(LOOK))
            };
            match ready {
                Ok(0) | Err(Errno::EINTR) => continue,
                Ok(_) => {}
                Err(error) => return Err(error.into()),
            }
            return match read(self.stdin.as_fd(), &mut self.waiting) {
                Err(Errno::EINTR | Errno::EAGAIN) => continue,
                // The other end of a terminal is gone.
                Err(Errno::EIO) => Ok(false),
                other => Ok(other? > 0),
            };
        }
    }
}

fn read(from: BorrowedFd<'_>, into: &mut Vec<u8>) -> nix::Result<usize> {
    let mut bytes = [0; 4096];
    let length = nix::unistd::read(from, &mut bytes)?;
    into.extend_from_slice(&bytes[..length]);
    Ok(length)
}

impl Drop for Input {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            // A terminal that is gone needs nothing any more.
            let _ = tcsetattr(&self.stdin, SetArg::TCSADRAIN, before);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(lines: &mut Lines, text: &str, from: u64, each: u64) -> Option<Raw> {
        let mut ended = None;
        for (index, byte) in text.bytes().enumerate() {
            let at = Duration::from_millis(from + each * index as u64);
            if let Key::Ended(raw) = lines.push(byte, at) {
                ended = Some(raw);
            }
        }
        ended
    }

    #[test]
    fn a_line_knows_how_long_it_took() {
        let mut lines = Lines::default();
        let scanned = typed(&mut lines, "TWV001L8\r", 1000, 2).unwrap();
        assert_eq!(scanned.text, "TWV001L8");
        assert_eq!(scanned.took, Some(Duration::from_millis(16)));
        let by_hand = typed(&mut lines, "TWV001L8\n", 5000, 150).unwrap();
        assert_eq!(by_hand.took, Some(Duration::from_millis(1200)));
    }

    #[test]
    fn keys_erase() {
        let mut lines = Lines::default();
        assert_eq!(typed(&mut lines, "AB\x7fC\n", 0, 1).unwrap().text, "AC");
        assert_eq!(typed(&mut lines, "AB\x15C\n", 0, 1).unwrap().text, "C");
        assert_eq!(lines.push(END, Duration::ZERO), Key::Over);
    }
}
