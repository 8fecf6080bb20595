//! `license-portal backup`.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use jiff::Timestamp;

use crate::{files::create_private_folder, portal::Portal};

/// Writes a copy into a folder, under the time, and deletes the oldest copies there but so many.
pub(super) async fn into_folder(portal: &Portal, folder: &Path, keep: usize) -> anyhow::Result<()> {
    create_private_folder(folder).with_context(|| folder.display().to_string())?;
    let (part, file) = (folder.join(PART), folder.join(name(portal.clock.now())));
    match fs::remove_file(&part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(error).with_context(|| part.display().to_string());
        }
        _ => {}
    }
    portal.store.backup(&part).await?;
    // Only a whole copy is one, and takes the place of the oldest.
    File::open(&part)
        .and_then(|copy| copy.sync_all())
        .and_then(|()| fs::rename(&part, &file))
        .with_context(|| file.display().to_string())?;
    for old in oldest(folder, keep)? {
        fs::remove_file(&old).with_context(|| old.display().to_string())?;
    }
    Ok(())
}

fn name(now: Timestamp) -> String {
    format!("{PREFIX}{}{SUFFIX}", now.strftime("%Y-%m-%dT%H-%M-%SZ"))
}

/// Returns all copies in a folder but the newest ones.
fn oldest(folder: &Path, keep: usize) -> io::Result<Vec<PathBuf>> {
    let mut copies = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        if name.is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX)) {
            copies.push(path);
        }
    }
    copies.sort();
    copies.truncate(copies.len().saturating_sub(keep));
    Ok(copies)
}

/// The copy while it is written.
const PART: &str = "unfinished";

const PREFIX: &str = "portal-";

const SUFFIX: &str = ".backup";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_copies_stay_and_so_does_what_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let copies = [1, 1_000_000_000, 1_795_507_200].map(|second| {
            let copy = folder
                .path()
                .join(name(Timestamp::from_second(second).unwrap()));
            fs::write(&copy, "").unwrap();
            copy
        });
        fs::write(folder.path().join("a.sqlite"), "").unwrap();
        assert_eq!(oldest(folder.path(), 2).unwrap(), copies[..1]);
        assert_eq!(oldest(folder.path(), 3).unwrap(), Vec::<PathBuf>::new());
        assert!(copies[2].ends_with("portal-2026-11-24T08-00-00Z.backup"));
    }
}
