//! What an attacker does with the cable, the disk or a device of its own, against the programs that a user installs.

mod flush;
mod group;
mod impostor;
mod output;
mod receipt;
mod recipient;
mod replace;
mod root;
mod shown;
mod signed;
