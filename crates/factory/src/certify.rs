//! Certifies a module with the commands of a factory: it makes its key, the root signs its request, it installs the
//! certificate.

use anyhow::{Context, Result, bail};
use hsm_factory::{P384Verifier, Profile, RegisterFile, Root, RootKey};
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
    root: &Root<impl RootKey>,
    register: &mut RegisterFile,
    serial: Serial,
    location: &Location,
) -> Result<()> {
    certify_over(root, register, serial, transport::open(location)?.as_mut())
}

fn certify_over(
    root: &Root<impl RootKey>,
    register: &mut RegisterFile,
    serial: Serial,
    module: &mut dyn Transport,
) -> Result<()> {
    module.set_patience(PATIENCE);
    command(module, ins::GENERATE_KEY, &[])?;
    let request = command(module, ins::READ_CSR, &[])?;
    let parsed = Request::parse(&request).ok();
    let key = parsed.and_then(|request| request.verify::<P384Verifier>().ok());
    let Some(found) = key.map(|key| key.serial()) else {
        bail!("what is in {} is not a module", module.location());
    };
    if found != serial {
        bail!(
            "the module in {} is {found}, not {serial}: nothing was certified",
            module.location()
        );
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

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use hsm_core::crypto::rust_crypto::RustCrypto;
    use hsm_testbench::Bench;
    use keywriter::transport::TransportError;
    use std::{fs, path::Path};

    /// A new module of the real core, and how one speaks with it.
    struct Wire(Bench<RustCrypto>, Location);

    impl Transport for Wire {
        fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
            Ok(self.0.raw(command))
        }

        fn location(&self) -> &Location {
            &self.1
        }
    }

    /// Certifies new modules with that root, and checks that they take it.
    pub(crate) fn try_it(root: &Root<impl RootKey>, register: &Path) {
        let mut register = RegisterFile::new(register);
        let serial = |text: &str| Serial::parse(text.as_bytes()).unwrap();
        let new = || Wire(Bench::bare("KW-1"), Location::Reader("R".to_owned()));
        let mut module = new();
        let other = certify_over(root, &mut register, serial("KW-2"), &mut module).unwrap_err();
        assert!(other.to_string().contains("is KW-1, not KW-2"), "{other}");
        certify_over(root, &mut register, serial("KW-1"), &mut module).unwrap();
        let again = certify_over(root, &mut register, serial("KW-1"), &mut module).unwrap_err();
        assert!(again.to_string().contains("certified already"), "{again}");
        // A new module with a number for which the register has another key.
        let text = fs::read_to_string(register.path()).unwrap();
        let (rest, point) = text.trim_end().rsplit_once(' ').unwrap();
        let other: String = point.chars().rev().collect();
        fs::write(register.path(), format!("{rest} {other}\n")).unwrap();
        let twin = certify_over(root, &mut register, serial("KW-1"), &mut new()).unwrap_err();
        assert!(twin.to_string().contains("with another key"), "{twin}");
    }
}
