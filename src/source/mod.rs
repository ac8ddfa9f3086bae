//! Sources that are no folder: what a command writes, as it comes or by way of a file, and the
//! commands that make and remove a snapshot around a source.
//!
//! Nothing here knows of tapes or of the record.

mod command;
mod limits;
mod process;
mod spool;
mod stream;
mod words;

pub use command::CommandBytes;
pub use limits::SourceConfig;
pub use process::{Ended, Launch, Output, Process, Waiting, command_failed};
pub use spool::{Spool, spool_folder};
pub use stream::{ByteSource, FileBytes, NewStream, Piece, StreamError, member_name, write_stream};
pub use words::{Shell, command_line, is_there, variable};
