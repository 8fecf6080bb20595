//! Tells the linker where memory is on an RP2350, and where the boot ROM looks for the image's definition.

use std::{env, fs, io, path::PathBuf};

fn main() -> io::Result<()> {
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("memory.x"), MEMORY)?;
    println!("cargo:rustc-link-search={}", out.display());
    println!("cargo:rerun-if-changed=build.rs");
    Ok(())
}

/// The last 256 KB of the flash are the store's (`src/flash.rs`). All memory is in one piece.
const MEMORY: &str = "\
MEMORY {
    FLASH : ORIGIN = 0x10000000, LENGTH = 4M - 256K
    RAM : ORIGIN = 0x20000000, LENGTH = 520K
}
SECTIONS {
    .start_block : ALIGN(4) {
        __start_block_addr = .;
        KEEP(*(.start_block));
    } > FLASH
} INSERT AFTER .vector_table;
_stext = ADDR(.start_block) + SIZEOF(.start_block);
";
