//! Asking for a secret on the terminal.
//!
//! The terminal is quiet before the question stands there, so that nothing typed, by a hand or a
//! program, is shown; and it is as it was before whatever ends the wait, Ctrl-C too.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};

use nix::sys::termios::{
    LocalFlags, SetArg, SpecialCharacterIndices, Termios, tcgetattr, tcsetattr,
};
use zeroize::Zeroizing;

/// What Ctrl-C sends while it is no signal: it ends the line.
const INTERRUPT: u8 = 0x03;
/// Longest line a terminal gives (Linux, `termios(3)`, canonical mode).
const LONGEST: usize = 4096;

/// Asks on the controlling terminal and reads one line, which is not shown.
///
/// # Errors
/// [`io::ErrorKind::Interrupted`] after Ctrl-C, [`io::ErrorKind::UnexpectedEof`] after Ctrl-D; where
/// there is no terminal, what opening it said.
pub(super) fn ask(prompt: &str) -> io::Result<Zeroizing<String>> {
    let terminal = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
    let _quiet = Quiet::new(&terminal)?;
    (&terminal).write_all(prompt.as_bytes())?;
    let line = read_line(&terminal);
    (&terminal).write_all(b"\n")?;
    line
}

fn read_line(mut terminal: &File) -> io::Result<Zeroizing<String>> {
    let mut bytes = Zeroizing::new([0; LONGEST]);
    let length = loop {
        match terminal.read(&mut bytes[..]) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => break other?,
        }
    };
    match bytes[..length].split_last() {
        Some((b'\n', line)) => std::str::from_utf8(line)
            .map(|text| Zeroizing::new(text.to_owned()))
            .map_err(io::Error::other),
        Some((&INTERRUPT, _)) => Err(io::ErrorKind::Interrupted.into()),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// A terminal that shows nothing; as it was before when this is dropped.
struct Quiet<'t> {
    terminal: &'t File,
    before: Termios,
}

impl<'t> Quiet<'t> {
    fn new(terminal: &'t File) -> io::Result<Quiet<'t>> {
        let before = tcgetattr(terminal)?;
        let mut quiet = before.clone();
        // Ctrl-C must not kill the process while the terminal is not as it was.
        quiet
            .local_flags
            .remove(LocalFlags::ECHO | LocalFlags::ECHONL | LocalFlags::ISIG);
        quiet.local_flags.insert(LocalFlags::ICANON);
        quiet.control_chars[SpecialCharacterIndices::VEOL as usize] = INTERRUPT;
        tcsetattr(terminal, SetArg::TCSAFLUSH, &quiet)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Quiet<'_> {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing any more.
        let _ = tcsetattr(self.terminal, SetArg::TCSADRAIN, &self.before);
    }
}
