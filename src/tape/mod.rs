//! What is on a cartridge.
