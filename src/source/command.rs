//! What a command writes, as it comes.

use std::time::Duration;

use super::process::{Ended, Launch, Output, Process, Waiting, command_failed};
use super::stream::{ByteSource, Piece};
use crate::clock::Clock;
use crate::error::{Context, Error, Result};
use crate::progress::Interrupt;

/// The output of a command that runs.
#[derive(Debug)]
pub struct CommandBytes<'a> {
    process: Process,
    clock: &'a dyn Clock,
    interrupt: &'a Interrupt,
    /// How long it may write nothing.
    stall: Duration,
    /// When it last wrote something.
    last: Duration,
    ended: Option<Ended>,
}

impl<'a> CommandBytes<'a> {
    /// Starts it.
    ///
    /// # Errors
    /// Its program cannot be run.
    pub fn start(
        launch: &Launch,
        clock: &'a dyn Clock,
        interrupt: &'a Interrupt,
        stall: Duration,
    ) -> Result<Self> {
        Ok(Self {
            process: Process::start(launch)?,
            last: clock.monotonic(),
            clock,
            interrupt,
            stall,
            ended: None,
        })
    }

    /// How it ended; if it runs still, it is ended.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn finish(mut self) -> Result<Ended> {
        match self.ended.take() {
            Some(ended) => Ok(ended),
            None => self.process.end(),
        }
    }

    fn stalled(&mut self) -> Result<Error> {
        let ended = self.process.end()?;
        let error = Error::failed(format!(
            "{} wrote nothing for {} s and was ended",
            self.process.words(),
            self.stall.as_secs()
        ));
        self.ended = Some(ended);
        Ok(error)
    }
}

impl ByteSource for CommandBytes<'_> {
    fn next(&mut self) -> Result<Piece> {
        self.interrupt.check()?;
        let output = self.process.output();
        match output.context(format!("cannot read from {}", self.process.words()))? {
            Output::Bytes(bytes) => {
                self.last = self.clock.monotonic();
                Ok(Piece::Bytes(bytes))
            }
            Output::Nothing => {
                let waited = self.clock.monotonic().saturating_sub(self.last);
                if waited >= self.stall {
                    return Err(self.stalled()?);
                }
                Ok(Piece::Nothing(waited))
            }
            Output::End => {
                let ended = self.process.wait(Waiting {
                    clock: self.clock,
                    interrupt: Some(self.interrupt),
                    limit: self.stall,
                })?;
                let error = command_failed(self.process.words(), &ended);
                let good = ended.good;
                self.ended = Some(ended);
                if good { Ok(Piece::End) } else { Err(error) }
            }
        }
    }
}
