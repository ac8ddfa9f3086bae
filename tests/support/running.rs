//! Programs that run while a test does something else.
#![allow(dead_code)] // each test program uses a part of it

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::world::World;

/// A process whose standard error is read line by line.
pub(crate) struct Running {
    child: Child,
    stderr: BufReader<std::process::ChildStderr>,
    pub(crate) said: String,
}

impl Running {
    pub(crate) fn start(world: &World, arguments: &[&str]) -> Self {
        let mut command = world.command(arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self {
            child,
            stderr,
            said: String::new(),
        }
    }

    pub(crate) fn id(&self) -> String {
        self.child.id().to_string()
    }

    /// Reads on until a line holds this.
    pub(crate) fn read_until(&mut self, words: &str) {
        loop {
            let mut line = String::new();
            let length = self.stderr.read_line(&mut line).unwrap();
            assert!(length > 0, "it never said \"{words}\" but\n{}", self.said);
            self.said += &line;
            if line.contains(words) {
                return;
            }
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let id = Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        kill(id, signal).unwrap();
    }

    /// Whether it was stopped by a signal (proc(5), state).
    pub(crate) fn is_stopped(&self) -> bool {
        let path = format!("/proc/{}/stat", self.child.id());
        let status = std::fs::read_to_string(path).unwrap();
        status.rsplit_once(") ").unwrap().1.starts_with('T')
    }

    pub(crate) fn interrupt(&self) {
        self.signal(Signal::SIGINT);
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
    }

    /// Waits for its end; everything it said.
    pub(crate) fn end(mut self) -> Output {
        let mut stdout = Vec::new();
        let mut out = self.child.stdout.take().unwrap();
        self.stderr.read_to_string(&mut self.said).unwrap();
        out.read_to_end(&mut stdout).unwrap();
        Output {
            status: self.child.wait().unwrap(),
            stdout,
            stderr: self.said.into_bytes(),
        }
    }
}
