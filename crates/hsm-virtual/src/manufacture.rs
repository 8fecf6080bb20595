//! Makes a module with the APDUs of a factory: the module generates its key, the hub's root certifies it.

use hsm_core::{Module, platform::Board, time::Millis};
use hsm_factory::{FactoryError, Profile, Register, Root};
use hsm_protocol::{
    Status,
    apdu::encode_extended,
    command::{CLA, ins, write_install},
    limits,
    writer::Writer,
};

/// Why a module cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ManufactureError {
    /// The module refused an instruction.
    #[error("the module answered {0:04X} to instruction {1:02X}")]
    Refused(u16, u8),
    /// The factory refused the request.
    #[error("the factory refused the module's request")]
    Factory(#[from] FactoryError),
}

/// Gives a module its key and certificate, unless it has them already.
pub fn certify<B: Board>(
    module: &mut Module<B>,
    root: &Root,
    profile: Profile,
    register: &mut dyn Register,
) -> Result<(), ManufactureError> {
    match command(module, ins::GENERATE_KEY, &[]) {
        Err(ManufactureError::Refused(word, _)) if word == Status::AlreadyCertified.to_word() => {
            return Ok(());
        }
        other => other?,
    };
    let request = command(module, ins::READ_CSR, &[])?;
    let chain = root.certify(&request, profile, register)?;
    let mut data = vec![0; 2 + limits::CERTIFICATE + limits::CHAIN];
    let mut writer = Writer::new(&mut data);
    write_install(&mut writer, root.certificate_der(), &chain)
        .map_err(|_overlong| ManufactureError::Refused(Status::TooLarge.to_word(), ins::INSTALL))?;
    command(module, ins::INSTALL, writer.written()).map(|_empty| ())
}

fn command<B: Board>(
    module: &mut Module<B>,
    instruction: u8,
    data: &[u8],
) -> Result<Vec<u8>, ManufactureError> {
    let refused = |word| ManufactureError::Refused(word, instruction);
    let mut apdu = vec![0; limits::COMMAND_APDU];
    let len = encode_extended([CLA, instruction, 0, 0], data, &mut apdu)
        .map_err(|_overlong| refused(Status::TooLarge.to_word()))?;
    let mut response = vec![0; limits::RESPONSE_APDU];
    let len = module.apdu(&apdu[..len], Millis(0), &mut response);
    response.truncate(len);
    let Some((data, word)) = response.split_last_chunk::<2>() else {
        return Err(refused(0));
    };
    match u16::from_be_bytes(*word) {
        0x9000 => Ok(data.to_vec()),
        word => Err(refused(word)),
    }
}
