//! Manufacture: the module makes its key, requests a certificate and installs it, once. The key never leaves.

use crate::{
    platform::{Board, Fault, Platform},
    vault::{
        csp::module_key::{self, ModuleKey},
        store::Store,
    },
};
use heapless::Vec;
use hsm_protocol::{
    Status,
    certificate::{Chain, Root, encode_request, encode_request_info},
    command::FactoryCommand,
    limits,
    writer::Writer,
};

/// Runs a command of a module without a certificate.
#[inline(never)]
pub(crate) fn run<B: Board>(
    command: &FactoryCommand<'_>,
    platform: &mut Platform<B>,
    store: &mut Store,
    signer: &mut Option<ModuleKey<B::Crypto>>,
    out: &mut Writer<'_>,
) -> Result<(), Status> {
    if store.device().is_certified() {
        return Err(Status::AlreadyCertified);
    }
    match command {
        // Made once: if the answer was lost, it is given again, and nothing is written.
        FactoryCommand::GenerateKey if signer.is_some() => Ok(()),
        FactoryCommand::GenerateKey => {
            module_key::generate(platform, store)?;
            module_key::load_signer(platform, store, signer).map_err(|Fault| Status::MemoryFailure)
        }
        FactoryCommand::ReadCsr => {
            let signer = signer.as_ref().ok_or(Status::OutOfOrder)?;
            write_csr(platform, store, signer, out)
        }
        FactoryCommand::Install { root, chain } => install(platform, store, root, chain),
    }
}

fn write_csr<B: Board>(
    platform: &mut Platform<B>,
    store: &Store,
    signer: &ModuleKey<B::Crypto>,
    out: &mut Writer<'_>,
) -> Result<(), Status> {
    let public = store.device().public.as_ref().ok_or(Status::OutOfOrder)?;
    let mut info = [0; limits::CSR];
    let len = encode_request_info(&platform.serial, public, &mut info)?;
    let info = info.get(..len).ok_or(Status::MemoryFailure)?;
    let signature = signer
        .sign(&mut platform.rng, info)
        .map_err(|_error| Status::MemoryFailure)?;
    let mut request = [0; limits::CSR];
    let len = encode_request(info, &signature, &mut request)?;
    Ok(out.bytes(request.get(..len).ok_or(Status::MemoryFailure)?)?)
}

/// Installs root and chain, if the chain is valid under that root and certifies this key and serial number.
fn install<B: Board>(
    platform: &mut Platform<B>,
    store: &mut Store,
    root: &[u8],
    chain: &[u8],
) -> Result<(), Status> {
    let genuine = Root::parse(root)?
        .verify::<B::Crypto>(&Chain::parse(chain)?)
        .map_err(|_refusal| Status::NotGenuine)?;
    if Some(genuine.public()) != store.device().public.as_ref()
        || genuine.serial() != platform.serial
    {
        return Err(Status::NotGenuine);
    }
    let root = Vec::from_slice(root).map_err(|_overlong| Status::TooLarge)?;
    let chain = Vec::from_slice(chain).map_err(|_overlong| Status::TooLarge)?;
    Ok(store.update(platform, |image, _| {
        image.device.root = root;
        image.device.chain = chain;
        Ok(())
    })?)
}
