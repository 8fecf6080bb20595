//! The contents of each package. Metadata is in `packaging/debian`, in Debian's formats; dpkg-dev's tools complete it.

use super::{Profile, output_in};
use crate::{run, third_party};
use anyhow::{Context, Result, bail};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// A package.
struct Package {
    name: &'static str,
    /// Programs of the build.
    programs: &'static [&'static str],
    /// Libraries of the build, and their destinations.
    libraries: &'static [(&'static str, &'static str)],
    /// Files of the source, their destinations and their modes.
    files: &'static [(&'static str, &'static str, u32)],
    /// Files that the administrator may change.
    settings: &'static [&'static str],
    /// Shells for which `keywriter` writes completions, and their destinations.
    completions: &'static [(&'static str, &'static str)],
}

/// The names of all packages.
pub(super) const NAMES: &[&str] = &["keywriter", "keywriter-virtual", "license-portal"];

const PACKAGES: &[Package] = &[
    Package {
        name: "keywriter",
        programs: &["keywriter", "keywriter-desktop", "age-plugin-keywriter"],
        libraries: &[],
        files: &[
            (
                "packaging/keywriter.desktop",
                "usr/share/applications/keywriter.desktop",
                0o644,
            ),
            (
                "packaging/org.keywriter.KeyWriter.metainfo.xml",
                "usr/share/metainfo/org.keywriter.KeyWriter.metainfo.xml",
                0o644,
            ),
            // The packages of desktops have triggers for both folders.
            (
                "packaging/keywriter-mime.xml",
                "usr/share/mime/packages/keywriter.xml",
                0o644,
            ),
            (
                "ui-kit/icons/logo.svg",
                "usr/share/icons/hicolor/scalable/apps/keywriter.svg",
                0o644,
            ),
            // Before 73-seat-late.rules, which gives access to what is tagged here.
            (
                "packaging/70-keywriter.rules",
                "usr/lib/udev/rules.d/70-keywriter.rules",
                0o644,
            ),
            (
                "packaging/pcscd-access.rules",
                "usr/share/doc/keywriter/examples/pcscd-access.rules",
                0o644,
            ),
        ],
        settings: &[],
        completions: &[
            ("bash", "usr/share/bash-completion/completions/keywriter"),
            ("fish", "usr/share/fish/vendor_completions.d/keywriter.fish"),
            ("zsh", "usr/share/zsh/vendor-completions/_keywriter"),
        ],
    },
    Package {
        name: "keywriter-virtual",
        programs: &["virtual-hub", "hub-panel"],
        libraries: &[("libhsm_ifd.so", "usr/lib/keywriter/libhsm_ifd.so")],
        files: &[
            (
                "packaging/virtual-hub.service",
                "usr/lib/systemd/user/virtual-hub.service",
                0o644,
            ),
            (
                "packaging/virtual-modules.conf",
                "usr/share/doc/keywriter-virtual/examples/virtual-modules.conf",
                0o644,
            ),
        ],
        settings: &[],
        completions: &[],
    },
    Package {
        name: "license-portal",
        programs: &["license-portal"],
        libraries: &[],
        files: &[
            (
                "crates/license-portal/deploy/portal.toml",
                "etc/license-portal/portal.toml",
                0o640,
            ),
            (
                "crates/license-portal/deploy/haproxy.cfg",
                "usr/share/doc/license-portal/examples/haproxy.cfg",
                0o644,
            ),
            (
                "crates/license-portal/deploy/nginx.conf",
                "usr/share/doc/license-portal/examples/nginx.conf",
                0o644,
            ),
            (
                "crates/license-portal/deploy/alerts.yml",
                "usr/share/doc/license-portal/examples/alerts.yml",
                0o644,
            ),
            (
                "crates/license-portal/deploy/prometheus.yml",
                "usr/share/doc/license-portal/examples/prometheus.yml",
                0o644,
            ),
            (
                "crates/license-portal/deploy/Containerfile",
                "usr/share/doc/license-portal/examples/Containerfile",
                0o644,
            ),
            (
                "crates/license-portal/deploy/license-portal-backup.timer",
                "lib/systemd/system/license-portal-backup.timer",
                0o644,
            ),
            (
                "docs/PORTAL.md",
                "usr/share/doc/license-portal/PORTAL.md",
                0o644,
            ),
        ],
        settings: &["/etc/license-portal/portal.toml"],
        completions: &[],
    },
];

/// Programs that write their own man pages; the others have one in `packaging/man`.
const WRITE_PAGES: &[&str] = &["keywriter", "virtual-hub", "license-portal"];

/// Builds packages into a folder.
pub(super) fn build(folder: &Path, profile: Profile, names: &[&str]) -> Result<Vec<PathBuf>> {
    let work = folder.join("work");
    fs::create_dir_all(work.join("debian"))?;
    for file in ["control", "changelog", "copyright"] {
        fs::copy(
            source(&format!("packaging/debian/{file}")),
            work.join("debian").join(file),
        )?;
    }
    let said =
        |field| output_in(&work, &["dpkg-parsechangelog", "-S", field]).map(|said| line(&said));
    let version = said("Version")?;
    if version.split('-').next() != Some(env!("CARGO_PKG_VERSION")) {
        bail!(
            "packaging/debian/changelog says {version}, Cargo.toml {}",
            env!("CARGO_PKG_VERSION")
        );
    }
    fs::write(work.join("THIRD-PARTY-LICENSES"), third_party::texts()?)?;
    let builder = Builder {
        programs: profile.folder(),
        architecture: run::output(&["dpkg", "--print-architecture"])?
            .trim()
            .into(),
        date: said("Timestamp")?,
        profile,
        version,
        work,
    };
    let packages = PACKAGES
        .iter()
        .filter(|package| names.contains(&package.name));
    let files = packages.map(|package| {
        builder
            .build(package, folder)
            .with_context(|| format!("the package {}", package.name))
    });
    let files = files.collect();
    fs::remove_dir_all(&builder.work)?;
    files
}

struct Builder {
    /// Cargo's output folder.
    programs: PathBuf,
    architecture: String,
    /// The time of the changelog's last entry, in seconds since 1970: no file is newer.
    date: String,
    profile: Profile,
    version: String,
    /// The folder of a source package, as far as dpkg-dev's tools need it.
    work: PathBuf,
}

impl Builder {
    fn build(&self, package: &Package, into: &Path) -> Result<PathBuf> {
        let stage = self.work.join(package.name);
        let binaries = self.place_binaries(package, &stage)?;
        for (from, to, mode) in package.files {
            install(&source(from), &stage.join(to), *mode)?;
        }
        if package.name == "license-portal" {
            place_unit(&stage, "license-portal.service")?;
            place_unit(&stage, "license-portal-backup.service")?;
        }
        self.place_pages(package, &stage)?;
        for (shell, to) in package.completions {
            let keywriter = self.programs.join("keywriter");
            let script = run::output(&[text(&keywriter)?, "completions", shell])?;
            write(&stage.join(to), script.as_bytes())?;
        }
        self.place_documents(package, &stage)?;
        self.place_control(package, &stage, &binaries)?;
        // Independent of the umask.
        let folders = [
            "find",
            text(&stage)?,
            "-type",
            "d",
            "-exec",
            "chmod",
            "755",
            "{}",
            "+",
        ];
        run::output(&folders)?;
        let file = into.join(format!(
            "{}_{}_{}.deb",
            package.name, self.version, self.architecture
        ));
        let mut pack = run::command(&["dpkg-deb", "--root-owner-group"]);
        pack.args(self.profile.packing())
            .arg("--build")
            .args([&stage, &file]);
        run::finish(pack.env("SOURCE_DATE_EPOCH", &self.date), "dpkg-deb")?;
        Ok(file)
    }

    /// Copies programs and libraries without debugging symbols.
    fn place_binaries(&self, package: &Package, stage: &Path) -> Result<Vec<PathBuf>> {
        let mut placed = Vec::new();
        for program in package.programs {
            let to = stage.join("usr/bin").join(program);
            install(&self.programs.join(program), &to, 0o755)?;
            placed.push(to);
        }
        for (library, to) in package.libraries {
            let to = stage.join(to);
            install(&self.programs.join(library), &to, 0o644)?;
            placed.push(to);
        }
        for binary in &placed {
            let strip = [
                "strip",
                "--strip-unneeded",
                "--remove-section=.comment",
                text(binary)?,
            ];
            run::output(&strip)?;
        }
        Ok(placed)
    }

    fn place_pages(&self, package: &Package, stage: &Path) -> Result<()> {
        let folder = stage.join("usr/share/man/man1");
        fs::create_dir_all(&folder)?;
        for program in package.programs {
            if WRITE_PAGES.contains(program) {
                let written = self.programs.join(program);
                run::output(&[text(&written)?, "man", text(&folder)?])?;
            } else {
                let page = format!("{program}.1");
                install(
                    &source("packaging/man").join(&page),
                    &folder.join(&page),
                    0o644,
                )?;
            }
        }
        for page in fs::read_dir(&folder)? {
            compress(&page?.path())?;
        }
        Ok(())
    }

    fn place_documents(&self, package: &Package, stage: &Path) -> Result<()> {
        let folder = stage.join("usr/share/doc").join(package.name);
        install(
            &source("packaging/debian/copyright"),
            &folder.join("copyright"),
            0o644,
        )?;
        install(
            &source(third_party::LIST),
            &folder.join("THIRD-PARTY.md"),
            0o644,
        )?;
        for (from, name) in [
            (
                self.work.join("THIRD-PARTY-LICENSES"),
                "THIRD-PARTY-LICENSES",
            ),
            (source("CHANGELOG.md"), "changelog"),
            (source("packaging/debian/changelog"), "changelog.Debian"),
        ] {
            install(&from, &folder.join(name), 0o644)?;
            compress(&folder.join(name))?;
        }
        Ok(())
    }

    /// Writes the control file with dependencies and size, the maintainer scripts, and the checksums.
    fn place_control(&self, package: &Package, stage: &Path, binaries: &[PathBuf]) -> Result<()> {
        let control = stage.join("DEBIAN");
        for script in ["postinst", "prerm", "postrm"] {
            let from = source(&format!("packaging/debian/{}.{script}", package.name));
            if from.exists() {
                install(&from, &control.join(script), 0o755)?;
            }
        }
        if !package.settings.is_empty() {
            write(
                &control.join("conffiles"),
                format!("{}\n", package.settings.join("\n")).as_bytes(),
            )?;
        }
        let sums = output_in(
            stage,
            &[
                "sh",
                "-c",
                "find usr lib -type f 2>/dev/null | LC_ALL=C sort | xargs md5sum",
            ],
        )?;
        write(&control.join("md5sums"), &sums)?;
        let (of, substvars) = (
            format!("-p{}", package.name),
            format!("-Tdebian/{}.substvars", package.name),
        );
        let mut libraries = vec!["dpkg-shlibdeps", &substvars];
        for binary in binaries {
            libraries.extend(["-e", text(binary)?]);
        }
        output_in(&self.work, &libraries)?;
        let into = format!("-P{}", text(stage)?);
        output_in(&self.work, &["dpkg-gencontrol", &of, &substvars, &into])?;
        Ok(())
    }
}

/// Writes a service's unit, for a program in `/usr/bin` and for the user that the package creates. Operators can then
/// run commands as that user; a dynamic user's folder would be out of reach.
fn place_unit(stage: &Path, name: &str) -> Result<()> {
    let from = format!("crates/license-portal/deploy/{name}");
    let mut unit = fs::read_to_string(source(&from))?;
    for (from, to) in [
        ("/usr/local/bin/", "/usr/bin/"),
        ("DynamicUser=yes\n", "RemoveIPC=yes\n"),
    ] {
        if !unit.contains(from) {
            bail!("{name} has no {from:?}");
        }
        unit = unit.replace(from, to);
    }
    write(
        &stage.join("lib/systemd/system").join(name),
        unit.as_bytes(),
    )
}

fn source(path: &str) -> PathBuf {
    run::root().join(path)
}

fn install(from: &Path, to: &Path, mode: u32) -> Result<()> {
    write(
        to,
        &fs::read(from).with_context(|| format!("cannot read {}", from.display()))?,
    )?;
    Ok(fs::set_permissions(to, fs::Permissions::from_mode(mode))?)
}

fn write(to: &Path, bytes: &[u8]) -> Result<()> {
    let cannot = || format!("cannot write {}", to.display());
    fs::create_dir_all(to.parent().unwrap_or(to)).with_context(cannot)?;
    fs::write(to, bytes).with_context(cannot)?;
    Ok(fs::set_permissions(to, fs::Permissions::from_mode(0o644))?)
}

/// Compresses a file without name and time, as Debian's policy requires.
fn compress(file: &Path) -> Result<()> {
    fs::set_permissions(file, fs::Permissions::from_mode(0o644))?;
    run::output(&["gzip", "-9n", text(file)?]).map(drop)
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().context("a path that is not UTF-8")
}

fn line(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}
