//! Requests to memcheck: the sequence of instructions that valgrind knows, and a processor does nothing on
//! (valgrind.h and memcheck.h of valgrind 3.19, amd64).

#![expect(
    unsafe_code,
    reason = "valgrind is asked in assembly; nothing else in the project needs it"
)]

/// Makes bytes secret: what depends on them is reported.
pub(crate) fn poison<T>(value: &mut T) {
    request(MAKE_UNDEFINED, address(value), size_of::<T>());
}

/// Makes bytes public again.
pub(crate) fn publish<T>(value: &mut T) {
    request(MAKE_DEFINED, address(value), size_of::<T>());
}

/// How much was reported so far.
pub(crate) fn reports() -> usize {
    request(COUNT_ERRORS, 0, 0)
}

/// Whether anybody watches.
pub(crate) fn is_watching() -> bool {
    request(RUNNING_ON_VALGRIND, 0, 0) > 0
}

const RUNNING_ON_VALGRIND: usize = 0x1001;
const COUNT_ERRORS: usize = 0x1201;
const MAKE_UNDEFINED: usize = 0x4D43_0001;
const MAKE_DEFINED: usize = 0x4D43_0002;

fn address<T>(value: &mut T) -> usize {
    std::ptr::from_mut(value).addr()
}

#[cfg(target_arch = "x86_64")]
fn request(what: usize, address: usize, len: usize) -> usize {
    let request = [what, address, len, 0, 0, 0];
    let mut answer = 0_usize;
    // SAFETY: without valgrind, rotations by 3 + 13 + 61 + 51 = 128 bits and an exchange of a register with itself: nothing
    // changes but flags. With it, the request is read from `request`, the answer is put into `rdx`, and of memory no byte
    // changes; only valgrind's own record of which bytes are initialized does.
    unsafe {
        std::arch::asm!(
            "rol rdi, 3",
            "rol rdi, 13",
            "rol rdi, 61",
            "rol rdi, 51",
            "xchg rbx, rbx",
            in("rax") request.as_ptr(),
            inout("rdx") answer,
            options(nostack),
        );
    }
    answer
}

#[cfg(not(target_arch = "x86_64"))]
fn request(_: usize, _: usize, _: usize) -> usize {
    0
}
