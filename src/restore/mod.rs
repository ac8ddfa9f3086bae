//! Restoring from tape.
