//! Cartridges: their barcodes, cards for the scanner, registering them, comparing the robot's view with the record.

pub mod barcode;
pub mod card;
pub mod reconcile;
pub mod register;
