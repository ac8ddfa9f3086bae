//! A small initiator of the tests' own, written from RFC 7143 and sharing nothing with the target:
//! what both sides got wrong alike would be seen.
// Each test program uses its own part, and a failure here is a failed test.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

pub const NO_TAG: u32 = 0xffff_ffff;

/// A unit as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    pub header: [u8; 48],
    pub data: Vec<u8>,
}

impl Unit {
    pub fn opcode(&self) -> u8 {
        self.header[0] & 0x3f
    }

    pub fn word(&self, at: usize) -> u32 {
        u32::from_be_bytes(self.header[at..at + 4].try_into().unwrap())
    }

    /// Key=value pairs of the text.
    pub fn pairs(&self) -> Vec<(String, String)> {
        let text = String::from_utf8(self.data.clone()).unwrap();
        text.split_terminator('\0')
            .map(|pair| pair.split_once('=').unwrap())
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect()
    }

    pub fn value(&self, key: &str) -> Option<String> {
        self.pairs()
            .into_iter()
            .find_map(|(other, value)| (other == key).then_some(value))
    }

    /// Status-Class and Status-Detail of a Login Response.
    pub fn login_status(&self) -> u16 {
        assert_eq!(self.opcode(), 0x23);
        u16::from_be_bytes([self.header[36], self.header[37]])
    }
}

/// What came back from a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u8,
    pub sense: Vec<u8>,
    pub data: Vec<u8>,
    /// Underflow negative, overflow positive.
    pub residual: i64,
    /// R2Ts that came for it.
    pub solicitations: u32,
}

impl Answer {
    pub fn good(self) -> Vec<u8> {
        assert_eq!(self.status, 0, "{:02x?}", self.sense);
        self.data
    }

    /// Key, ASC, ASCQ of fixed format sense, zeros with GOOD.
    pub fn sense(&self) -> (u8, u8, u8) {
        match self.status {
            0 => (0, 0, 0),
            _ => (self.sense[2] & 0x0f, self.sense[12], self.sense[13]),
        }
    }
}

/// CRC32C bit by bit: polynomial 1EDC6F41h reflected (RFC 7143 clause 13.1).
pub fn crc32c(bytes: &[u8]) -> [u8; 4] {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0x82f6_3b78 * (crc & 1));
        }
    }
    (!crc).to_le_bytes()
}

pub struct Initiator {
    pub stream: TcpStream,
    pub name: String,
    pub isid: [u8; 6],
    pub command_number: u32,
    pub status_number: u32,
    pub tag: u32,
    pub header_digest: bool,
    pub data_digest: bool,
    pub immediate_data: bool,
    pub initial_r2t: bool,
    pub first_burst: usize,
    /// Most data sent in one unit.
    pub segment: usize,
}

impl Initiator {
    pub fn connect(address: SocketAddr, name: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            name: name.to_owned(),
            isid: [0x80, 1, 2, 3, 4, 5],
            command_number: 0x1000,
            status_number: 0,
            tag: 0,
            header_digest: false,
            data_digest: false,
            immediate_data: true,
            initial_r2t: true,
            first_burst: 65536,
            segment: 8192,
        }
    }

    /// Sends a unit with lengths, padding and digests filled in.
    pub fn send(&mut self, mut header: [u8; 48], additional: &[u8], data: &[u8]) {
        header[4] = u8::try_from(additional.len() / 4).unwrap();
        header[5..8].copy_from_slice(&u32::try_from(data.len()).unwrap().to_be_bytes()[1..]);
        let mut wire = [&header[..], additional].concat();
        if self.header_digest {
            wire.extend(crc32c(&wire));
        }
        let mut padded = data.to_vec();
        padded.resize(data.len().next_multiple_of(4), 0);
        wire.extend(&padded);
        if self.data_digest && !data.is_empty() {
            wire.extend(crc32c(&padded));
        }
        self.stream.write_all(&wire).unwrap();
    }

    /// The next unit, its digests checked.
    pub fn receive(&mut self) -> io::Result<Unit> {
        let mut header = [0; 48];
        self.stream.read_exact(&mut header)?;
        assert_eq!(header[4], 0, "additional header segments from the target");
        if self.header_digest {
            let mut digest = [0; 4];
            self.stream.read_exact(&mut digest)?;
            assert_eq!(digest, crc32c(&header));
        }
        let length = u32::from_be_bytes([0, header[5], header[6], header[7]]) as usize;
        let mut data = vec![0; length.next_multiple_of(4)];
        self.stream.read_exact(&mut data)?;
        if self.data_digest && length > 0 {
            let mut digest = [0; 4];
            self.stream.read_exact(&mut digest)?;
            assert_eq!(digest, crc32c(&data));
        }
        data.truncate(length);
        let unit = Unit { header, data };
        let bare_data = unit.opcode() == 0x25 && header[1] & 1 == 0;
        let takes = !bare_data && unit.opcode() != 0x31 && unit.word(16) != NO_TAG
            || matches!(unit.opcode(), 0x32 | 0x3f);
        if takes {
            assert_eq!(unit.word(24), self.status_number, "StatSN of {unit:02x?}");
            self.status_number = self.status_number.wrapping_add(1);
        }
        Ok(unit)
    }

    /// The target has closed.
    pub fn is_closed(&mut self) -> bool {
        match self.receive() {
            Ok(unit) => panic!("unexpected {unit:02x?}"),
            Err(error) => matches!(
                error.kind(),
                io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset
            ),
        }
    }

    pub fn header(&mut self, opcode: u8, flags: u8) -> [u8; 48] {
        self.tag += 1;
        let mut header = [0; 48];
        header[..2].copy_from_slice(&[opcode, flags]);
        header[16..20].copy_from_slice(&self.tag.to_be_bytes());
        header[24..28].copy_from_slice(&self.command_number.to_be_bytes());
        header[28..32].copy_from_slice(&self.status_number.to_be_bytes());
        header
    }

    /// A Login Request with these flags; the response.
    pub fn login_step(&mut self, flags: u8, pairs: &[(&str, &str)]) -> Unit {
        let mut header = self.header(0x43, flags);
        header[8..14].copy_from_slice(&self.isid);
        header[16..20].copy_from_slice(&[0; 4]);
        let mut text = String::new();
        for (key, value) in pairs {
            text.extend([*key, "=", *value, "\0"]);
        }
        self.send(header, &[], text.as_bytes());
        self.receive().unwrap()
    }

    /// A login without authentication to a normal session; the response, which is a success.
    pub fn login(&mut self, target: &str, pairs: &[(&str, &str)]) -> Unit {
        let name = self.name.clone();
        let mut all = vec![("InitiatorName", name.as_str()), ("TargetName", target)];
        all.extend(pairs);
        let response = self.login_step(0x87, &all);
        assert_eq!(
            (response.login_status(), response.header[1]),
            (0, 0x87),
            "{response:?}"
        );
        self.take_over(&response);
        response
    }

    /// What was agreed holds from now on.
    pub fn take_over(&mut self, response: &Unit) {
        let yes = |key: &str| response.value(key).map(|value| value == "Yes");
        self.header_digest = response.value("HeaderDigest").as_deref() == Some("CRC32C");
        self.data_digest = response.value("DataDigest").as_deref() == Some("CRC32C");
        self.initial_r2t = yes("InitialR2T").unwrap_or(true);
        self.immediate_data = yes("ImmediateData").unwrap_or(true);
        if let Some(length) = response.value("FirstBurstLength") {
            self.first_burst = length.parse().unwrap();
        }
        if let Some(length) = response.value("MaxRecvDataSegmentLength") {
            self.segment = length.parse().unwrap();
        }
    }

    pub fn command_header(&mut self, lun: u16, cdb: &[u8], flags: u8, expected: usize) -> [u8; 48] {
        let mut header = self.header(0x01, flags);
        header[8..10].copy_from_slice(&lun.to_be_bytes());
        let expected = u32::try_from(expected).unwrap();
        header[20..24].copy_from_slice(&expected.to_be_bytes());
        header[32..32 + cdb.len()].copy_from_slice(cdb);
        self.command_number = self.command_number.wrapping_add(1);
        header
    }

    /// A command without data.
    pub fn run(&mut self, lun: u16, cdb: &[u8]) -> Answer {
        let header = self.command_header(lun, cdb, 0x80, 0);
        self.send(header, &[], &[]);
        self.collect(&[])
    }

    /// A command that reads, expecting at most this many bytes.
    pub fn read(&mut self, lun: u16, cdb: &[u8], expected: usize) -> Answer {
        let header = self.command_header(lun, cdb, 0xc0, expected);
        self.send(header, &[], &[]);
        self.collect(&[])
    }

    /// A command that writes: immediate data, unsolicited data and R2Ts as was agreed.
    pub fn write(&mut self, lun: u16, cdb: &[u8], data: &[u8]) -> Answer {
        let immediate = if self.immediate_data {
            data.len().min(self.segment).min(self.first_burst)
        } else {
            0
        };
        let unsolicited = if self.initial_r2t {
            immediate
        } else {
            data.len().min(self.first_burst)
        };
        let flags = if unsolicited > immediate { 0x20 } else { 0xa0 };
        let header = self.command_header(lun, cdb, flags, data.len());
        self.send(header, &[], &data[..immediate]);
        let tag = self.tag;
        if unsolicited > immediate {
            self.data_out(tag, NO_TAG, immediate, &data[immediate..unsolicited]);
        }
        self.collect(data)
    }

    /// A sequence of Data-Out units from this offset.
    pub fn data_out(&mut self, tag: u32, transfer_tag: u32, mut offset: usize, data: &[u8]) {
        let count = data.len().div_ceil(self.segment);
        for (number, part) in data.chunks(self.segment).enumerate() {
            let mut header = [0; 48];
            header[0] = 0x05;
            header[1] = u8::from(number + 1 == count) << 7;
            header[16..20].copy_from_slice(&tag.to_be_bytes());
            header[20..24].copy_from_slice(&transfer_tag.to_be_bytes());
            header[36..40].copy_from_slice(&u32::try_from(number).unwrap().to_be_bytes());
            header[40..44].copy_from_slice(&u32::try_from(offset).unwrap().to_be_bytes());
            self.send(header, &[], part);
            offset += part.len();
        }
    }

    /// The answer to the last command; R2Ts are served from `out`.
    pub fn collect(&mut self, out: &[u8]) -> Answer {
        let tag = self.tag;
        let (mut data, mut units, mut solicitations) = (Vec::new(), 0, 0);
        loop {
            let unit = self.receive().unwrap();
            assert_eq!(unit.word(16), tag, "{unit:02x?}");
            match unit.opcode() {
                0x25 => {
                    assert_eq!((unit.word(36), unit.word(40) as usize), (units, data.len()));
                    units += 1;
                    data.extend(&unit.data);
                    if unit.header[1] & 0x01 != 0 {
                        return Answer::new(&unit, Vec::new(), data, solicitations);
                    }
                }
                0x31 => {
                    assert_eq!(unit.word(36), solicitations, "R2TSN");
                    solicitations += 1;
                    let (from, length) = (unit.word(40) as usize, unit.word(44) as usize);
                    self.data_out(tag, unit.word(20), from, &out[from..from + length]);
                }
                0x21 => {
                    assert_eq!(unit.header[2], 0, "response");
                    assert_eq!(unit.word(36), units + solicitations, "ExpDataSN");
                    let sense = unit.data.get(2..).unwrap_or_default().to_vec();
                    return Answer::new(&unit, sense, data, solicitations);
                }
                _ => panic!("unexpected {unit:02x?}"),
            }
        }
    }

    /// A request of any other kind; what comes back.
    pub fn ask(&mut self, header: [u8; 48], data: &[u8]) -> Unit {
        self.send(header, &[], data);
        self.receive().unwrap()
    }

    /// Takes all unit attentions; ASC and ASCQ of each.
    pub fn drain(&mut self, lun: u16) -> Vec<(u8, u8)> {
        let mut told = Vec::new();
        loop {
            match self.run(lun, &[0; 6]).sense() {
                (6, code, qualifier) => told.push((code, qualifier)),
                _ => return told,
            }
        }
    }

    /// Moves the cartridge of the first slot into the first drive of the generic model.
    pub fn load(&mut self) {
        self.drain(0);
        self.run(0, &[0xa5, 0, 0, 0, 4, 1, 1, 1, 0, 0, 0, 0]).good();
        self.drain(1);
    }

    pub fn logout(&mut self) {
        let header = self.header(0x46, 0x80);
        let response = self.ask(header, &[]);
        assert_eq!((response.opcode(), response.header[2]), (0x26, 0));
        assert!(self.is_closed());
    }
}

impl Answer {
    fn new(unit: &Unit, sense: Vec<u8>, data: Vec<u8>, solicitations: u32) -> Self {
        let count = i64::from(unit.word(44));
        let residual = match unit.header[1] & 0x06 {
            0x00 => 0,
            0x02 => -count,
            0x04 => count,
            _ => panic!("both overflow and underflow"),
        };
        Self {
            status: unit.header[3],
            sense,
            data,
            residual,
            solicitations,
        }
    }
}

/// WRITE(6) of one block.
pub fn write6(length: usize) -> [u8; 6] {
    let [.., a, b, c] = length.to_be_bytes();
    [0x0a, 0, a, b, c, 0]
}

/// READ(6) of one block.
pub fn read6(length: usize) -> [u8; 6] {
    let [.., a, b, c] = length.to_be_bytes();
    [0x08, 0, a, b, c, 0]
}

pub const REWIND: [u8; 6] = [1, 0, 0, 0, 0, 0];
