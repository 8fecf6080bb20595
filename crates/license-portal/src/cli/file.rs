//! The configuration file that all programs of a portal read.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, anyhow};

use super::Options;

impl Options {
    /// Adds what the configuration file sets and neither command line nor environment do.
    pub fn with_file(self) -> anyhow::Result<Self> {
        let Some(file) = self.file()? else {
            return Ok(self);
        };
        let from_file = read(&file).with_context(|| format!("configuration {}", file.display()))?;
        Ok(Self {
            config: Some(file),
            ..self.or(from_file)
        })
    }

    /// Finds the configuration file.
    fn file(&self) -> anyhow::Result<Option<PathBuf>> {
        if let Some(file) = &self.config {
            return Ok(Some(file.clone()));
        }
        let data = (self.data.is_some() || is_reachable(&self.data()))
            .then(|| self.data().join("portal.toml"));
        for file in data.into_iter().chain([PathBuf::from(SYSTEM_FILE)]) {
            if file
                .try_exists()
                .with_context(|| format!("configuration {}", file.display()))?
            {
                return Ok(Some(file));
            }
        }
        Ok(None)
    }
}

/// Returns whether a folder can be looked for. Where a command runs as the portal's user in the home of root, the
/// default data folder cannot: no portal is there.
fn is_reachable(folder: &Path) -> bool {
    !matches!(folder.try_exists(), Err(error) if error.kind() == io::ErrorKind::PermissionDenied)
}

/// Reads a configuration file. Relative paths in it start at its folder.
fn read(file: &Path) -> anyhow::Result<Options> {
    let text = fs::read_to_string(file)?;
    let mut options: Options =
        toml::from_str(&text).map_err(|error| anyhow!(without_value(&text, &error)))?;
    let folder = file.parent().unwrap_or(Path::new(""));
    for path in [
        &mut options.data,
        &mut options.portal_key,
        &mut options.signing_key,
        &mut options.packages,
        &mut options.partners,
    ] {
        *path = path.take().map(|path| folder.join(path));
    }
    for path in &mut options.old_signing_key {
        *path = folder.join(&path);
    }
    Ok(options)
}

/// Returns what is wrong with a file, and in which line. A value may be a password: TOML's errors quote the whole line,
/// and Serde's the value before what it expected.
fn without_value(text: &str, error: &toml::de::Error) -> String {
    let start = error.span().map_or(0, |span| span.start);
    let before = text.get(..start).unwrap_or_default();
    let line = 1 + before.matches('\n').count();
    let message = error.message();
    let is_quoting = ["invalid type", "invalid value", "invalid length"]
        .iter()
        .any(|kind| message.starts_with(kind));
    match message.rsplit_once(", expected ") {
        Some((_value, expected)) if is_quoting => format!("line {line}: expected {expected}"),
        _ if is_quoting => format!("line {line}: invalid value"),
        _ => format!("line {line}: {message}"),
    }
}

/// The configuration file of the whole system.
const SYSTEM_FILE: &str = "/etc/license-portal/portal.toml";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_goes_before_the_file_whose_paths_start_at_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("portal.toml");
        let text = "public_url = \"https://a.example\"\nmail_folder = true\nsigning_key = \"s.key\"\n\
                    trusted_proxy = [\"10.0.0.0/8\"]\nlink_minutes = 30\n";
        fs::write(&file, text).unwrap();
        let given = Options {
            data: Some(folder.path().to_owned()),
            link_minutes: Some(20),
            ..Options::default()
        };
        let options = given.clone().with_file().unwrap();
        assert_eq!(options.signing_key, Some(folder.path().join("s.key")));
        let settings = options.settings().unwrap();
        assert_eq!(settings.public_url, "https://a.example");
        assert_eq!(settings.link_minutes, 20);
        assert_eq!(settings.trusted_proxies.len(), 1);
        assert_eq!(settings.missing, []);
        for wrong in [
            "no_such_option = 1\n",
            "link_minutes = \"x\"\n",
            "listen = \"nowhere\"\n",
        ] {
            fs::write(&file, wrong).unwrap();
            assert!(given.clone().with_file().is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_error_in_the_file_names_its_line_and_quotes_no_password() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("portal.toml");
        let url = "smtps://me:secret@mail.example:465";
        for wrong in [
            format!("smtp = {url}"),
            format!("smtp = \"{url}"),
            format!("smtp = '{url}\""),
            format!("smtp = \"{url}\\q\""),
            format!("smtp = \"{url}\" x"),
            format!("smtp = \"\"\"{url}\""),
            format!("smtp = [\"{url}\"]"),
            format!("smtp \"{url}\""),
            format!("smtp: {url}"),
            format!("smpt = \"{url}\""),
            format!("smtp = {{ url = \"{url}\" }}"),
            format!("mail_folder = \"{url}\""),
            format!("link_minutes = \"{url}, expected nothing\""),
            format!("listen = \"{url}\""),
            format!("trusted_proxy = [\"{url}\"]"),
            format!("trusted_proxy = \"{url}\""),
            format!("old_signing_key = \"{url}\""),
            format!("smtp = \"{url}\"\nsmtp = \"{url}\""),
            "token_days = 4711471147".into(),
        ] {
            fs::write(&file, format!("# ours\n\n{wrong}\n")).unwrap();
            let options = Options {
                config: Some(file.clone()),
                ..Options::default()
            };
            let error = options.with_file().unwrap_err();
            let text = format!("{error:#} {error:?}");
            let is_in_line = ["line 3", "line 4"].iter().any(|line| text.contains(line));
            assert!(is_in_line, "{wrong}: {text}");
            assert!(!text.contains("secret") && !text.contains("4711"), "{text}");
        }
    }
}
