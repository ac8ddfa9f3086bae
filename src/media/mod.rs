//! What is in custody: cartridges and other things, their barcodes, cards for the scanner, where they
//! are, who has them, and what disagrees.

pub mod barcode;
pub mod card;
pub mod compare;
pub mod custody;
pub mod disposal;
pub mod exception;
pub mod facts;
pub mod list_file;
pub mod person;
pub mod problem;
pub mod reconcile;
pub mod register;
pub mod rotation;
pub mod rule;
pub mod stamp;
pub mod thing;
