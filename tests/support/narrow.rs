//! A path that refuses long transfers, as `SG_IO` does (EINVAL).

use std::time::Duration;

use tapeward_drivers::transport::{Cdb, Data, Reply, Transport, TransportError};
use tapeward_sim::InProcess;

pub(crate) struct Narrow {
    pub(crate) inner: InProcess,
    /// Most bytes of one command.
    pub(crate) longest: usize,
}

impl Transport for Narrow {
    fn execute(
        &mut self,
        cdb: &Cdb,
        data: Data<'_>,
        timeout: Duration,
    ) -> Result<Reply, TransportError> {
        let length = match &data {
            Data::None => 0,
            Data::In(buffer) => buffer.len(),
            Data::Out(bytes) => bytes.len(),
        };
        if length > self.longest {
            return Err(TransportError::Io {
                path: self.inner.path().to_owned(),
                source: std::io::Error::from_raw_os_error(22),
            });
        }
        self.inner.execute(cdb, data, timeout)
    }

    fn path(&self) -> &str {
        self.inner.path()
    }
}
