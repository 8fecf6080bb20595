//! Files of the folder in which the emulator was started. Tests make FIFOs of them.

#![allow(unsafe_code, reason = "the way to the emulator's files")]

use crate::fail;
use core::ffi::CStr;
use cortex_m_semihosting::{debug, nr, syscall};

/// A file of the emulator's folder.
pub struct File(usize);

impl File {
    /// Opens one to read from.
    pub fn input(name: &CStr) -> Self {
        Self::open(name, nr::open::R_BINARY)
    }

    /// Opens one to write to.
    pub fn output(name: &CStr) -> Self {
        Self::open(name, nr::open::W_TRUNC_BINARY)
    }

    fn open(name: &CStr, mode: usize) -> Self {
        let len = name.count_bytes();
        // SAFETY: the emulator reads `len` bytes at the name's address, and changes nothing.
        let handle = unsafe { syscall(nr::OPEN, &[name.as_ptr().addr(), mode, len]) };
        if handle == usize::MAX {
            fail("a file of the test is missing");
        }
        Self(handle)
    }

    /// Waits until all of it is there. At the end of the file, the test is over.
    pub fn read(&self, mut into: &mut [u8]) {
        while !into.is_empty() {
            let place = into.as_mut_ptr().expose_provenance();
            // SAFETY: the emulator writes at most as many bytes as the slice has, which nothing else uses meanwhile.
            let missing = unsafe { syscall(nr::READ, &[self.0, place, into.len()]) };
            let done = into.len().saturating_sub(missing);
            if done == 0 {
                debug::exit(debug::EXIT_SUCCESS);
            }
            into = into.get_mut(done..).unwrap_or_default();
        }
    }

    /// Writes all of it, in one call.
    pub fn write(&self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let place = bytes.as_ptr().expose_provenance();
        // SAFETY: the emulator reads as many bytes as the slice has, and changes nothing.
        if unsafe { syscall(nr::WRITE, &[self.0, place, bytes.len()]) } != 0 {
            fail("nobody reads any more");
        }
    }
}
