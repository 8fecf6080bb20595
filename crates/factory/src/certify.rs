//! Certifies a module with the commands of a factory: it makes its key, the root signs its request, it installs the
//! certificate.

use anyhow::{Context, Result, bail};
use hsm_factory::{P384Verifier, Profile, RegisterFile, Root};
use hsm_protocol::{
    Serial, Status,
    apdu::encode_extended,
    certificate::Request,
    command::{CLA, ins, write_install},
    limits,
    writer::Writer,
};
use keywriter::transport::{self, Location, Transport};
use std::time::Duration;

/// Certifies the module of that serial number as hardware.
pub(crate) fn certify(
    root: &Root,
    register: &mut RegisterFile,
    serial: Serial,
    location: &Location,
) -> Result<()> {
    let mut module = transport::open(location)?;
    module.set_patience(PATIENCE);
    let module = module.as_mut();
    command(module, ins::GENERATE_KEY, &[])?;
    let request = command(module, ins::READ_CSR, &[])?;
    let parsed = Request::parse(&request).ok();
    let key = parsed.and_then(|request| request.verify::<P384Verifier>().ok());
    let Some(found) = key.map(|key| key.serial()) else {
        bail!("what is in {location} is not a module");
    };
    if found != serial {
        bail!("the module in {location} is {found}, not {serial}: nothing was certified");
    }
    let chain = root.certify(&request, Profile { is_virtual: false }, register)?;
    let mut data = vec![0; 2 + limits::CERTIFICATE + limits::CHAIN];
    let mut writer = Writer::new(&mut data);
    write_install(&mut writer, root.certificate_der(), &chain)
        .map_err(|_too_long| anyhow::anyhow!("the certificate is too long"))?;
    let data = writer.written().to_vec();
    command(module, ins::INSTALL, &data).map(drop)
}

fn command(module: &mut dyn Transport, instruction: u8, data: &[u8]) -> Result<Vec<u8>> {
    let mut apdu = vec![0; limits::COMMAND_APDU];
    let len = encode_extended([CLA, instruction, 0, 0], data, &mut apdu)
        .map_err(|_too_long| anyhow::anyhow!("a command is too long"))?;
    let mut answer = module.transmit(apdu.get(..len).unwrap_or_default())?;
    let at = answer
        .len()
        .checked_sub(2)
        .context("the module gave no answer")?;
    let word = answer.split_off(at);
    let word = word
        .iter()
        .fold(0, |word, byte| word << 8 | u16::from(*byte));
    match Status::from_word(word) {
        Some(Status::Success) => Ok(answer),
        Some(Status::AlreadyCertified) => bail!("this module is certified already"),
        _ => bail!("the module answered {word:04X} to instruction {instruction:02X}"),
    }
}

/// A module makes its key in some seconds.
const PATIENCE: Duration = Duration::from_secs(30);
