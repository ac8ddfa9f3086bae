//! Cartridges: their barcodes, registering them, comparing the robot's view with the record.

pub mod barcode;
pub mod reconcile;
pub mod register;
