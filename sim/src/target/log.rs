//! LOG SENSE and the log pages (SPC-5; SSC-4).

use super::changer::Changer;
use super::drive::Drive;
use super::medium::Medium;
use super::{Exchange, Stop};
use crate::bytes::{text, u16, u16_at, u32};
use crate::cartridge::CartridgeKind;
use crate::sense::Sense;

/// FORMAT AND LINKING of binary and of ASCII list parameters (SPC-5).
const BINARY: u8 = 0x03;
const ASCII: u8 = 0x01;

/// One log parameter.
struct Parameter {
    code: u16,
    control: u8,
    value: Vec<u8>,
}

fn binary(code: u16, value: &[u8]) -> Parameter {
    Parameter {
        code,
        control: BINARY,
        value: value.to_vec(),
    }
}

fn ascii(code: u16, value: &[u8]) -> Parameter {
    Parameter {
        code,
        control: ASCII,
        value: value.to_vec(),
    }
}

/// What LOG SENSE 4Dh asks for: SP is bit 0 of byte 1; PC bits 7-6 of byte 2 and the page code
/// bits 5-0; subpage byte 3; parameter pointer bytes 5-6; allocation length bytes 7-8.
struct Request {
    page: u8,
    pointer: u16,
    allocation: usize,
}

impl Request {
    fn parse(cdb: &[u8]) -> Result<Self, Sense> {
        if cdb[1] & 0x01 != 0 {
            return Err(Sense::invalid_cdb_field(1)); // nothing is saved
        }
        if cdb[2] >> 6 != 0x01 {
            return Err(Sense::invalid_cdb_field(2)); // cumulative values only
        }
        if cdb[3] != 0 {
            return Err(Sense::invalid_cdb_field(3));
        }
        Ok(Self {
            page: cdb[2] & 0x3f,
            pointer: u16_at(cdb, 5),
            allocation: usize::from(u16_at(cdb, 7)),
        })
    }

    fn answer(&self, body: &[u8], exchange: &mut Exchange<'_>) {
        let [high, low] = u16(body.len());
        let bytes = [&[self.page, 0, high, low], body].concat();
        exchange.reply(&bytes, self.allocation);
    }

    /// Parameters from the pointer on, which must not lie behind the last one.
    fn parameters(&self, parameters: &[Parameter]) -> Result<Vec<u8>, Sense> {
        if parameters
            .last()
            .is_none_or(|last| last.code < self.pointer)
        {
            return Err(Sense::invalid_cdb_field(5));
        }
        let mut body = Vec::new();
        for parameter in parameters {
            if parameter.code >= self.pointer {
                body.extend(parameter.code.to_be_bytes());
                body.extend([parameter.control, u16(parameter.value.len())[1]]);
                body.extend(&parameter.value);
            }
        }
        Ok(body)
    }
}

impl Changer {
    /// LOG SENSE of the changer: the list of pages only.
    pub(super) fn log_sense(&mut self, exchange: &mut Exchange<'_>) -> Result<(), Stop> {
        let request = Request::parse(exchange.cdb)?;
        if request.page != 0x00 {
            return Err(Sense::invalid_cdb_field(2).into());
        }
        request.answer(&[0x00], exchange);
        Ok(())
    }
}

impl Drive {
    /// LOG SENSE of a drive: supported pages 00h, volume statistics 17h, TapeAlert 2Eh, tape
    /// capacity 31h.
    pub(super) fn log_sense(&mut self, exchange: &mut Exchange<'_>) -> Result<(), Stop> {
        let request = Request::parse(exchange.cdb)?;
        let body = match request.page {
            0x00 => vec![0x00, 0x17, 0x2e, 0x31],
            0x17 => request.parameters(&self.volume_statistics())?,
            0x2e => {
                let flags = self.alerts.read(exchange.initiator);
                request.parameters(&alert_parameters(flags))?
            }
            0x31 => request.parameters(&self.tape_capacity())?,
            _ => return Err(Sense::invalid_cdb_field(2).into()),
        };
        request.answer(&body, exchange);
        Ok(())
    }

    /// Tape capacity (HP Ultrium technical reference C7379-90900, page 69), MiB: remaining and maximum of the main partition, and of the
    /// alternate one, which is not there.
    fn tape_capacity(&self) -> Vec<Parameter> {
        let (remaining, maximum) = match &self.medium {
            Medium::Loaded(mounted) => (mounted.remaining(), mounted.cartridge.record.capacity),
            Medium::Empty | Medium::Unloaded(_) => (0, 0),
        };
        vec![
            binary(0x0001, &u32(remaining >> 20)),
            binary(0x0002, &u32(0)),
            binary(0x0003, &u32(maximum >> 20)),
            binary(0x0004, &u32(0)),
        ]
    }

    /// Volume statistics (SSC-4): page valid, volume mounts, megabytes written and read in
    /// the life of the volume, serial number, barcode, manufacturer, write protection, WORM.
    fn volume_statistics(&self) -> Vec<Parameter> {
        let Medium::Loaded(mounted) = &self.medium else {
            return vec![binary(0x0000, &[0])];
        };
        let record = &mounted.cartridge.record;
        let worm = matches!(record.kind, CartridgeKind::Data { worm: true, .. });
        let megabytes = |bytes: u64| (bytes / 1_000_000).to_be_bytes();
        let barcode = record.barcode.as_deref().unwrap_or("");
        vec![
            binary(0x0000, &[1]),
            binary(0x0001, &record.loads.to_be_bytes()),
            binary(0x0010, &megabytes(record.bytes_written)),
            binary(0x0011, &megabytes(record.bytes_read)),
            ascii(0x0040, &text::<32>(&record.serial, b' ')),
            ascii(0x0042, &text::<32>(barcode, b' ')),
            ascii(0x0043, &text::<8>("TAPEWARD", b' ')),
            binary(0x0080, &[u8::from(record.write_protected)]),
            binary(0x0081, &[u8::from(worm)]),
        ]
    }
}

/// TapeAlert page (SSC-4): parameters 0001h to 0040h, each one byte.
fn alert_parameters(flags: u64) -> Vec<Parameter> {
    let set = |number: u16| u8::from(flags >> (64 - number) & 1 == 1);
    let codes = 1..=64;
    codes.map(|code| binary(code, &[set(code)])).collect()
}
