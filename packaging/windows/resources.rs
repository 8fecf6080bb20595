// What Windows shows of a program: icon, version, and what its manifest says. For build scripts of programs with a window.

/// Adds them to the program, if it is one for Windows.
fn add_resources(name: &str) {
    println!("cargo:rerun-if-changed={WINDOWS}");
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system != "windows") {
        return;
    }
    let added = winresource::WindowsResource::new()
        .set_icon(&format!("{WINDOWS}/keywriter.ico"))
        .set_manifest_file(&format!("{WINDOWS}/app.manifest"))
        .set("ProductName", "KeyWriter")
        .set("FileDescription", name)
        .compile();
    if let Err(error) = added {
        panic!("the resources for Windows: {error}");
    }
}

const WINDOWS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../packaging/windows");
