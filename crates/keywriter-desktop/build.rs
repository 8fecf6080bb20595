//! Compiles the screens, and brings the licenses of what they are made of.

use slint_build::{CompilerConfiguration, DefaultTranslationContext, EmbedResourcesKind};
use std::{collections::HashMap, env, fs, io::ErrorKind, path::PathBuf};

const KIT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../ui-kit");
/// A release makes it; a working tree may lack it.
const NOTICES: &str = "THIRD-PARTY.md";

fn main() {
    let configuration = CompilerConfiguration::new()
        .with_library_paths(HashMap::from([("kit".into(), PathBuf::from(KIT))]))
        .with_style("fluent".into())
        .embed_resources(EmbedResourcesKind::EmbedFiles)
        .with_bundled_translations("lang")
        .with_default_translation_context(DefaultTranslationContext::None)
        // Element queries of the tests need it.
        .with_debug_info(env::var("PROFILE").is_ok_and(|profile| profile == "debug"));
    if let Err(error) = slint_build::compile_with_config("ui/app.slint", configuration) {
        panic!("ui/app.slint: {error}");
    }
    bring_notices();
}

fn bring_notices() {
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
