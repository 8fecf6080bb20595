//! Manufacture: the module makes its key, asks for a certificate and takes it, once. The key never leaves.

use crate::{
    crypto::{CryptoError, Provider},
    platform::{Board, Fault, ModuleSecret, Platform},
    vault::sealed::Part,
    vault::store::Store,
};
use heapless::Vec;
use hsm_protocol::{
    Status,
    certificate::{Chain, Root, encode_request, encode_request_info},
    command::FactoryCommand,
    limits,
    writer::Writer,
};
use zeroize::Zeroizing;

/// What is open to a module without a certificate.
pub(crate) fn run<B: Board>(
    command: &FactoryCommand<'_>,
    (platform, store): (&mut Platform<B>, &mut Store),
    signer: &mut Option<<B::Crypto as Provider>::Signer>,
    out: &mut Writer<'_>,
) -> Result<(), Status> {
    if store.device().is_certified() {
        return Err(Status::AlreadyCertified);
    }
    match command {
        FactoryCommand::GenerateKey => {
            generate_key(platform, store).map_err(|Fault| Status::MemoryFailure)?;
            *signer = load_signer(platform, store).map_err(|Fault| Status::MemoryFailure)?;
            Ok(())
        }
        FactoryCommand::ReadCsr => {
            let signer = signer.as_ref().ok_or(Status::OutOfOrder)?;
            write_csr(platform, store, signer, out)
        }
        FactoryCommand::Install { root, chain } => install(platform, store, root, chain),
    }
}

/// Readies the module's key; `None` before it is made.
pub(crate) fn load_signer<B: Board>(
    platform: &Platform<B>,
    store: &Store,
) -> Result<Option<<B::Crypto as Provider>::Signer>, Fault> {
    let Some(public) = &store.device().public else {
        return Ok(None);
    };
    let mut scalar = Zeroizing::new([0; 48]);
    let sealed = &store.image().module_key;
    sealed
        .open::<B::Crypto>((platform.secret.expose(), Part::ModuleKey), &mut scalar)
        .map_err(fault)?;
    B::Crypto::signer(&scalar, public).map(Some).map_err(fault)
}

fn generate_key<B: Board>(platform: &mut Platform<B>, store: &mut Store) -> Result<(), Fault> {
    let mut scalar = Zeroizing::new([0; 48]);
    let public = B::Crypto::signer_generate(&mut platform.rng, &mut scalar).map_err(fault)?;
    store.update(platform, |image, platform| {
        image.device.public = Some(public);
        image
            .module_key
            .seal::<B::Crypto>(
                &mut platform.rng,
                (platform.secret.expose(), Part::ModuleKey),
                |writer| writer.bytes(scalar.as_slice()),
            )
            .map_err(fault)
    })
}

fn write_csr<B: Board>(
    platform: &mut Platform<B>,
    store: &Store,
    signer: &<B::Crypto as Provider>::Signer,
    out: &mut Writer<'_>,
) -> Result<(), Status> {
    let public = store.device().public.as_ref().ok_or(Status::OutOfOrder)?;
    let mut info = [0; limits::CSR];
    let len = encode_request_info(&platform.serial, public, &mut info)?;
    let info = info.get(..len).ok_or(Status::MemoryFailure)?;
    let signature =
        B::Crypto::sign(signer, &mut platform.rng, info).map_err(|_error| Status::MemoryFailure)?;
    let mut request = [0; limits::CSR];
    let len = encode_request(info, &signature, &mut request)?;
    Ok(out.bytes(request.get(..len).ok_or(Status::MemoryFailure)?)?)
}

/// Takes root and chain, if they are a chain under that root for this very key and serial number.
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
    store
        .update(platform, |image, _| {
            image.device.root = root;
            image.device.chain = chain;
            Ok::<_, Fault>(())
        })
        .map_err(|Fault| Status::MemoryFailure)
}

fn fault(_: CryptoError) -> Fault {
    Fault
}
