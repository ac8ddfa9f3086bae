//! Virtual library.
