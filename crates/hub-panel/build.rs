//! Compiles the screens.

use slint_build::{CompilerConfiguration, DefaultTranslationContext, EmbedResourcesKind};
use std::{collections::HashMap, path::PathBuf};

include!("../../packaging/windows/resources.rs");

fn main() {
    let kit = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../ui-kit"));
    let configuration = CompilerConfiguration::new()
        .with_library_paths(HashMap::from([("kit".into(), kit)]))
        .with_style("fluent".into())
        .embed_resources(EmbedResourcesKind::EmbedFiles)
        .with_bundled_translations("lang")
        .with_default_translation_context(DefaultTranslationContext::None)
        // Element queries of the tests need it.
        .with_debug_info(std::env::var("PROFILE").is_ok_and(|profile| profile == "debug"));
    if let Err(error) = slint_build::compile_with_config("ui/app.slint", configuration) {
        panic!("ui/app.slint: {error}");
    }
    add_resources("KeyWriter: virtual modules");
}
