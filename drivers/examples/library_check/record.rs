//! Writes down every command and reply, as text that tests can replay:
//! `> PATH CDB`, then `< STATUS TRANSFERRED sense:HEX data:HEX`.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tapeward_drivers::transport::{Cdb, Data, Reply, Transport, TransportError};

use crate::Outcome;

/// Replies longer than this are blocks of tape; their bytes are left out.
const LONGEST: usize = 8192;

/// Where to write, if anywhere.
#[derive(Clone, Default)]
pub(crate) struct Recorder(Option<Arc<Mutex<File>>>);

impl Recorder {
    pub(crate) fn to_file(path: &str) -> Outcome<Self> {
        Ok(Self(Some(Arc::new(Mutex::new(File::create(path)?)))))
    }

    pub(crate) fn wrap<T: Transport>(&self, inner: T) -> Recording<T> {
        Recording {
            inner,
            recorder: self.clone(),
        }
    }

    fn line(&self, line: &str) {
        if let Some(file) = &self.0 {
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(error) = writeln!(file, "{line}") {
                eprintln!("recording: {error}");
            }
        }
    }
}

/// A transport that is listened to.
pub(crate) struct Recording<T> {
    inner: T,
    recorder: Recorder,
}

impl<T: Transport> Transport for Recording<T> {
    fn execute(
        &mut self,
        cdb: &Cdb,
        mut data: Data<'_>,
        timeout: Duration,
    ) -> Result<Reply, TransportError> {
        let reborrowed = match &mut data {
            Data::None => Data::None,
            Data::In(buffer) => Data::In(buffer),
            Data::Out(bytes) => Data::Out(bytes),
        };
        let result = self.inner.execute(cdb, reborrowed, timeout);
        self.recorder
            .line(&format!("> {} {}", self.inner.path(), hex(cdb.as_bytes())));
        match &result {
            Ok(reply) => {
                let status = u8::from(reply.status);
                let mut line = format!("< {status:02x} {}", reply.transferred);
                if !reply.sense.is_empty() {
                    let _ = write!(line, " sense:{}", hex(&reply.sense));
                }
                match data {
                    Data::In(buffer) if reply.transferred <= LONGEST => {
                        let _ = write!(line, " data:{}", hex(&buffer[..reply.transferred]));
                    }
                    _ => {}
                }
                self.recorder.line(&line);
            }
            Err(error) => self.recorder.line(&format!("! {error}")),
        }
        result
    }

    fn path(&self) -> &str {
        self.inner.path()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
