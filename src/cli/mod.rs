//! The command line: parses, calls one function, renders a table or JSON.

pub mod args;
pub mod interrupt;
pub mod output;
