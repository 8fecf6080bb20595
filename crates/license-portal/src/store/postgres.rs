//! PostgreSQL: for several instances behind a load balancer.

use std::{path::Path, process::Stdio};

use percent_encoding::percent_decode_str;
use url::Url;

use super::{StoreError, Stored, dialect::Dialect};
use crate::files::create_private_file;

pub(super) const DIALECT: Dialect = Dialect {
    is_server: true,
    connections: 16,
    // A statement that a lost server never answers must not hold its connection for ever.
    session: "SET statement_timeout = '10s'; SET lock_timeout = '5s'",
    begin: "BEGIN",
    for_update: " FOR UPDATE",
    skip_locked: " FOR UPDATE SKIP LOCKED",
    migrations: &[
        (
            1,
            "licenses",
            include_str!("../../migrations/postgres/0001_licenses.sql"),
        ),
        (
            2,
            "drafts",
            include_str!("../../migrations/postgres/0002_drafts.sql"),
        ),
        (
            3,
            "one newest key",
            include_str!("../../migrations/postgres/0003_one_newest_key.sql"),
        ),
        (
            4,
            "operators",
            include_str!("../../migrations/postgres/0004_operators.sql"),
        ),
        (
            5,
            "notices",
            include_str!("../../migrations/postgres/0005_notices.sql"),
        ),
        (
            6,
            "orders",
            include_str!("../../migrations/postgres/0006_orders.sql"),
        ),
        (
            7,
            "hooks",
            include_str!("../../migrations/postgres/0007_hooks.sql"),
        ),
    ],
};

/// Writes a dump of the database with `pg_dump`.
pub(super) async fn backup(url: &str, file: &Path) -> Stored<()> {
    let (url, password) = split_password(url)?;
    create_private_file(file).map_err(|error| StoreError::Backup(error.to_string()))?;
    let mut dump = tokio::process::Command::new("pg_dump");
    dump.arg("--format=custom")
        .arg("--file")
        .arg(file)
        .arg("--dbname")
        .arg(url)
        .stdin(Stdio::null());
    if let Some(password) = password {
        // In the environment: every user of the machine can see arguments.
        dump.env("PGPASSWORD", password);
    }
    let dump = dump
        .output()
        .await
        .map_err(|error| StoreError::Backup(format!("pg_dump: {error}")))?;
    if dump.status.success() {
        Ok(())
    } else {
        Err(StoreError::Backup(
            String::from_utf8_lossy(&dump.stderr).trim().to_owned(),
        ))
    }
}

/// Separates a URL from its password.
fn split_password(url: &str) -> Stored<(String, Option<String>)> {
    let malformed = || StoreError::Backup("the database URL is malformed".into());
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
            split_password("postgres://me:p%40ss@db.example/portal?sslmode=require").unwrap();
        assert_eq!(url, "postgres://me@db.example/portal?sslmode=require");
        assert_eq!(password.as_deref(), Some("p@ss"));
        let local = "postgres:///portal?host=/run/postgresql";
        assert_eq!(split_password(local).unwrap(), (local.to_owned(), None));
    }
}
