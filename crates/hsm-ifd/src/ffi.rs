//! The functions that pcscd calls: IFD handler API 3.0 (pcsc-lite, `ifdhandler.h`), and all `unsafe` of this crate.
//!
//! Each entry finds its reader by the logical unit number and calls [`Reader`]. Three small functions at the end turn
//! pointers into slices, or write through them. A panic does not leave an entry.
//!
//! There is deliberately no PIN pad feature (PC/SC part 10): PINs are typed on the module and never reach the host.

#![expect(unsafe_code, reason = "C calls these functions and passes pointers")]

use crate::reader::{Reader, ReaderError};
use std::collections::BTreeMap;
use std::ffi::{CStr, c_char, c_int, c_long, c_uchar, c_ulong, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// `DWORD` of pcsc-lite: as wide as a pointer on 64-bit Linux.
pub type Dword = c_ulong;

/// `RESPONSECODE` of pcsc-lite.
pub type ResponseCode = c_long;

/// `SCARD_IO_HEADER`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct IoHeader {
    /// `1` is T=1.
    pub protocol: Dword,
    /// The size of this header, in bytes.
    pub length: Dword,
}

/// Opens the reader whose `DEVICENAME` is `device`.
///
/// # Safety
/// `device` is null or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn IFDHCreateChannelByName(
    lun: Dword,
    device: *const c_char,
) -> ResponseCode {
    entry(|| {
        if device.is_null() {
            return COMMUNICATION_ERROR;
        }
        // SAFETY: the caller passes a C string, and it is not null.
        let device = unsafe { CStr::from_ptr(device) };
        let Ok(reader) = Reader::open(device.to_bytes()) else {
            return COMMUNICATION_ERROR;
        };
        readers(|all| all.insert(lun, Arc::new(reader)));
        SUCCESS
    })
}

/// Returns an error: a channel number does not name a socket.
#[unsafe(no_mangle)]
pub extern "C" fn IFDHCreateChannel(_lun: Dword, _channel: Dword) -> ResponseCode {
    NOT_SUPPORTED
}

/// Closes the reader; the module sees its connection end.
#[unsafe(no_mangle)]
pub extern "C" fn IFDHCloseChannel(lun: Dword) -> ResponseCode {
    entry(|| readers(|all| all.remove(&lun)).map_or(NO_SUCH_DEVICE, |_closed| SUCCESS))
}

/// Returns what the reader can do, its ATR, and the functions of the event thread.
///
/// # Safety
/// `length` is null or points to the size of `value`, in bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn IFDHGetCapabilities(
    lun: Dword,
    tag: Dword,
    length: *mut Dword,
    value: *mut c_uchar,
) -> ResponseCode {
    let wait: extern "C" fn(Dword, c_int) -> ResponseCode = wait;
    let stop: extern "C" fn(Dword) -> ResponseCode = stop;
    entry(|| {
        let answer = match tag {
            TAG_ATR | ATTR_ATR_STRING => match reader(lun).map(|r| r.atr()) {
                Some(Some(atr)) => atr,
                Some(None) => return COMMUNICATION_ERROR,
                None => return NO_SUCH_DEVICE,
            },
            TAG_SIMULTANEOUS_ACCESS => vec![READERS_MAX],
            TAG_SLOTS_NUMBER | TAG_THREAD_SAFE | TAG_SLOT_THREAD_SAFE => vec![1],
            TAG_POLLING_THREAD_WITH_TIMEOUT => (wait as usize).to_ne_bytes().to_vec(),
            TAG_STOP_POLLING_THREAD => (stop as usize).to_ne_bytes().to_vec(),
            TAG_POLLING_THREAD_KILLABLE => vec![0],
            _ => return ERROR_TAG,
        };
        // SAFETY: the caller guarantees what `put` requires.
        unsafe { put(&answer, value, length) }
    })
}

/// Returns an error: nothing can be set.
#[unsafe(no_mangle)]
pub extern "C" fn IFDHSetCapabilities(
    _lun: Dword,
    _tag: Dword,
    _length: Dword,
    _value: *const c_uchar,
) -> ResponseCode {
    NOT_SUPPORTED
}

/// Accepts only the protocol T=1; there is nothing to negotiate on a socket.
#[unsafe(no_mangle)]
pub extern "C" fn IFDHSetProtocolParameters(
    _lun: Dword,
    protocol: Dword,
    _flags: c_uchar,
    _pts1: c_uchar,
    _pts2: c_uchar,
    _pts3: c_uchar,
) -> ResponseCode {
    if protocol == PROTOCOL_T1 {
        SUCCESS
    } else {
        PROTOCOL_NOT_SUPPORTED
    }
}

/// Powers the module up or down, or resets it.
///
/// # Safety
/// `length` is null, or `atr` has room for 33 bytes (`MAX_ATR_SIZE`). pcscd may leave the length unset.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn IFDHPowerICC(
    lun: Dword,
    action: Dword,
    atr: *mut c_uchar,
    length: *mut Dword,
) -> ResponseCode {
    entry(|| {
        let Some(reader) = reader(lun) else {
            return NO_SUCH_DEVICE;
        };
        let fresh = match action {
            POWER_UP => reader.power_up(),
            RESET => reader.reset(),
            POWER_DOWN => reader.power_down().map(|()| Vec::new()),
            _ => return NOT_SUPPORTED,
        };
        // SAFETY: guaranteed by the caller; an ATR has at most 33 bytes.
        unsafe { announce(length, ATR_ROOM) };
        match fresh {
            // SAFETY: as above.
            Ok(fresh) => unsafe { put(&fresh, atr, length) },
            Err(error) => {
                // SAFETY: as above.
                unsafe { announce(length, 0) };
                code(error)
            }
        }
    })
}

/// Sends a command APDU to the module and returns its response.
///
/// # Safety
/// `command` has `command_len` bytes, `response` has room for `*response_len`, `response_header` is null or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn IFDHTransmitToICC(
    lun: Dword,
    header: IoHeader,
    command: *const c_uchar,
    command_len: Dword,
    response: *mut c_uchar,
    response_len: *mut Dword,
    response_header: *mut IoHeader,
) -> ResponseCode {
    entry(|| {
        // SAFETY: the caller passes this many bytes.
        let Some(command) = (unsafe { bytes(command, command_len) }) else {
            return COMMUNICATION_ERROR;
        };
        let answer = reader(lun)
            .ok_or(NO_SUCH_DEVICE)
            .and_then(|r| r.transmit(command).map_err(code));
        let result = match answer {
            // SAFETY: the caller passes the size of the buffer.
            Ok(answer) => unsafe { put(&answer, response, response_len) },
            Err(code) => code,
        };
        if result != SUCCESS {
            // SAFETY: the caller guarantees null or valid.
            unsafe { announce(response_len, 0) };
        } else if !response_header.is_null() {
            // SAFETY: not null, and therefore valid.
            unsafe { response_header.write(header) };
        }
        result
    })
}

/// Returns an error: there are no features, and deliberately no PIN pad.
///
/// # Safety
/// `returned` is null or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn IFDHControl(
    _lun: Dword,
    _code: Dword,
    _sent: *const c_void,
    _sent_len: Dword,
    _received: *mut c_void,
    _received_len: Dword,
    returned: *mut Dword,
) -> ResponseCode {
    // SAFETY: the caller guarantees null or valid.
    unsafe { announce(returned, 0) };
    ERROR_NOT_SUPPORTED
}

/// Returns whether a module is in the reader.
#[unsafe(no_mangle)]
pub extern "C" fn IFDHICCPresence(lun: Dword) -> ResponseCode {
    entry(|| match reader(lun) {
        Some(reader) if reader.is_present() => ICC_PRESENT,
        Some(_) => ICC_NOT_PRESENT,
        None => NO_SUCH_DEVICE,
    })
}

/// The wait function of pcscd's event thread. After an error pcscd waits 400 ms before it tries again.
extern "C" fn wait(lun: Dword, timeout_ms: c_int) -> ResponseCode {
    entry(|| {
        let Some(reader) = reader(lun) else {
            return NO_SUCH_DEVICE;
        };
        let timeout = Duration::from_millis(u64::try_from(timeout_ms).unwrap_or(0));
        reader
            .wait(timeout)
            .map_or(COMMUNICATION_ERROR, |()| SUCCESS)
    })
}

extern "C" fn stop(lun: Dword) -> ResponseCode {
    entry(|| {
        reader(lun).map_or(NO_SUCH_DEVICE, |reader| {
            reader.wake();
            SUCCESS
        })
    })
}

/// Runs an entry; turns a panic into an error code, because C cannot unwind.
fn entry(body: impl FnOnce() -> ResponseCode) -> ResponseCode {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(COMMUNICATION_ERROR)
}

fn reader(lun: Dword) -> Option<Arc<Reader>> {
    readers(|all| all.get(&lun).cloned())
}

fn readers<T>(act: impl FnOnce(&mut BTreeMap<Dword, Arc<Reader>>) -> T) -> T {
    static READERS: Mutex<BTreeMap<Dword, Arc<Reader>>> = Mutex::new(BTreeMap::new());
    act(&mut READERS.lock().unwrap_or_else(PoisonError::into_inner))
}

const fn code(error: ReaderError) -> ResponseCode {
    match error {
        ReaderError::NoModule | ReaderError::TooLong | ReaderError::Lost => COMMUNICATION_ERROR,
    }
}

/// Returns a command's bytes; `None` for a null pointer.
///
/// # Safety
/// `from` is null or points to `len` bytes that do not change during `'a`.
unsafe fn bytes<'a>(from: *const c_uchar, len: Dword) -> Option<&'a [u8]> {
    let len = usize::try_from(len)
        .ok()
        .filter(|len| isize::try_from(*len).is_ok())?;
    // SAFETY: not null, of the length that the caller guarantees, and a slice may have this length.
    (!from.is_null()).then(|| unsafe { std::slice::from_raw_parts(from, len) })
}

/// Writes `answer` and its length if there is room, else nothing.
///
/// # Safety
/// `room` is null or points to the number of bytes that may be written to `to`.
unsafe fn put(answer: &[u8], to: *mut c_uchar, room: *mut Dword) -> ResponseCode {
    let Ok(len) = Dword::try_from(answer.len()) else {
        return COMMUNICATION_ERROR;
    };
    // SAFETY: the caller guarantees null or valid.
    let Some(room) = (unsafe { room.as_mut() }) else {
        return COMMUNICATION_ERROR;
    };
    if to.is_null() && !answer.is_empty() {
        return COMMUNICATION_ERROR;
    }
    if *room < len {
        return ERROR_INSUFFICIENT_BUFFER;
    }
    if !answer.is_empty() {
        // SAFETY: there is room, and `answer` cannot overlap it. It may be uninitialized, so it cannot be a slice.
        unsafe { std::ptr::copy_nonoverlapping(answer.as_ptr(), to, answer.len()) };
    }
    *room = len;
    SUCCESS
}

/// Sets a length, unless the pointer is null.
///
/// # Safety
/// `length` is null or valid.
unsafe fn announce(length: *mut Dword, value: Dword) {
    if !length.is_null() {
        // SAFETY: not null, and therefore valid.
        unsafe { length.write(value) };
    }
}

const SUCCESS: ResponseCode = 0;
const ERROR_TAG: ResponseCode = 600;
const ERROR_NOT_SUPPORTED: ResponseCode = 606;
const PROTOCOL_NOT_SUPPORTED: ResponseCode = 607;
const COMMUNICATION_ERROR: ResponseCode = 612;
const NOT_SUPPORTED: ResponseCode = 614;
const ICC_PRESENT: ResponseCode = 615;
const ICC_NOT_PRESENT: ResponseCode = 616;
const NO_SUCH_DEVICE: ResponseCode = 617;
const ERROR_INSUFFICIENT_BUFFER: ResponseCode = 618;

const POWER_UP: Dword = 500;
const POWER_DOWN: Dword = 501;
const RESET: Dword = 502;

const TAG_ATR: Dword = 0x0303;
const ATTR_ATR_STRING: Dword = 0x0009_0303;
const TAG_SLOT_THREAD_SAFE: Dword = 0x0FAC;
const TAG_THREAD_SAFE: Dword = 0x0FAD;
const TAG_SLOTS_NUMBER: Dword = 0x0FAE;
const TAG_SIMULTANEOUS_ACCESS: Dword = 0x0FAF;
const TAG_POLLING_THREAD_KILLABLE: Dword = 0x0FB1;
const TAG_STOP_POLLING_THREAD: Dword = 0x0FB2;
const TAG_POLLING_THREAD_WITH_TIMEOUT: Dword = 0x0FB3;

/// `SCARD_PROTOCOL_T1`.
const PROTOCOL_T1: Dword = 2;

/// How many readers pcscd has.
const READERS_MAX: u8 = 16;

/// `MAX_ATR_SIZE`.
const ATR_ROOM: Dword = 33;

#[cfg(test)]
mod tests {
    use super::*;
    use std::ptr::null_mut;

    #[test]
    fn a_reader_that_was_never_opened_does_not_exist() {
        let header = IoHeader {
            protocol: 1,
            length: 16,
        };
        assert_eq!(IFDHICCPresence(0xFFFF), NO_SUCH_DEVICE);
        assert_eq!(IFDHCloseChannel(0xFFFF), NO_SUCH_DEVICE);
        assert_eq!(wait(0xFFFF, 0), NO_SUCH_DEVICE);
        assert_eq!(stop(0xFFFF), NO_SUCH_DEVICE);
        // SAFETY: four readable bytes; nothing to write to.
        let sent = unsafe {
            IFDHTransmitToICC(
                0xFFFF,
                header,
                [0; 4].as_ptr(),
                4,
                null_mut(),
                null_mut(),
                null_mut(),
            )
        };
        assert_eq!(sent, NO_SUCH_DEVICE);
    }

    #[test]
    fn null_pointers_are_refused() {
        // SAFETY: each of these functions accepts null.
        unsafe {
            assert_eq!(
                IFDHCreateChannelByName(0xFFFF, std::ptr::null()),
                COMMUNICATION_ERROR
            );
            assert_eq!(
                IFDHGetCapabilities(0xFFFF, TAG_SLOTS_NUMBER, null_mut(), null_mut()),
                COMMUNICATION_ERROR
            );
            assert_eq!(
                IFDHControl(0xFFFF, 0, null_mut(), 0, null_mut(), 0, null_mut()),
                ERROR_NOT_SUPPORTED
            );
            assert_eq!(bytes(std::ptr::null(), 4), None);
        }
    }

    #[test]
    fn an_answer_without_room_leaves_the_buffer_alone() {
        let mut buffer = [7; 2];
        let mut room = 2;
        // SAFETY: the room is the buffer's size.
        let code = unsafe { put(&[1, 2, 3], buffer.as_mut_ptr(), &raw mut room) };
        assert_eq!((code, buffer, room), (ERROR_INSUFFICIENT_BUFFER, [7; 2], 2));
    }

    #[test]
    fn a_panic_becomes_an_error_code() {
        assert_eq!(entry(|| panic!("on purpose")), COMMUNICATION_ERROR);
    }
}
