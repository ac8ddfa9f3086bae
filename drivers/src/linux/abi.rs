//! Structures and request numbers of the kernel's `ch` and `st` drivers (`<linux/chio.h>`,
//! `<linux/mtio.h>`), and the ioctls themselves.

#![allow(unsafe_code)]

use std::fs::File;
use std::os::fd::AsRawFd;

use nix::errno::Errno;

/// Length of a volume tag in [`GetElement`], as in an element descriptor.
pub(super) const VOLUME_TAG: usize = 36;

/// `struct changer_params`
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ChangerParameters {
    pub(super) current_picker: libc::c_int,
    pub(super) pickers: libc::c_int,
    pub(super) slots: libc::c_int,
    pub(super) portals: libc::c_int,
    pub(super) drives: libc::c_int,
}

/// A kind of element (`CHET_*`) and its number from 0 among those of its kind.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct KindAndUnit {
    pub(super) kind: libc::c_int,
    pub(super) unit: libc::c_int,
}

/// `struct changer_move`
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Move {
    pub(super) from: KindAndUnit,
    pub(super) to: KindAndUnit,
    pub(super) flags: libc::c_int,
}

/// `struct changer_exchange`
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Exchange {
    pub(super) source: KindAndUnit,
    pub(super) first_destination: KindAndUnit,
    pub(super) second_destination: KindAndUnit,
    pub(super) flags: libc::c_int,
}

/// `struct changer_position`
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct PositionTo {
    pub(super) element: KindAndUnit,
    pub(super) flags: libc::c_int,
}

/// `struct changer_element_status`
#[repr(C)]
#[derive(Debug)]
struct ElementStatus {
    kind: libc::c_int,
    data: *mut libc::c_uchar,
}

/// `struct changer_get_element`
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(super) struct GetElement {
    pub(super) element: KindAndUnit,
    pub(super) status: libc::c_int,
    pub(super) errno: libc::c_int,
    pub(super) source: KindAndUnit,
    pub(super) id: libc::c_int,
    pub(super) lun: libc::c_int,
    pub(super) primary_tag: [u8; VOLUME_TAG],
    pub(super) alternate_tag: [u8; VOLUME_TAG],
    pub(super) flags: libc::c_int,
}

impl GetElement {
    pub(super) fn of(element: KindAndUnit) -> Self {
        Self {
            element,
            status: 0,
            errno: 0,
            source: KindAndUnit::default(),
            id: 0,
            lun: 0,
            primary_tag: [0; VOLUME_TAG],
            alternate_tag: [0; VOLUME_TAG],
            flags: 0,
        }
    }
}

/// `struct mtop`
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct TapeOperation {
    pub(super) operation: libc::c_short,
    pub(super) count: libc::c_int,
}

/// `struct mtget`
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct TapeStatus {
    pub(super) kind: libc::c_long,
    pub(super) residual: libc::c_long,
    pub(super) density_and_block: libc::c_long,
    pub(super) general: libc::c_long,
    pub(super) errors: libc::c_long,
    pub(super) file: libc::c_int,
    pub(super) block: libc::c_int,
}

/// `struct mtpos`
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct TapePosition {
    pub(super) block: libc::c_long,
}

mod requests {
    use super::{
        ChangerParameters, ElementStatus, Exchange, GetElement, Move, PositionTo, TapeOperation,
        TapePosition, TapeStatus,
    };

    nix::ioctl_write_ptr!(ch_move, b'c', 1, Move);
    nix::ioctl_write_ptr!(ch_exchange, b'c', 2, Exchange);
    nix::ioctl_write_ptr!(ch_position, b'c', 3, PositionTo);
    nix::ioctl_read!(ch_parameters, b'c', 6, ChangerParameters);
    nix::ioctl_write_ptr!(ch_status, b'c', 8, ElementStatus);
    // Said to be written only, but the kernel fills it.
    nix::ioctl_write_ptr!(ch_element, b'c', 16, GetElement);
    nix::ioctl_none!(ch_initialize, b'c', 17);
    nix::ioctl_write_ptr!(mt_operation, b'm', 1, TapeOperation);
    nix::ioctl_read!(mt_status, b'm', 2, TapeStatus);
    nix::ioctl_read!(mt_position, b'm', 3, TapePosition);
}

/// `CHIOGPARAMS`: how many elements of each kind there are.
pub(super) fn changer_parameters(file: &File) -> Result<ChangerParameters, Errno> {
    let mut parameters = ChangerParameters::default();
    // SAFETY: the descriptor is open over the call, and the kernel writes one whole structure.
    unsafe { requests::ch_parameters(file.as_raw_fd(), &raw mut parameters) }?;
    Ok(parameters)
}

/// `CHIOGSTATUS`: the flags of the first elements of a kind, as many as the changer has of it.
/// `count` must be what [`changer_parameters`] said.
pub(super) fn element_flags(
    file: &File,
    kind: libc::c_int,
    count: usize,
) -> Result<Vec<u8>, Errno> {
    // The kernel is not told how long the buffer is: it writes one byte for each element. A
    // changer that was given more elements since is held off by the room behind.
    let mut flags = vec![0_u8; count.max(usize::from(u16::MAX) + 1)];
    let request = ElementStatus {
        kind,
        data: flags.as_mut_ptr(),
    };
    // SAFETY: the descriptor is open over the call; `data` points to 65,536 bytes, and there are
    // at most that many element addresses.
    unsafe { requests::ch_status(file.as_raw_fd(), &raw const request) }?;
    flags.truncate(count);
    Ok(flags)
}

/// `CHIOGELEM`: everything the driver knows of one element.
pub(super) fn element(file: &File, element: KindAndUnit) -> Result<GetElement, Errno> {
    let mut request = GetElement::of(element);
    // SAFETY: the descriptor is open over the call. The kernel copies the structure in and, in
    // spite of the request's direction, back out: the pointer comes from an exclusive borrow.
    unsafe { requests::ch_element(file.as_raw_fd(), &raw mut request) }?;
    Ok(request)
}

/// `CHIOMOVE`
pub(super) fn move_medium(file: &File, request: &Move) -> Result<(), Errno> {
    // SAFETY: the descriptor is open over the call, and the kernel only reads the structure.
    unsafe { requests::ch_move(file.as_raw_fd(), request) }.map(drop)
}

/// `CHIOEXCHANGE`
pub(super) fn exchange_medium(file: &File, request: &Exchange) -> Result<(), Errno> {
    // SAFETY: as for `move_medium`.
    unsafe { requests::ch_exchange(file.as_raw_fd(), request) }.map(drop)
}

/// `CHIOPOSITION`
pub(super) fn position_to(file: &File, request: &PositionTo) -> Result<(), Errno> {
    // SAFETY: as for `move_medium`.
    unsafe { requests::ch_position(file.as_raw_fd(), request) }.map(drop)
}

/// `CHIOINITELEM`
pub(super) fn initialize_elements(file: &File) -> Result<(), Errno> {
    // SAFETY: the descriptor is open over the call, which has no argument.
    unsafe { requests::ch_initialize(file.as_raw_fd()) }.map(drop)
}

/// `MTIOCTOP`
pub(super) fn tape_operation(file: &File, request: TapeOperation) -> Result<(), Errno> {
    // SAFETY: the descriptor is open over the call, and the kernel only reads the structure.
    unsafe { requests::mt_operation(file.as_raw_fd(), &raw const request) }.map(drop)
}

/// `MTIOCGET`
pub(super) fn tape_status(file: &File) -> Result<TapeStatus, Errno> {
    let mut status = TapeStatus::default();
    // SAFETY: the descriptor is open over the call, and the kernel writes one whole structure.
    unsafe { requests::mt_status(file.as_raw_fd(), &raw mut status) }?;
    Ok(status)
}

/// `MTIOCPOS`
pub(super) fn tape_position(file: &File) -> Result<TapePosition, Errno> {
    let mut position = TapePosition::default();
    // SAFETY: the descriptor is open over the call, and the kernel writes one whole structure.
    unsafe { requests::mt_position(file.as_raw_fd(), &raw mut position) }?;
    Ok(position)
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use std::mem::offset_of;

    use super::*;

    /// What `tests/data/ioctl_layout.c` prints, compiled with Debian's linux-libc-dev 6.1.
    const LAYOUT: &str = include_str!("../../tests/data/ioctl_layout.txt");

    #[allow(clippy::unwrap_used)] // a test's helper fails as the test itself does
    fn said(what: &str) -> usize {
        let line = LAYOUT
            .lines()
            .find_map(|line| line.strip_prefix(what)?.strip_prefix(' '));
        let text = line.unwrap_or_else(|| panic!("nothing about {what}"));
        let digits = text.strip_prefix("0x");
        digits
            .map_or_else(|| text.parse(), |hex| usize::from_str_radix(hex, 16))
            .unwrap()
    }

    /// Compares sizes of structures and offsets of fields.
    macro_rules! same_layout {
        ($ours:ty = $theirs:literal { $($field:ident $(. $inner:ident)? = $name:literal),* $(,)? }) => {
            assert_eq!(size_of::<$ours>(), said(concat!("size ", $theirs)), $theirs);
            $(assert_eq!(
                offset_of!($ours, $field $(. $inner)?),
                said(concat!("offset ", $theirs, ".", $name)),
                concat!($theirs, ".", $name)
            );)*
        };
    }

    #[test]
    fn structures_of_ch_are_the_kernel_s() {
        same_layout!(ChangerParameters = "changer_params" {
            current_picker = "cp_curpicker", pickers = "cp_npickers", slots = "cp_nslots",
            portals = "cp_nportals", drives = "cp_ndrives",
        });
        same_layout!(Move = "changer_move" {
            from.kind = "cm_fromtype", from.unit = "cm_fromunit", to.kind = "cm_totype",
            to.unit = "cm_tounit", flags = "cm_flags",
        });
        same_layout!(Exchange = "changer_exchange" {
            source.kind = "ce_srctype", source.unit = "ce_srcunit",
            first_destination.kind = "ce_fdsttype", first_destination.unit = "ce_fdstunit",
            second_destination.kind = "ce_sdsttype", second_destination.unit = "ce_sdstunit",
            flags = "ce_flags",
        });
        same_layout!(PositionTo = "changer_position" {
            element.kind = "cp_type", element.unit = "cp_unit", flags = "cp_flags",
        });
        same_layout!(ElementStatus = "changer_element_status" {
            kind = "ces_type", data = "ces_data",
        });
        same_layout!(GetElement = "changer_get_element" {
            element.kind = "cge_type", element.unit = "cge_unit", status = "cge_status",
            errno = "cge_errno", source.kind = "cge_srctype", source.unit = "cge_srcunit",
            id = "cge_id", lun = "cge_lun", primary_tag = "cge_pvoltag",
            alternate_tag = "cge_avoltag", flags = "cge_flags",
        });
    }

    #[test]
    fn structures_of_st_are_the_kernel_s() {
        same_layout!(TapeOperation = "mtop" { operation = "mt_op", count = "mt_count" });
        same_layout!(TapeStatus = "mtget" {
            kind = "mt_type", residual = "mt_resid", density_and_block = "mt_dsreg",
            general = "mt_gstat", errors = "mt_erreg", file = "mt_fileno", block = "mt_blkno",
        });
        same_layout!(TapePosition = "mtpos" { block = "mt_blkno" });
    }

    #[test]
    fn request_numbers_are_the_kernel_s() {
        let write = |group, number, size| nix::request_code_write!(group, number, size);
        let read = |group, number, size| nix::request_code_read!(group, number, size);
        let pairs = [
            ("CHIOMOVE", write(b'c', 1, size_of::<Move>())),
            ("CHIOEXCHANGE", write(b'c', 2, size_of::<Exchange>())),
            ("CHIOPOSITION", write(b'c', 3, size_of::<PositionTo>())),
            ("CHIOGPARAMS", read(b'c', 6, size_of::<ChangerParameters>())),
            ("CHIOGSTATUS", write(b'c', 8, size_of::<ElementStatus>())),
            ("CHIOGELEM", write(b'c', 16, size_of::<GetElement>())),
            ("CHIOINITELEM", nix::request_code_none!(b'c', 17)),
            ("MTIOCTOP", write(b'm', 1, size_of::<TapeOperation>())),
            ("MTIOCGET", read(b'm', 2, size_of::<TapeStatus>())),
            ("MTIOCPOS", read(b'm', 3, size_of::<TapePosition>())),
        ];
        for (name, number) in pairs {
            assert_eq!(
                usize::try_from(number).unwrap(),
                said(&format!("request {name}")),
                "{name}"
            );
        }
    }
}
