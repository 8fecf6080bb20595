//! Backups of PostgreSQL.

use std::{path::Path, process::Stdio};

use percent_encoding::percent_decode_str;
use url::Url;

use super::{StoreError, Stored, new_private_file};

/// Runs `pg_dump`, PostgreSQL's own.
pub(super) async fn dump(url: &str, file: &Path) -> Stored<()> {
    let failed = |error: std::io::Error| StoreError::Backup(format!("pg_dump: {error}"));
    let (url, password) = part_password(url)?;
    new_private_file(file)?;
    let mut dump = tokio::process::Command::new("pg_dump");
    dump.arg("--format=custom")
        .arg("--file")
        .arg(file)
        .arg("--dbname")
        .arg(url)
        .stdin(Stdio::null());
    if let Some(password) = password {
        // In the environment, since arguments are seen by everyone on the machine.
        dump.env("PGPASSWORD", password);
    }
    let dump = dump.output().await.map_err(failed)?;
    if dump.status.success() {
        Ok(())
    } else {
        Err(StoreError::Backup(
            String::from_utf8_lossy(&dump.stderr).trim().to_owned(),
        ))
    }
}

/// Takes the password out of a URL.
fn part_password(url: &str) -> Stored<(String, Option<String>)> {
    let malformed = || StoreError::Backup("the database's URL is malformed".into());
    let mut url = Url::parse(url).map_err(|_form| malformed())?;
    let password = url
        .password()
        .map(|text| percent_decode_str(text).decode_utf8_lossy().into_owned());
    if password.is_some() {
        url.set_password(None).map_err(|()| malformed())?;
    }
    Ok((url.into(), password))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_never_becomes_an_argument() {
        let (url, password) =
            part_password("postgres://me:p%40ss@db.example/portal?sslmode=require").unwrap();
        assert_eq!(url, "postgres://me@db.example/portal?sslmode=require");
        assert_eq!(password.as_deref(), Some("p@ss"));
        let local = "postgres:///portal?host=/run/postgresql";
        assert_eq!(part_password(local).unwrap(), (local.to_owned(), None));
    }
}
