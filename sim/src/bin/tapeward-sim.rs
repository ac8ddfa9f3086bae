//! Serves a virtual library: `tapeward-sim DIR [IDLE-SECONDS]`.
//!
//! Prints `ready` when it listens; leaves after that many seconds without a connection, or on
//! SIGTERM.

use std::error::Error;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use tapeward_sim::{Announce, Durability, ServeOptions, serve};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody is left to tell if standard error is closed.
            drop(writeln!(std::io::stderr(), "{error}"));
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let dir: PathBuf = arguments.next().ok_or("the library's folder?")?.into();
    let idle = match arguments.next() {
        None => None,
        Some(text) => {
            let text = text.into_string().map_err(|_| "seconds?")?;
            Some(Duration::from_secs(text.parse()?))
        }
    };
    let options = ServeOptions {
        idle_exit: idle,
        durability: Durability::Machine,
        announce: Announce::StandardOutput,
        iscsi: None,
    };
    Ok(serve(&dir, &options)?)
}
