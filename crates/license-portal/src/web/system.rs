//! Which packages are for which systems, and which system a visitor has.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::language::Key;

/// A system that packages are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum System {
    Debian,
    Fedora,
    Linux,
    Mac,
    Windows,
}

/// A processor that packages are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Processor {
    Intel,
    Arm,
}

impl System {
    /// Returns the system of a package, by its name.
    pub(super) fn of_file(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let (_, kind) = name.rsplit_once('.')?;
        match kind {
            "deb" => Some(Self::Debian),
            "rpm" => Some(Self::Fedora),
            "appimage" => Some(Self::Linux),
            "dmg" | "pkg" => Some(Self::Mac),
            "exe" | "msi" | "msix" => Some(Self::Windows),
            _ => None,
        }
    }

    /// Returns its name.
    pub(super) fn name(self) -> Key {
        match self {
            Self::Debian => Key("system-debian"),
            Self::Fedora => Key("system-fedora"),
            Self::Linux => Key("system-linux"),
            Self::Mac => Key("system-mac"),
            Self::Windows => Key("system-windows"),
        }
    }

    fn is_linux(self) -> bool {
        matches!(self, Self::Debian | Self::Fedora | Self::Linux)
    }
}

impl Processor {
    /// Returns the processor of a package, by its name.
    pub(super) fn of_file(name: &str) -> Option<Self> {
        Self::named_in(&name.to_ascii_lowercase())
    }

    /// Returns its name.
    pub(super) fn name(self) -> Key {
        match self {
            Self::Intel => Key("processor-intel"),
            Self::Arm => Key("processor-arm"),
        }
    }

    fn named_in(text: &str) -> Option<Self> {
        let names = |words: &[&str]| words.iter().any(|word| text.contains(word));
        if names(&["arm64", "aarch64"]) {
            Some(Self::Arm)
        } else if names(&["amd64", "x86_64", "x86-64", "x64"]) {
            Some(Self::Intel)
        } else {
            None
        }
    }
}

/// How well a package is for a computer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    /// It is made for it, as far as the browser says.
    Made,
    /// It is made for the other processor, which the system imitates.
    Runs,
    /// It cannot be installed there.
    Not,
}

/// What a browser says about its computer. Phones have no system of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Computer {
    system: Option<System>,
    processor: Option<Processor>,
}

impl Computer {
    /// Reads what the browser says.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let text = |name: &str| {
            let value = headers
                .get(name)
                .and_then(|value: &HeaderValue| value.to_str().ok());
            value.unwrap_or_default().to_ascii_lowercase()
        };
        let agent = text(header::USER_AGENT.as_str());
        let says = |word: &str| agent.contains(word);
        let system = if says("android") || says("iphone") || says("ipad") {
            None
        } else if says("windows") {
            Some(System::Windows)
        } else if says("macintosh") || says("mac os x") {
            Some(System::Mac)
        } else if says("fedora") {
            Some(System::Fedora)
        } else if says("ubuntu") || says("debian") {
            Some(System::Debian)
        } else if says("linux") {
            Some(System::Linux)
        } else {
            None
        };
        let processor = match &*text(PROCESSOR_HINT) {
            "\"arm\"" => Some(Processor::Arm),
            "\"x86\"" => Some(Processor::Intel),
            // Browsers on a Mac say Intel, whatever it has.
            _ if system == Some(System::Mac) => None,
            _ => Processor::named_in(&agent),
        };
        Self { system, processor }
    }

    /// Returns how well a package is for it, as far as the browser says.
    pub(super) fn fits(self, system: Option<System>, processor: Option<Processor>) -> Fit {
        let is_system = match (self.system, system) {
            (Some(System::Linux), Some(package)) => package.is_linux(),
            (Some(here), Some(System::Linux)) => here.is_linux(),
            (here, package) => here.is_some() && here == package,
        };
        let is_imitated = matches!(self.system, Some(System::Mac | System::Windows));
        match (self.processor, processor) {
            _ if !is_system => Fit::Not,
            (Some(here), Some(package)) if here != package => match package {
                Processor::Intel if is_imitated => Fit::Runs,
                _ => Fit::Not,
            },
            _ => Fit::Made,
        }
    }
}

/// The header in which browsers that send the same `User-Agent` from every computer name the processor, when asked.
pub(super) const PROCESSOR_HINT: &str = "sec-ch-ua-arch";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_fit_computers_of_their_system_and_processor() {
        let fits = |agent: &str, hint: &str, file: &str| {
            let headers = [
                (header::USER_AGENT, agent.parse().unwrap()),
                (PROCESSOR_HINT.parse().unwrap(), hint.parse().unwrap()),
            ];
            Computer::of(&headers.into_iter().collect())
                .fits(System::of_file(file), Processor::of_file(file))
        };
        let windows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36";
        let mac = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15";
        let linux = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
        let fedora = "Mozilla/5.0 (X11; Fedora; Linux x86_64; rv:128.0) Gecko/20100101";
        let phone = "Mozilla/5.0 (Linux; Android 14; Pixel) AppleWebKit/537.36 Mobile";
        for (agent, file, expected) in [
            (windows, "KeyWriter-1.0-x64.msi", true),
            (windows, "KeyWriter-1.0-arm64.msi", false),
            (windows, "keywriter_1.0_amd64.deb", false),
            (mac, "KeyWriter-1.0-arm64.dmg", true),
            (mac, "KeyWriter-1.0.exe", false),
            (linux, "keywriter_1.0_amd64.deb", true),
            (linux, "keywriter_1.0_arm64.deb", false),
            (linux, "keywriter-1.0.x86_64.rpm", true),
            (fedora, "keywriter-1.0.x86_64.rpm", true),
            (fedora, "keywriter_1.0_amd64.deb", false),
            (fedora, "KeyWriter.AppImage", true),
            (linux, "SHA256SUMS", false),
            (phone, "keywriter_1.0_amd64.deb", false),
            ("", "keywriter_1.0_amd64.deb", false),
        ] {
            let fit = fits(agent, "", file);
            assert_eq!(fit == Fit::Made, expected, "{agent} {file}");
            assert_eq!(fit == Fit::Not, !expected, "{agent} {file}");
        }
        for (agent, hint, file, expected) in [
            (linux, "\"arm\"", "keywriter_1.0_arm64.deb", Fit::Made),
            (linux, "\"arm\"", "keywriter_1.0_amd64.deb", Fit::Not),
            (windows, "\"arm\"", "KeyWriter-1.0-arm64.msi", Fit::Made),
            (windows, "\"arm\"", "KeyWriter-1.0-x64.msi", Fit::Runs),
            (windows, "\"x86\"", "KeyWriter-1.0-arm64.msi", Fit::Not),
            (mac, "\"arm\"", "KeyWriter-1.0-x64.dmg", Fit::Runs),
            (mac, "\"x86\"", "KeyWriter-1.0-arm64.dmg", Fit::Not),
            (mac, "\"arm\"", "KeyWriter-1.0.dmg", Fit::Made),
            (linux, "arm\"; drop", "keywriter_1.0_amd64.deb", Fit::Made),
        ] {
            assert_eq!(fits(agent, hint, file), expected, "{agent} {hint} {file}");
        }
    }
}
