//! What is in custody: cartridges and other things, their barcodes, where they are, who has them, and
//! what disagrees.

pub mod barcode;
pub mod card;
pub mod custody;
pub mod exception;
pub mod facts;
//! Cartridges: their barcodes, cards for the scanner, registering them, comparing the robot's view with the record.

pub mod barcode;
pub mod card;
pub mod reconcile;
pub mod register;
pub mod rule;
pub mod stamp;
