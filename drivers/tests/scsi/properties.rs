//! No parser panics on any bytes; what is encoded comes back; CDBs say what they should to a
//! decoder that was written apart from them.

use proptest::collection::vec;
use proptest::prelude::*;
use tapeward_drivers::sense::{SenseData, SenseKey};
use tapeward_drivers::smc::element_status::ElementStatus;
use tapeward_drivers::smc::{Changer, ElementAddress, ElementAssignment, VolumeTag};
use tapeward_drivers::spc::attribute::{Attribute, AttributeFormat, AttributeId, parse_attributes};
use tapeward_drivers::spc::inquiry::Inquiry;
use tapeward_drivers::spc::log::LogPage;
use tapeward_drivers::spc::mode::{BlockDescriptor, ModeData, ModeForm, ModePage, PageCode};
use tapeward_drivers::spc::{luns, vpd};
use tapeward_drivers::ssc::position::{ShortForm, parse_extended_form, parse_long_form};
use tapeward_drivers::ssc::{
    BlockAddress, BlockLimits, Capacity, Drive, ReadOutcome, Space, TapeAlerts, VolumeStatistics,
    density,
};
use tapeward_drivers::transport::{Cdb, Data, Reply, Status, Transport, TransportError};

fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..600)
}

/// Bytes that begin like the real thing get further than noise.
fn led_by(prefixes: &'static [&'static [u8]]) -> impl Strategy<Value = Vec<u8>> {
    (prop::sample::select(prefixes), any_bytes())
        .prop_map(|(prefix, rest)| [prefix, &rest].concat())
}

proptest! {
    #[test]
    fn sense_data_never_panics(bytes in led_by(&[&[], &[0x70], &[0xf1], &[0x72, 0x05], &[0x73]])) {
        if let Some(sense) = SenseData::parse(&bytes) {
            prop_assert_eq!(&sense.raw, &bytes);
            prop_assert!(!sense.to_string().is_empty());
            let _ = sense.class();
        }
    }

    #[test]
    fn fixed_sense_round_trip(
        key in 0_u8..16, flags in 0_u8..8, asc: u8, ascq: u8, deferred: bool,
        information: Option<i32>,
    ) {
        let mut bytes = [0_u8; 18];
        bytes[0] = 0x70 | u8::from(deferred) | u8::from(information.is_some()) << 7;
        bytes[2] = flags << 5 | key;
        bytes[3..7].copy_from_slice(&information.unwrap_or(-1).to_be_bytes());
        bytes[7] = 10;
        bytes[12] = asc;
        bytes[13] = ascq;
        let sense = SenseData::parse(&bytes).unwrap();
        prop_assert_eq!(sense.key, SenseKey::from_nibble(key));
        prop_assert_eq!(sense.key.as_nibble(), key);
        prop_assert_eq!(sense.deferred, deferred);
        prop_assert_eq!(sense.information, information.map(i64::from));
        prop_assert_eq!((sense.asc.code, sense.asc.qualifier), (asc, ascq));
        let back = u8::from(sense.filemark) << 2
            | u8::from(sense.end_of_medium) << 1
            | u8::from(sense.incorrect_length);
        prop_assert_eq!(back, flags);
    }

    #[test]
    fn element_status_never_panics(
        bytes in led_by(&[&[], &[0, 1, 0, 2, 0, 0, 1, 0, 2, 0x80, 0, 52, 0, 0, 0, 104],
            &[0, 1, 0, 2, 0, 0, 1, 0, 4, 0xc0, 0, 13, 0, 0xff, 0xff, 0xff]]),
    ) {
        let status = ElementStatus::parse(&bytes);
        prop_assert!(status.elements.len() * 12 <= bytes.len());
        for anomaly in status.anomalies {
            prop_assert!(!anomaly.to_string().is_empty());
        }
        let _ = VolumeTag::parse(&bytes);
    }

    /// Whatever a library sends, an inventory ends, and in few commands.
    #[test]
    fn inventories_end(replies in vec(any_bytes(), 1..4), lead: bool) {
        let noise = Noise { replies, next: 0, lead, commands: 0 };
        let mut changer = Changer::new(Box::new(noise));
        let _ = changer.inventory(&tapeward_drivers::smc::InventoryOptions::default());
    }

    #[test]
    fn inquiry_and_vital_product_data_never_panic(bytes in any_bytes(), page: u8) {
        let _ = Inquiry::parse(&bytes);
        let _ = vpd::page_body(page, &bytes);
        for designator in vpd::parse_designators(&bytes) {
            let _ = (designator.to_string(), designator.vendor_and_rest());
            let _ = designator.names_serial("X");
        }
        let _ = luns::parse(&bytes);
    }

    #[test]
    fn mode_data_never_panics(bytes in any_bytes(), ten: bool) {
        let form = if ten { ModeForm::Ten } else { ModeForm::Six };
        if let Some(data) = ModeData::parse(form, &bytes) {
            for page in &data.pages {
                let _ = (page.byte(0), page.u16(usize::MAX), ElementAssignment::parse(page));
            }
        }
    }

    #[test]
    fn mode_data_round_trip(
        ten: bool,
        medium_type: u8,
        device_specific: u8,
        descriptor in prop::option::of((any::<u8>(), 0_u32..1 << 24, 0_u32..1 << 24)),
        pages in vec((0_u8..64, any::<u8>(), vec(any::<u8>(), 0..40)), 0..4),
    ) {
        let form = if ten { ModeForm::Ten } else { ModeForm::Six };
        let data = ModeData {
            form,
            medium_type,
            device_specific,
            block_descriptor: descriptor.map(|(density, blocks, block_length)| {
                BlockDescriptor { density, blocks, block_length }
            }),
            pages: pages
                .into_iter()
                .map(|(page, subpage, body)| ModePage {
                    code: PageCode::new(page, subpage),
                    saveable: false,
                    body,
                })
                .collect(),
        };
        let mut bytes = data.encode();
        // MODE SENSE fills in the length that MODE SELECT leaves 0.
        let length = bytes.len();
        if ten {
            bytes[..2].copy_from_slice(&u16::try_from(length - 2).unwrap().to_be_bytes());
        } else {
            bytes[0] = u8::try_from(length - 1).unwrap();
        }
        prop_assert_eq!(ModeData::parse(form, &bytes), Some(data));
    }

    #[test]
    fn log_pages_never_panic(bytes in led_by(&[&[], &[0x2e, 0, 1, 0x40], &[0x31, 0, 0, 0x20]])) {
        if let Some(page) = LogPage::parse(&bytes) {
            let _ = TapeAlerts::from_log(&page);
            let _ = Capacity::from_log(&page);
            let _ = VolumeStatistics::from_log(&page);
        }
    }

    #[test]
    fn tape_formats_never_panic(bytes in any_bytes()) {
        let _ = ShortForm::parse(&bytes).map(|form| form.position());
        let _ = (parse_long_form(&bytes), parse_extended_form(&bytes));
        let _ = BlockLimits::parse(&bytes);
        let _ = density::parse(&bytes);
        let _ = density::parse_medium_types(&bytes);
        let _ = parse_attributes(&bytes);
    }

    #[test]
    fn attributes_round_trip(all in vec((any::<u16>(), 0_u8..4, vec(any::<u8>(), 0..50)), 0..5)) {
        let all: Vec<Attribute> = all
            .into_iter()
            .map(|(id, format, value)| Attribute {
                id: AttributeId(id),
                read_only: false,
                format: AttributeFormat::from(format),
                value,
            })
            .collect();
        let list: Vec<u8> = all.iter().flat_map(Attribute::encode).collect();
        let mut bytes = u32::try_from(list.len()).unwrap().to_be_bytes().to_vec();
        bytes.extend(list);
        prop_assert_eq!(parse_attributes(&bytes), all);
    }

    /// Whatever sense data and counts come back, a read ends in an outcome or an error that
    /// does not claim more bytes than the buffer has.
    #[test]
    fn reads_never_panic(
        sense in led_by(&[&[], &[0x70, 0, 0x20], &[0xf0, 0, 0x20], &[0xf0, 0, 0x60], &[0x72, 0]]),
        transferred in 0_usize..64, good: bool, length in 1_usize..32,
    ) {
        let status = if good { Status::Good } else { Status::CheckCondition };
        let reply = Reply { status, sense, transferred };
        let (device, _) = Listener::open(reply);
        let mut buffer = vec![0; length];
        if let Ok(ReadOutcome::Block(got)) = Drive::new(device).read_block(&mut buffer) {
            prop_assert!(got <= length, "{} of {}", got, length);
        }
    }

    /// LOCATE, SPACE, WRITE (SSC-4) and MOVE MEDIUM (SMC-3), decoded here a second time.
    #[test]
    fn cdbs_say_what_was_asked(
        block: u64, count: i64, small in -0x0080_0000_i64..0x0080_0000, from: u16, to: u16,
        picker: u16, bytes in 1_usize..70_000,
    ) {
        let number = |bytes: &[u8]| bytes.iter().fold(0_u64, |all, one| all << 8 | u64::from(*one));
        let reply = Reply { status: Status::Good, sense: vec![], transferred: bytes };
        let (device, heard) = Listener::open(reply);
        let mut drive = Drive::new(device);
        drive.locate(BlockAddress(block)).unwrap();
        drive.space(Space::Blocks(count)).unwrap();
        drive.space(Space::Filemarks(small)).unwrap();
        drive.write_block(&vec![0; bytes]).unwrap();
        let (device, heard_by_changer) =
            Listener::open(Reply { status: Status::Good, sense: vec![], transferred: 0 });
        let [picker, from, to] = [picker, from, to].map(ElementAddress);
        Changer::new(device).move_medium(picker, from, to).unwrap();

        let heard = heard.lock().unwrap();
        prop_assert_eq!((heard[0].opcode(), number(&heard[0].as_bytes()[4..12])), (0x92, block));
        let spaced = heard[1].as_bytes();
        let signed = if spaced[0] == 0x91 {
            i64::from_be_bytes(spaced[4..12].try_into().unwrap())
        } else {
            i64::from(i32::from_be_bytes([spaced[2], spaced[3], spaced[4], 0]) >> 8)
        };
        prop_assert_eq!((spaced[1], signed), (0, count));
        let spaced = heard[2].as_bytes();
        let signed = i32::from_be_bytes([spaced[2], spaced[3], spaced[4], 0]) >> 8;
        prop_assert_eq!((spaced[0], spaced[1], i64::from(signed)), (0x11, 1, small));
        let written = heard[3].as_bytes();
        prop_assert_eq!((written[0], written[1], number(&written[2..5])), (0x0a, 0, bytes as u64));
        let heard = heard_by_changer.lock().unwrap();
        let moved = heard[0].as_bytes();
        let addresses = [2, 4, 6].map(|at| u64::from(moved[at]) << 8 | u64::from(moved[at + 1]));
        prop_assert_eq!(addresses, [picker, from, to].map(|one| u64::from(one.0)));
    }
}

type Heard = std::sync::Arc<std::sync::Mutex<Vec<Cdb>>>;

/// Gives the same answer to everything and keeps what it was asked.
struct Listener {
    reply: Reply,
    heard: Heard,
}

impl Listener {
    fn open(reply: Reply) -> (Box<Self>, Heard) {
        let heard = Heard::default();
        (
            Box::new(Self {
                reply,
                heard: heard.clone(),
            }),
            heard,
        )
    }
}

impl Transport for Listener {
    fn execute(
        &mut self,
        cdb: &Cdb,
        _data: Data<'_>,
        _timeout: std::time::Duration,
    ) -> Result<Reply, TransportError> {
        self.heard.lock().unwrap().push(*cdb);
        Ok(self.reply.clone())
    }

    fn path(&self) -> &'static str {
        "listener"
    }
}

/// Answers READ ELEMENT STATUS with noise, at times behind a plausible header.
struct Noise {
    replies: Vec<Vec<u8>>,
    next: usize,
    lead: bool,
    commands: usize,
}

impl Transport for Noise {
    fn execute(
        &mut self,
        cdb: &Cdb,
        data: Data<'_>,
        _timeout: std::time::Duration,
    ) -> Result<Reply, TransportError> {
        self.commands += 1;
        assert!(self.commands < 1000, "an inventory that does not end");
        let mut bytes = self.replies[self.next % self.replies.len()].clone();
        self.next += 1;
        if self.lead {
            let kind = cdb.as_bytes()[1] & 0x0f;
            bytes.splice(
                0..0,
                [0, 0, 0, 9, 0, 0, 2, 0, kind, 0x80, 0, 52, 0, 0, 2, 0],
            );
        }
        let Data::In(buffer) = data else {
            panic!("{cdb:?}")
        };
        let moved = bytes.len().min(buffer.len());
        buffer[..moved].copy_from_slice(&bytes[..moved]);
        Ok(Reply {
            status: Status::Good,
            sense: vec![],
            transferred: moved,
        })
    }

    fn path(&self) -> &'static str {
        "noise"
    }
}
