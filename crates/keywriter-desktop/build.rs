//! Compiles the screens and embeds the third-party licenses.

use slint_build::{CompilerConfiguration, DefaultTranslationContext, EmbedResourcesKind};
use std::{collections::HashMap, env, fs, io::ErrorKind, path::PathBuf};

const KIT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../ui-kit");
/// The third-party licenses. A release writes them; a working tree may lack them.
const NOTICES: &str = "THIRD-PARTY.md";

include!("../../packaging/windows/resources.rs");

fn main() {
    let configuration = CompilerConfiguration::new()
        .with_library_paths(HashMap::from([("kit".into(), PathBuf::from(KIT))]))
        .with_style("fluent".into())
        .embed_resources(EmbedResourcesKind::EmbedFiles)
        .with_bundled_translations("lang")
        .with_default_translation_context(DefaultTranslationContext::None)
        // The tests' element queries need it.
        .with_debug_info(env::var("PROFILE").is_ok_and(|profile| profile == "debug"));
    if let Err(error) = slint_build::compile_with_config("ui/app.slint", configuration) {
        panic!("ui/app.slint: {error}");
    }
    add_resources("KeyWriter");
    embed_notices();
}

fn embed_notices() {
    println!("cargo:rerun-if-changed={NOTICES}");
    let notices = match fs::read_to_string(NOTICES) {
        Ok(notices) => notices,
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        Err(error) => panic!("{NOTICES}: {error}"),
    };
    let Ok(folder) = env::var("OUT_DIR") else {
        panic!("cargo names no OUT_DIR");
    };
    if let Err(error) = fs::write(PathBuf::from(folder).join("third-party.md"), notices) {
        panic!("{NOTICES}: {error}");
    }
}
