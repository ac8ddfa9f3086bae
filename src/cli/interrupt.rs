//! SIGINT and SIGTERM ask the running task to stop at its next safe point; a second one ends
//! the process at once.

use tokio::signal::unix::{SignalKind, signal};

use crate::error::{Context, ErrorKind, Result};
use crate::progress::Interrupt;

/// Starts listening on a thread of its own.
pub fn listen() -> Result<Interrupt> {
    let interrupt = Interrupt::default();
    let asked = interrupt.clone();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .context("cannot listen for signals")?;
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            runtime.block_on(async move {
                let (Ok(mut interrupts), Ok(mut terminations)) = (
                    signal(SignalKind::interrupt()),
                    signal(SignalKind::terminate()),
                ) else {
                    tracing::warn!("cannot listen for signals");
                    return;
                };
                loop {
                    tokio::select! {
                        _ = interrupts.recv() => {}
                        _ = terminations.recv() => {}
                    }
                    if asked.requested() {
                        std::process::exit(i32::from(ErrorKind::Interrupted.exit_code()));
                    }
                    asked.request();
                }
            });
        })
        .context("cannot listen for signals")?;
    Ok(interrupt)
}
