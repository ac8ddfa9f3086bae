//! Reports: each in a file of its own, a pure structure that becomes PDF, CSV and JSON.

mod form;
pub mod manifest;
mod sheet;
mod words;
