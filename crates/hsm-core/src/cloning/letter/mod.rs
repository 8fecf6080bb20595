//! Letters (PROTOCOL § 5): a module makes a letterbox, a master writes a letter for it, and the module takes it.

pub(crate) mod take;
pub(crate) mod write;

use super::{Refusal, internal_error};
use crate::{
    platform::{Board, Fault, Platform},
    vault::{
        csp::{
            letterbox::{self, LetterboxKeys},
            module_key::ModuleKey,
        },
        image::Image,
        store::Store,
    },
};
use hsm_protocol::{certificate::Chain, letter::Letterbox, writer::Writer};

/// Writes the module's letterbox. A module without one makes and stores it first.
pub(crate) fn letterbox<B: Board>(
    platform: &mut Platform<B>,
    store: &mut Store,
    signer: &ModuleKey<B::Crypto>,
    out: &mut Writer<'_>,
) -> Result<(), Refusal> {
    if store.device().letterbox.number().is_none() {
        store.update(platform, letterbox::renew)?;
    }
    let mut keys = LetterboxKeys::empty();
    let fields = own_fields(store.image(), platform, &mut keys)?;
    let message = Letterbox::signed::<B::Crypto>(&fields);
    let signature = signer
        .sign(&mut platform.rng, &message)
        .map_err(internal_error)?;
    out.bytes(&fields)?;
    Ok(out.bytes(&signature)?)
}

/// The fields of a letterbox.
type Fields = heapless::Vec<u8, { Letterbox::MAX }>;

/// Opens the module's letterbox, and returns its fields. Without one, a letter is for none that the module has.
fn own_fields<B: Board>(
    image: &Image,
    platform: &Platform<B>,
    keys: &mut LetterboxKeys<B::Crypto>,
) -> Result<Fields, Refusal> {
    let number = image.device.letterbox.number();
    let number = number.ok_or(Refusal::OtherLetterbox)?;
    keys.open(image, platform)?;
    let mut bytes = [0; Letterbox::MAX];
    let mut writer = Writer::new(&mut bytes);
    let chain = Chain::parse(&image.device.chain)?;
    let condition = image.device.condition();
    let shares = (&keys.point, &keys.kem_key);
    Letterbox::write_fields(&mut writer, condition, number, shares, &chain)?;
    Ok(Fields::from_slice(writer.written()).map_err(|_overlong| Fault)?)
}
