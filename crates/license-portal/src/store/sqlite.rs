//! SQLite: one file, the default.

use std::{
    io,
    path::{Path, PathBuf},
    str::FromStr as _,
};

use sqlx::{AnyPool, query, sqlite::SqliteConnectOptions};

use super::{StoreError, Stored, dialect::Dialect};
use crate::files::create_private_file;

pub(super) const DIALECT: Dialect = Dialect {
    is_server: false,
    connections: 8,
    // With WAL, FULL is what makes a commit survive a power cut.
    session: "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
              PRAGMA secure_delete = ON; PRAGMA busy_timeout = 5000",
    // Takes the write lock at once, so that no transaction fails halfway because it cannot get it.
    begin: "BEGIN IMMEDIATE",
    for_update: "",
    skip_locked: "",
    migrations: &[
        (
            1,
            "licenses",
            include_str!("../../migrations/sqlite/0001_licenses.sql"),
        ),
        (
            2,
            "drafts",
            include_str!("../../migrations/sqlite/0002_drafts.sql"),
        ),
        (
            3,
            "one newest key",
            include_str!("../../migrations/sqlite/0003_one_newest_key.sql"),
        ),
        (
            4,
            "operators",
            include_str!("../../migrations/sqlite/0004_operators.sql"),
        ),
        (
            5,
            "notices",
            include_str!("../../migrations/sqlite/0005_notices.sql"),
        ),
        (
            6,
            "orders",
            include_str!("../../migrations/sqlite/0006_orders.sql"),
        ),
        (
            7,
            "hooks",
            include_str!("../../migrations/sqlite/0007_hooks.sql"),
        ),
    ],
};

/// Returns the file of a database.
pub(super) fn file(url: &str) -> Stored<PathBuf> {
    Ok(SqliteConnectOptions::from_str(url)?
        .get_filename()
        .to_owned())
}

/// Creates the database file if it does not exist, readable by its owner only; SQLite gives its side files the same
/// mode.
pub(super) fn create(url: &str) -> Stored<()> {
    match create_private_file(&file(url)?) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(sqlx::Error::Io(error).into())
        }
        _ => Ok(()),
    }
}

/// Writes a copy of the database.
pub(super) async fn backup(pool: &AnyPool, file: &Path) -> Stored<()> {
    let name = file
        .to_str()
        .ok_or_else(|| StoreError::Backup("the file name is not UTF-8".into()))?;
    // SQLite treats an empty file as a new database, so the copy is never readable by others.
    create_private_file(file).map_err(|error| StoreError::Backup(error.to_string()))?;
    query("VACUUM INTO $1").bind(name).execute(pool).await?;
    Ok(())
}
