//! SG_IO over `/dev/sgN` (Linux `sg` driver, interface version 3, `<scsi/sg.h>`).
//!
//! The only unsafe code of the project: one ioctl, one aligned buffer.

#![allow(unsafe_code)]

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;
use std::ptr::NonNull;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{SigSet, SigmaskHow};

use crate::transport::{Cdb, Data, MAX_SENSE_LENGTH, Reply, Status, Transport, TransportError};

/// `SG_IO` is a plain number, not made by the `_IO` macros.
const SG_IO: libc::c_ulong = 0x2285;
const SG_GET_RESERVED_SIZE: libc::c_ulong = 0x2272;
const SG_SET_RESERVED_SIZE: libc::c_ulong = 0x2275;

/// `interface_id` of version 3.
const INTERFACE: libc::c_int = 'S' as libc::c_int;

const DXFER_NONE: libc::c_int = -1;
const DXFER_TO_DEV: libc::c_int = -2;
const DXFER_FROM_DEV: libc::c_int = -3;

/// `host_status` values of the SCSI midlayer.
const DID_NO_CONNECT: u16 = 0x01;
const DID_TIME_OUT: u16 = 0x03;
const DID_BAD_TARGET: u16 = 0x04;
const DID_TARGET_FAILURE: u16 = 0x10;
const DID_MEDIUM_ERROR: u16 = 0x13;

/// `driver_status`: sense data is there (`DRIVER_SENSE`); never an error of its own.
const DRIVER_SENSE: u16 = 0x08;
/// `driver_status`: the command timed out in the driver.
const DRIVER_TIMEOUT: u16 = 0x06;
/// `driver_status`: the low four bits are the code, the others suggestions of old kernels.
const DRIVER_MASK: u16 = 0x0f;

/// What is asked of the driver as its largest transfer; it grants what it can.
const WANTED_TRANSFER: libc::c_int = 4 << 20;

/// `struct sg_io_hdr` of `<scsi/sg.h>`.
#[repr(C)]
struct SgIoHdr {
    interface_id: libc::c_int,
    dxfer_direction: libc::c_int,
    cmd_len: libc::c_uchar,
    mx_sb_len: libc::c_uchar,
    iovec_count: libc::c_ushort,
    dxfer_len: libc::c_uint,
    dxferp: *mut libc::c_void,
    cmdp: *const libc::c_uchar,
    sbp: *mut libc::c_uchar,
    timeout: libc::c_uint,
    flags: libc::c_uint,
    pack_id: libc::c_int,
    usr_ptr: *mut libc::c_void,
    status: libc::c_uchar,
    masked_status: libc::c_uchar,
    msg_status: libc::c_uchar,
    sb_len_wr: libc::c_uchar,
    host_status: libc::c_ushort,
    driver_status: libc::c_ushort,
    resid: libc::c_int,
    duration: libc::c_uint,
    info: libc::c_uint,
}

impl SgIoHdr {
    const EMPTY: Self = Self {
        interface_id: INTERFACE,
        dxfer_direction: DXFER_NONE,
        cmd_len: 0,
        mx_sb_len: 0,
        iovec_count: 0,
        dxfer_len: 0,
        dxferp: std::ptr::null_mut(),
        cmdp: std::ptr::null(),
        sbp: std::ptr::null_mut(),
        timeout: 0,
        flags: 0,
        pack_id: 0,
        usr_ptr: std::ptr::null_mut(),
        status: 0,
        masked_status: 0,
        msg_status: 0,
        sb_len_wr: 0,
        host_status: 0,
        driver_status: 0,
        resid: 0,
        duration: 0,
        info: 0,
    };
}

/// The size the kernel's structure has where pointers have 64 bits.
#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<SgIoHdr>() == 88);

nix::ioctl_readwrite_bad!(
    /// Sends one command.
    sg_io,
    SG_IO,
    SgIoHdr
);
nix::ioctl_read_bad!(
    /// Reads the size of the reserved buffer.
    sg_get_reserved_size,
    SG_GET_RESERVED_SIZE,
    libc::c_int
);
nix::ioctl_write_ptr_bad!(
    /// Asks for another size of the reserved buffer.
    sg_set_reserved_size,
    SG_SET_RESERVED_SIZE,
    libc::c_int
);

/// A SCSI generic device node.
#[derive(Debug)]
pub struct SgDevice {
    file: File,
    path: String,
    max_transfer: usize,
    buffer: AlignedBuffer,
}

impl SgDevice {
    /// Opens a `/dev/sgN` node, without waiting for the device to be ready.
    ///
    /// # Errors
    /// [`TransportError::Io`] when the node can't be opened or is not a SCSI generic one.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, TransportError> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let failed = |source| TransportError::Io {
            path: name.clone(),
            source,
        };
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC)
            .open(path)
            .map_err(failed)?;
        if !file
            .metadata()
            .map_err(failed)?
            .file_type()
            .is_char_device()
        {
            let what = "not a character device; a SCSI generic node (/dev/sgN) is needed";
            return Err(failed(io::Error::new(io::ErrorKind::InvalidInput, what)));
        }
        let max_transfer = max_transfer(&file, path).map_err(|errno| failed(errno.into()))?;
        Ok(Self {
            file,
            path: name,
            max_transfer,
            buffer: AlignedBuffer::default(),
        })
    }

    /// Most bytes one command can move over this path, whatever READ BLOCK LIMITS says.
    #[must_use]
    pub fn max_transfer(&self) -> usize {
        self.max_transfer
    }
}

/// The smaller of what the driver grants as reserved buffer and what the host adapter takes
/// (`max_sectors_kb` of its request queue, as far as sysfs shows it).
fn max_transfer(file: &File, path: &Path) -> Result<usize, Errno> {
    let wanted = WANTED_TRANSFER;
    let mut granted: libc::c_int = 0;
    // SAFETY: the descriptor is open, and both requests take a pointer to a C int that lives
    // over the call. A refusal to grow leaves the size as it was, which is read next.
    unsafe {
        let _ = sg_set_reserved_size(file.as_raw_fd(), &raw const wanted);
        sg_get_reserved_size(file.as_raw_fd(), &raw mut granted)?;
    }
    let granted = usize::try_from(granted).unwrap_or(0);
    Ok(adapter_limit(path).map_or(granted, |limit| granted.min(limit)))
}

/// `max_sectors` of the device's SCSI host in bytes, where the kernel tells it.
fn adapter_limit(path: &Path) -> Option<usize> {
    let name = fs::canonicalize(path).ok()?;
    let name = name.file_name()?.to_str()?;
    let device = fs::canonicalize(format!("/sys/class/scsi_generic/{name}/device")).ok()?;
    let host = device.ancestors().find(|folder| {
        let name = folder.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with("host"))
    })?;
    let number = host.file_name()?.to_str()?;
    let text = fs::read_to_string(format!("/sys/class/scsi_host/{number}/max_sectors")).ok()?;
    text.trim()
        .parse::<usize>()
        .ok()?
        .checked_mul(512)
        .filter(|limit| *limit > 0)
}

impl Transport for SgDevice {
    fn execute(
        &mut self,
        cdb: &Cdb,
        data: Data<'_>,
        timeout: Duration,
    ) -> Result<Reply, TransportError> {
        let (direction, length) = match &data {
            Data::None => (DXFER_NONE, 0),
            Data::In(buffer) => (DXFER_FROM_DEV, buffer.len()),
            Data::Out(bytes) => (DXFER_TO_DEV, bytes.len()),
        };
        // Not the caller's memory: the kernel wants it page-aligned on some adapters.
        self.buffer.grow(length).map_err(|error| self.io(error))?;
        if let Data::Out(bytes) = &data {
            self.buffer.as_mut_slice()[..length].copy_from_slice(bytes);
        }
        let mut sense = [0_u8; MAX_SENSE_LENGTH];
        let mut command = [0_u8; crate::transport::MAX_CDB_LENGTH];
        let command_length = cdb.as_bytes().len();
        command[..command_length].copy_from_slice(cdb.as_bytes());
        #[allow(clippy::cast_possible_truncation)] // at most 16, at most 252
        let mut header = SgIoHdr {
            dxfer_direction: direction,
            cmd_len: command_length as u8,
            mx_sb_len: MAX_SENSE_LENGTH as u8,
            dxfer_len: u32::try_from(length).map_err(|_| self.io(Errno::EINVAL))?,
            dxferp: self.buffer.pointer(),
            cmdp: command.as_ptr(),
            sbp: sense.as_mut_ptr(),
            timeout: u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX),
            ..SgIoHdr::EMPTY
        };
        let descriptor = self.file.as_raw_fd();
        // SAFETY: the header is the kernel's `struct sg_io_hdr`. Its pointers are to the
        // command, the sense buffer and the data buffer, each at least as long as the length
        // beside it says and living over the call, and SG_IO keeps none of them: without signals
        // it returns only when the command is finished.
        without_signals(|| unsafe { sg_io(descriptor, &raw mut header) })
            .and_then(|result| result)
            .map_err(|errno| self.io_or_gone(errno))?;
        let reply = reply(&self.path, &header, &sense, length, timeout)?;
        if let Data::In(buffer) = data {
            // With CHECK CONDITION some targets report a wrong residual: everything is copied,
            // and INFORMATION says what it is.
            let moved = match reply.status {
                Status::CheckCondition => length,
                _ => reply.transferred,
            };
            buffer[..moved].copy_from_slice(&self.buffer.as_mut_slice()[..moved]);
        }
        Ok(reply)
    }

    fn path(&self) -> &str {
        &self.path
    }
}

impl SgDevice {
    fn io(&self, errno: Errno) -> TransportError {
        TransportError::Io {
            path: self.path.clone(),
            source: errno.into(),
        }
    }

    fn io_or_gone(&self, errno: Errno) -> TransportError {
        match errno {
            Errno::ENODEV | Errno::ENXIO => TransportError::Gone {
                path: self.path.clone(),
            },
            other => self.io(other),
        }
    }
}

/// Status, sense and residual of a completed ioctl; an error when the host adapter or the driver
/// says that there was no SCSI reply.
fn reply(
    path: &str,
    header: &SgIoHdr,
    sense: &[u8],
    length: usize,
    timeout: Duration,
) -> Result<Reply, TransportError> {
    let path = || path.to_owned();
    let driver = header.driver_status & DRIVER_MASK;
    let status = Status::from(header.status & 0x7e);
    match (header.host_status, driver) {
        (0, 0 | DRIVER_SENSE) => {}
        // The midlayer's own word for a status that did come.
        (DID_TARGET_FAILURE..=DID_MEDIUM_ERROR, _) if status != Status::Good => {}
        (DID_NO_CONNECT | DID_BAD_TARGET, _) => return Err(TransportError::Gone { path: path() }),
        (DID_TIME_OUT, _) | (_, DRIVER_TIMEOUT) => {
            return Err(TransportError::Timeout {
                path: path(),
                after: timeout,
            });
        }
        (host, _) => {
            let driver = header.driver_status;
            return Err(TransportError::Host {
                path: path(),
                host,
                driver,
            });
        }
    }
    let sense = &sense[..sense.len().min(usize::from(header.sb_len_wr))];
    // A negative residual is an overrun: the buffer is full.
    let residual = usize::try_from(header.resid).unwrap_or(0);
    // Some adapters leave the status GOOD beside sense data.
    let status = match status {
        Status::Good if driver == DRIVER_SENSE && !sense.is_empty() => Status::CheckCondition,
        status => status,
    };
    Ok(Reply {
        status,
        sense: sense.to_vec(),
        transferred: length.saturating_sub(residual),
    })
}

/// Runs `call` with all signals of this thread held back. A signal that interrupts SG_IO makes
/// the kernel start the system call again, and so send the command a second time.
fn without_signals<T>(call: impl FnOnce() -> T) -> Result<T, Errno> {
    let before = SigSet::all().thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
    let result = call();
    before.thread_set_mask()?;
    Ok(result)
}

const PAGE: usize = 4096;

/// Page-aligned memory that only grows.
#[derive(Default)]
struct AlignedBuffer {
    start: Option<NonNull<u8>>,
    length: usize,
}

impl std::fmt::Debug for AlignedBuffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AlignedBuffer")
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}

// SAFETY: the memory is owned by this value alone and freed by its drop.
unsafe impl Send for AlignedBuffer {}

impl AlignedBuffer {
    /// Makes it at least this long; an error when no memory can be that large.
    fn grow(&mut self, length: usize) -> Result<(), Errno> {
        if length <= self.length {
            return Ok(());
        }
        let length = length.next_multiple_of(PAGE);
        let layout = Layout::from_size_align(length, PAGE).map_err(|_| Errno::ENOMEM)?;
        self.free();
        // SAFETY: the layout's size is not zero: `length` is above the current length.
        let start = unsafe { alloc_zeroed(layout) };
        self.start = Some(NonNull::new(start).unwrap_or_else(|| handle_alloc_error(layout)));
        self.length = length;
        Ok(())
    }

    fn as_mut_slice(&mut self) -> &mut [u8] {
        match self.start {
            // SAFETY: `start` is `length` initialised (zeroed) bytes owned by this value, and
            // the borrow of `self` keeps anybody else away.
            Some(start) => unsafe { std::slice::from_raw_parts_mut(start.as_ptr(), self.length) },
            None => &mut [],
        }
    }

    fn pointer(&mut self) -> *mut libc::c_void {
        self.start
            .map_or(std::ptr::null_mut(), |start| start.as_ptr().cast())
    }

    fn free(&mut self) {
        if let Some(start) = self.start.take() {
            // SAFETY: allocated by `grow` with this same size and alignment, which were valid.
            unsafe {
                dealloc(
                    start.as_ptr(),
                    Layout::from_size_align_unchecked(self.length, PAGE),
                );
            }
        }
        self.length = 0;
    }
}

impl Drop for AlignedBuffer {
    fn drop(&mut self) {
        self.free();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(60);

    fn answer(header: &SgIoHdr) -> Result<Reply, TransportError> {
        let mut sense = [0_u8; MAX_SENSE_LENGTH];
        sense[..3].copy_from_slice(&[0x70, 0, 6]);
        reply("/dev/sg9", header, &sense, 100, LIMIT)
    }

    #[test]
    fn a_good_reply_with_a_residual() {
        let good = answer(&SgIoHdr {
            resid: 40,
            ..SgIoHdr::EMPTY
        })
        .unwrap();
        assert_eq!(
            (good.status, good.transferred, good.sense.len()),
            (Status::Good, 60, 0)
        );
        let overrun = answer(&SgIoHdr {
            resid: -8,
            ..SgIoHdr::EMPTY
        })
        .unwrap();
        assert_eq!(overrun.transferred, 100);
    }

    #[test]
    fn sense_data_is_no_error_of_the_driver() {
        for status in [0x02, 0x00] {
            let header = SgIoHdr {
                status,
                sb_len_wr: 3,
                driver_status: DRIVER_SENSE,
                ..SgIoHdr::EMPTY
            };
            let reply = answer(&header).unwrap();
            assert_eq!(reply.status, Status::CheckCondition);
            assert_eq!(reply.sense, [0x70, 0, 6]);
        }
    }

    #[test]
    fn host_and_driver_errors() {
        let host = |host_status| {
            answer(&SgIoHdr {
                host_status,
                ..SgIoHdr::EMPTY
            })
            .unwrap_err()
        };
        assert!(matches!(host(DID_NO_CONNECT), TransportError::Gone { .. }));
        assert!(matches!(
            host(DID_TIME_OUT),
            TransportError::Timeout { after: LIMIT, .. }
        ));
        assert!(matches!(host(0x08), TransportError::Host { host: 8, .. }));
        assert!(matches!(
            host(DID_TARGET_FAILURE),
            TransportError::Host { .. }
        ));
        let late = SgIoHdr {
            driver_status: DRIVER_TIMEOUT,
            ..SgIoHdr::EMPTY
        };
        assert!(matches!(answer(&late), Err(TransportError::Timeout { .. })));
    }

    /// Older kernels say `DID_NEXUS_FAILURE` beside RESERVATION CONFLICT.
    #[test]
    fn a_status_that_came_is_a_reply() {
        let header = SgIoHdr {
            status: 0x18,
            host_status: 0x11,
            ..SgIoHdr::EMPTY
        };
        assert_eq!(answer(&header).unwrap().status, Status::ReservationConflict);
    }

    #[test]
    fn what_is_not_a_scsi_generic_node_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = SgDevice::open(file.path()).unwrap_err();
        assert!(error.to_string().contains("/dev/sgN"), "{error}");
        assert!(matches!(
            SgDevice::open("/dev/null"),
            Err(TransportError::Io { .. })
        ));
        let error = SgDevice::open("/dev/sg-none").unwrap_err();
        assert!(error.to_string().starts_with("/dev/sg-none: "), "{error}");
    }

    #[test]
    fn the_buffer_is_aligned_and_grows() {
        let mut buffer = AlignedBuffer::default();
        for length in [0, 1, PAGE, 3 * PAGE + 1, 5] {
            buffer.grow(length).unwrap();
            assert!(buffer.as_mut_slice().len() >= length);
            assert_eq!(buffer.pointer() as usize % PAGE, 0);
            buffer.as_mut_slice().fill(0xa5);
        }
        assert_eq!(buffer.grow(usize::MAX - PAGE), Err(Errno::ENOMEM));
    }

    #[test]
    fn signals_are_held_back_and_let_go_again() {
        let mask = || SigSet::thread_get_mask().unwrap();
        let before = mask();
        let within = without_signals(mask).unwrap();
        assert!(within.contains(nix::sys::signal::SIGINT));
        assert_eq!(mask(), before);
    }
}
