//! A tape drive: its state and the commands that are about the drive as a whole.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

use tapeward_drivers::socket::InitiatorId;

use super::access_order::Segment;
use super::alert::{Alert, TapeAlerts};
use super::append_only::Overwrite;
use super::attention::{Attentions, Condition};
use super::care::Calibration;
use super::coding::{PROTECTION_PAGE, Protection};
use super::counters::Counters;
use super::density::MediumType;
use super::encryption::Encryption;
use super::inquiry::{self, Identity};
use super::medium::{Fitness, Medium, Mounted};
use super::mode::{ModeHeader, ModePage, ModePages, SenseRequest};
use super::primary::{
    Parts, Primary, PrimaryCommands, maintenance_in_access, prevent_allow_access,
};
use super::reservation::Reservations;
use super::usage::{self, Usage};
use super::{Access, Exchange, LogicalUnit, Opcode, Stop, exceptions, partition};
use crate::bytes::{u16_at, u24, u24_at};
use crate::cartridge::{Cartridge, Generation};
use crate::clock::{Activity, LOAD};
use crate::create::DriveEncryption;
use crate::library::Shared;
use crate::sense::{Sense, SenseFormat};

/// Longest block (READ BLOCK LIMITS; 8 MiB as LTO drives have it).
pub(crate) const MAX_BLOCK_LENGTH: u32 = 8 << 20;

/// What does not change in the life of a drive.
#[derive(Debug, Clone)]
pub(crate) struct DriveIdentity {
    pub(crate) inquiry: Identity,
    pub(crate) generation: Generation,
    /// Who gives it keys.
    pub(crate) encryption: DriveEncryption,
    /// The longest block it takes.
    pub(crate) longest_block: u32,
    /// Address of its data transfer element, if it tells it.
    pub(crate) element: Option<u16>,
    /// Serial number of the library around it.
    pub(crate) library_serial: String,
    /// Its account on the virtual clock.
    pub(crate) account: usize,
}

/// BUFFERED MODE of the mode parameter header (SSC-4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Buffering {
    /// 0h: GOOD when the data is on the medium.
    Unbuffered,
    /// 1h: GOOD when the data is in the buffer.
    Buffered,
}

#[derive(Debug)]
pub(crate) struct Drive {
    pub(crate) identity: DriveIdentity,
    pub(crate) shared: Arc<Shared>,
    pub(crate) medium: Medium,
    pub(super) attentions: Attentions,
    /// A failure of the buffer that the host must still learn of.
    pub(super) deferred: Option<Sense>,
    pub(super) pages: ModePages,
    pub(super) buffering: Buffering,
    /// Length of fixed blocks, 0 for variable.
    pub(super) block_length: u32,
    pub(super) alerts: TapeAlerts,
    pub(super) encryption: Encryption,
    /// What the drive does with the cartridge before it is ready.
    pub(super) calibration: Option<Calibration>,
    /// What ALLOW OVERWRITE allowed.
    pub(super) overwrite: Overwrite,
    /// The lists of RECEIVE RECOMMENDED ACCESS ORDER.
    pub(super) access_orders: BTreeMap<InitiatorId, Vec<Segment>>,
    /// It carries out no command any more.
    pub(super) broken: bool,
    prevented_by: BTreeSet<InitiatorId>,
    primary: Primary,
    pub(super) counters: Counters,
}

impl LogicalUnit for Drive {
    const OPCODES: &'static [Opcode<Self>] = &[
        Opcode::new(0x00, Self::test_unit_ready).access(Access::UnlessReserved),
        Opcode::new(0x01, Self::rewind),
        Opcode::passing(0x03, Self::request_sense),
        Opcode::new(0x04, Self::format_medium),
        Opcode::new(0x05, Self::read_block_limits).access(Access::Always),
        Opcode::new(0x08, Self::read6).access(Access::Reads),
        Opcode::new(0x0a, Self::write6),
        Opcode::new(0x0b, Self::set_capacity),
        Opcode::new(0x10, Self::write_filemarks6),
        Opcode::new(0x11, Self::space6),
        Opcode::passing(0x12, Self::inquiry),
        Opcode::new(0x13, Self::verify6).access(Access::Reads),
        Opcode::new(0x15, Self::mode_select),
        Opcode::new(0x16, Self::reserve).access(Access::Always),
        Opcode::new(0x17, Self::release_and_clear_keys).access(Access::Always),
        Opcode::new(0x19, Self::erase6),
        Opcode::new(0x1a, Self::mode_sense),
        Opcode::new(0x1b, Self::load_unload),
        Opcode::new(0x1e, Self::prevent_allow).access_by(prevent_allow_access),
        Opcode::new(0x2b, Self::locate10),
        Opcode::new(0x34, Self::read_position),
        Opcode::new(0x44, Self::report_density_support).access(Access::UnlessReserved),
        Opcode::new(0x4d, Self::log_sense).access(Access::Always),
        Opcode::new(0x55, Self::mode_select),
        Opcode::new(0x5a, Self::mode_sense),
        Opcode::new(0x5e, Self::persistent_reserve_in).access(Access::UnlessReserved),
        Opcode::new(0x5f, Self::reserve_out_and_clear_keys).access(Access::UnlessReserved),
        Opcode::new(0x80, Self::write_filemarks16),
        Opcode::new(0x82, Self::allow_overwrite),
        Opcode::new(0x8c, Self::read_attribute),
        Opcode::new(0x8d, Self::write_attribute),
        Opcode::new(0x91, Self::space16),
        Opcode::new(0x92, Self::locate16),
        Opcode::new(0x93, Self::erase16),
        Opcode::passing(0xa0, Self::report_luns),
        Opcode::new(0xa2, Self::security_protocol_in).access(Access::Reads),
        Opcode::new(0xa3, Self::maintenance_in_of_drive).access_by(maintenance_in_access),
        Opcode::new(0xa4, Self::maintenance_out_of_drive),
        Opcode::new(0xb5, Self::security_protocol_out),
    ];

    const USAGES: &'static [&'static [Usage]] = &[usage::PRIMARY, usage::DRIVE];

    fn take_pending(&mut self, initiator: InitiatorId) -> Option<Sense> {
        if self.broken {
            return Some(Sense::internal_failure());
        }
        self.attentions
            .take(initiator)
            .or_else(|| self.deferred.take())
    }

    fn sense_format(&self) -> SenseFormat {
        inquiry::sense_format(&self.pages)
    }

    fn reservations(&self) -> &Reservations {
        &self.primary.reservations
    }

    fn after_success(&mut self) -> Option<Sense> {
        self.exception_after_command()
    }
}

impl PrimaryCommands for Drive {
    fn parts(&mut self) -> Parts<'_> {
        Parts {
            primary: &mut self.primary,
            attentions: &mut self.attentions,
            prevented_by: &mut self.prevented_by,
            now: self.shared.clock.monotonic(),
        }
    }
}

impl Drive {
    /// A drive, switched on.
    pub(crate) fn open(identity: DriveIdentity, shared: Arc<Shared>) -> io::Result<Self> {
        Ok(Self {
            primary: Primary::open(&shared, identity.account)?,
            counters: Counters::open(
                shared.dir.join(format!("drive-{}.json", identity.account)),
                shared.durability,
                shared.clock.monotonic(),
            )?,
            identity,
            shared,
            medium: Medium::Empty,
            attentions: Attentions::new(),
            deferred: None,
            pages: drive_pages(),
            buffering: Buffering::Buffered,
            block_length: 0,
            alerts: TapeAlerts::default(),
            encryption: Encryption::default(),
            calibration: None,
            overwrite: Overwrite::Nothing,
            access_orders: BTreeMap::new(),
            broken: false,
            prevented_by: BTreeSet::new(),
        })
    }

    /// The robot puts a cartridge in; the drive threads it by itself.
    pub(crate) fn insert(&mut self, cartridge: Cartridge) {
        self.thread(Box::new(cartridge));
        self.attentions.raise(Condition::MediumChanged, None);
    }

    /// Whether the robot can have the cartridge without an unload.
    pub(crate) fn is_accessible(&self) -> bool {
        !matches!(self.medium, Medium::Loaded(_))
    }

    /// Whether a host keeps the cartridge in.
    pub(crate) fn is_removal_prevented(&self) -> bool {
        !self.prevented_by.is_empty()
    }

    /// Makes the cartridge ready for the robot: everything written out, the tape unthreaded.
    pub(crate) fn release(&mut self) -> Result<(), Sense> {
        self.unthread()
    }

    /// The robot has taken the cartridge.
    pub(crate) fn taken(&mut self) {
        self.medium = Medium::Empty;
    }

    /// What a power cut leaves: the synchronised records, the cartridge in place and threaded
    /// again from the beginning, default modes.
    pub(crate) fn power_cycle(&mut self) -> io::Result<()> {
        let medium = std::mem::replace(&mut self.medium, Medium::Empty);
        if let Medium::Unloaded(mut cartridge) = medium {
            cartridge.store.drop_unsynchronized()?;
            self.medium = Medium::Unloaded(cartridge);
        } else if let Medium::Loaded(mut mounted) = medium {
            mounted.cartridge.store.drop_unsynchronized()?;
            mounted.cartridge.enter(0)?;
            mounted.position = 0;
            mounted.warning_due = false;
            self.medium = Medium::Loaded(mounted);
        }
        self.pages.reset();
        self.buffering = Buffering::Buffered;
        self.block_length = 0;
        self.deferred = None;
        self.broken = false;
        self.prevented_by.clear();
        self.encryption = Encryption::default();
        self.overwrite = Overwrite::Nothing;
        self.access_orders.clear();
        self.start_calibration();
        self.primary.power_cycle(&self.shared);
        self.counters.power_cycle(self.shared.clock.monotonic());
        self.attentions.power_on();
        Ok(())
    }

    /// Writes everything out, as before the process ends.
    pub(crate) fn shut_down(&mut self) -> io::Result<()> {
        self.save_counters();
        match &mut self.medium {
            Medium::Empty => Ok(()),
            Medium::Unloaded(cartridge) => cartridge.close(),
            Medium::Loaded(mounted) => mounted.cartridge.close(),
        }
    }

    /// The medium, if it can be read and written.
    pub(super) fn ready(&mut self) -> Result<&mut Mounted, Sense> {
        self.check_calibration()?;
        self.medium.ready()
    }

    pub(super) fn protection(&self) -> Protection {
        Protection::of(&self.pages)
    }

    pub(super) fn charge(&self, activity: Activity) {
        self.shared.clock.charge(self.identity.account, activity);
    }

    /// Programmable early warning size in bytes: mode page 10h/01h gives megabytes (SSC-4).
    pub(super) fn programmable_early_warning(&self) -> u64 {
        u64::from(u16_at(self.pages.current(0x10, 0x01), 6)) * 1_000_000
    }

    fn thread(&mut self, mut cartridge: Box<Cartridge>) {
        let fitness = Fitness::of(self.identity.generation, &cartridge);
        let record = &mut cartridge.record;
        record.loads += 1;
        record
            .last_drives
            .insert(0, self.identity.inquiry.serial.clone());
        record.last_drives.truncate(4);
        if fitness == Fitness::Cleaning {
            record.uses_left -= 1;
        }
        self.charge(Activity::Mechanical(LOAD));
        self.counters.loaded();
        self.alert_medium(fitness);
        self.save_counters();
        if let Err(error) = cartridge.save() {
            tracing::error!(cartridge = %cartridge.id, %error, "cartridge memory not saved");
        }
        let mut mounted = Mounted::new(self.identity.generation, *cartridge);
        mounted.fitness = fitness;
        self.medium = Medium::Loaded(Box::new(mounted));
        self.start_calibration();
        self.show_partitions();
    }

    fn unthread(&mut self) -> Result<(), Sense> {
        let Medium::Loaded(mounted) = &mut self.medium else {
            return Ok(());
        };
        let closed = mounted.cartridge.close();
        closed.map_err(|error| super::medium::write_failure(&mounted.cartridge, &error))?;
        if let Medium::Loaded(mounted) = std::mem::replace(&mut self.medium, Medium::Empty) {
            self.medium = Medium::Unloaded(Box::new(mounted.cartridge));
        }
        self.encryption.demounted();
        self.calibration = None;
        self.leave_append_only();
        self.access_orders.clear();
        self.show_partitions();
        self.save_counters();
        self.charge(Activity::Mechanical(LOAD));
        Ok(())
    }

    /// TEST UNIT READY (SPC-5).
    fn test_unit_ready(&mut self, _: &mut Exchange<'_>) -> Result<(), Stop> {
        self.ready()?;
        Ok(())
    }

    /// REQUEST SENSE (SPC-5): what is pending, which is then no longer pending.
    fn request_sense(&mut self, exchange: &mut Exchange<'_>) -> Result<(), Stop> {
        let pending = self.take_pending(exchange.initiator);
        let pending = pending
            .or_else(|| self.check_calibration().err())
            .or_else(|| self.exception_for_request_sense());
        inquiry::answer_request_sense(pending, exchange);
        Ok(())
    }

    /// INQUIRY (SPC-5).
    fn inquiry(&mut self, exchange: &mut Exchange<'_>) -> Result<(), Stop> {
        Ok(inquiry::answer_drive(&self.identity, exchange)?)
    }

    /// REPORT LUNS (SPC-5).
    fn report_luns(&mut self, exchange: &mut Exchange<'_>) -> Result<(), Stop> {
        Ok(inquiry::answer_report_luns(self.shared.units, exchange)?)
    }

    /// LOAD UNLOAD (SSC-4): LOAD is bit 0 of byte 4, RETEN bit 1, EOT bit 2, HOLD bit 3.
    fn load_unload(&mut self, exchange: &mut Exchange<'_>) -> Result<(), Stop> {
        let load = exchange.cdb[4] & 0x01 != 0;
        let hold = exchange.cdb[4] & 0x08 != 0;
        if exchange.cdb[4] & 0x04 != 0 && load {
            return Err(Sense::invalid_cdb_field(4).into()); // EOT is for unloading
        }
        if load {
            let medium = std::mem::replace(&mut self.medium, Medium::Empty);
            match medium {
                Medium::Empty => return Err(Sense::no_medium().into()),
                Medium::Unloaded(cartridge) => {
                    self.thread(cartridge);
                    let by = exchange.initiator;
                    self.attentions.raise(Condition::MediumChanged, Some(by));
                }
                Medium::Loaded(mounted) => {
                    self.medium = Medium::Loaded(mounted);
                    self.move_to_load_point()?;
                }
            }
            return Ok(());
        }
        if hold {
            self.move_to_load_point()?;
            return Ok(());
        }
        match self.medium {
            Medium::Empty => Err(Sense::no_medium().into()),
            Medium::Unloaded(_) => Ok(()),
            Medium::Loaded(_) if self.is_removal_prevented() => {
                self.alerts.raise(Alert::NoRemoval);
                Err(Sense::removal_prevented().into())
            }
            Medium::Loaded(_) => Ok(self.unthread()?),
        }
    }

    /// PREVENT ALLOW MEDIUM REMOVAL (SPC-5), kept per initiator.
    fn prevent_allow(&mut self, exchange: &mut Exchange<'_>) -> Result<(), Stop> {
        Ok(inquiry::prevent_allow(&mut self.prevented_by, exchange)?)
    }

    fn mode_header(&self) -> ModeHeader {
        let (protected, medium_type) = match &self.medium {
            Medium::Loaded(mounted) => {
                let protected = mounted.cartridge.record.write_protected;
                (protected, MediumType::of(mounted))
            }
            Medium::Empty | Medium::Unloaded(_) => (false, MediumType::Data),
        };
        let buffered = self.buffering == Buffering::Buffered;
        let [high, middle, low] = u24(self.block_length as usize);
        ModeHeader {
            medium_type: medium_type as u8,
            device_specific: u8::from(protected) << 7 | u8::from(buffered) << 4,
            block_descriptor: Some([self.density(), 0, 0, 0, 0, high, middle, low]),
        }
    }

    /// Density of the loaded cartridge, else the drive's own.
    pub(super) fn density(&self) -> u8 {
        let loaded = match &self.medium {
            Medium::Loaded(mounted) => mounted.generation(),
            Medium::Empty | Medium::Unloaded(_) => None,
        };
        loaded.unwrap_or(self.identity.generation).density()
    }

    /// MODE SENSE(6) and (10) (SPC-5).
    fn mode_sense(&mut self, exchange: &mut Exchange<'_>) -> Result<(), Stop> {
        let request = SenseRequest::parse(exchange.cdb)?;
        Ok(self.pages.answer(request, self.mode_header(), exchange)?)
    }

    /// MODE SELECT(6) and (10) (SPC-5), the header as in SSC-4.
    fn mode_select(&mut self, exchange: &mut Exchange<'_>) -> Result<(), Stop> {
        let Some(plan) = self.pages.plan(exchange)? else {
            return Ok(());
        };
        let before = (self.buffering, self.block_length);
        let device_specific_at = if exchange.cdb[0] == 0x55 { 3 } else { 2 };
        let buffering = match plan.header.device_specific >> 4 & 0x07 {
            0 => Buffering::Unbuffered,
            1 => Buffering::Buffered,
            _ => return Err(Sense::invalid_parameter(device_specific_at).into()),
        };
        let mut block_length = self.block_length;
        if let Some(descriptor) = plan.header.block_descriptor {
            let at = device_specific_at + if exchange.cdb[0] == 0x55 { 5 } else { 2 };
            if ![0x00, 0x7f, self.density()].contains(&descriptor[0]) {
                return Err(Sense::invalid_parameter(at).into());
            }
            block_length = u24_at(&descriptor, 5);
            if block_length > self.identity.longest_block {
                return Err(Sense::invalid_parameter(at + 5).into());
            }
        }
        self.check_write_mode(&plan)?;
        if let Some((at, page)) = plan.page(PROTECTION_PAGE) {
            Protection::check_page(page).map_err(|byte| Sense::invalid_parameter(at + byte))?;
        }
        let test = Self::exceptions_test(&plan)?;
        if let (Buffering::Unbuffered, Medium::Loaded(mounted)) = (buffering, &mut self.medium) {
            mounted.synchronize()?;
        }
        self.buffering = buffering;
        self.block_length = block_length;
        let pages_changed = self.pages.apply(plan);
        self.carry_out_test(test);
        if pages_changed || before != (buffering, block_length) {
            let by = exchange.initiator;
            self.attentions
                .raise(Condition::ModeParametersChanged, Some(by));
        }
        Ok(())
    }
}

/// Control data protection (SSC-4): nothing is protected. METHOD byte 4, length byte 5, LBP_W and
/// LBP_R byte 6.
fn protection_page() -> ModePage {
    let (page, subpage) = PROTECTION_PAGE;
    let changeable = [(4, 0xff), (5, 0x3f), (6, 0xc0)];
    ModePage::with_subpage(page, subpage, &[0; 28], &changeable)
}

/// Control (SPC-5), data compression (SSC-4), device configuration and its extension
/// (SSC-4), informational exceptions control (SSC-4).
fn drive_pages() -> ModePages {
    let control = inquiry::control_page();
    // DCE and DCC; DDE; algorithm 1 both ways. DCE is bit 7 of byte 2, DDE of byte 3.
    let compression = [0xc0, 0x80, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0];
    // LOIS; EEG and SEW; algorithm 1.
    let configuration = [0, 0, 0, 0, 0, 0, 0x40, 0, 0x18, 0, 0, 0, 1, 0];
    let mut extension = [0; 28];
    extension[1] = 0x02; // SHORT ERASE MODE 2h: an end-of-data indication is recorded
    ModePages::new(vec![
        control,
        inquiry::control_extension_page(),
        protection_page(),
        ModePage::new(0x0f, &compression, &[(2, 0x80)]),
        ModePage::new(0x10, &configuration, &[(14, 0x01)]),
        ModePage::with_subpage(0x10, 0x01, &extension, &[(5, 0xf0), (6, 0xff), (7, 0xff)]),
        partition::page(),
        exceptions::page(),
    ])
}
