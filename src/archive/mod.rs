//! A set as a POSIX pax tar stream: scanning a tree, writing members, reading and extracting them.

pub mod acl;
mod block;
mod descent;
mod gather;
pub mod header;
pub mod links;
pub mod member;
pub mod owner;
mod pax;
pub mod problem;
pub mod reader;
mod records;
pub mod scan;
pub mod sparse;
pub mod writer;
