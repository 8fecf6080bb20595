//! Tells the linker where memory is on the machine mps2-an505 of QEMU.

use std::{env, fs, io, path::PathBuf};

fn main() -> io::Result<()> {
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("memory.x"), MEMORY)?;
    println!("cargo:rustc-link-search={}", out.display());
    println!("cargo:rerun-if-changed=build.rs");
    Ok(())
}

/// The secure aliases of both memories: the processor starts there.
const MEMORY: &str = "\
MEMORY {
    FLASH : ORIGIN = 0x10000000, LENGTH = 4M
    RAM : ORIGIN = 0x38000000, LENGTH = 1152K
}
";
