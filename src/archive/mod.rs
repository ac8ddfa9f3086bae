//! A set as a POSIX pax tar stream: scanning a tree, writing members, reading and extracting them.

pub mod member;
