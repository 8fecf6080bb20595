//! What differs between SQLite and PostgreSQL.

use sqlx::{
    SqlSafeStr as _,
    error::BoxDynError,
    migrate::{Migration, MigrationSource, MigrationType, Migrator},
};

use super::Stored;

/// One database's settings, and its words for what the other says differently.
pub(super) struct Dialect {
    /// Whether it is a server, with programs of its own for backups.
    pub(super) is_server: bool,
    /// The most connections of one instance.
    pub(super) connections: u32,
    /// Statements for each new connection.
    pub(super) session: &'static str,
    /// Begins a transaction that writes.
    pub(super) begin: &'static str,
    /// Locks the rows that a SELECT found, at its end.
    pub(super) for_update: &'static str,
    /// The same, without waiting for rows that others have locked.
    pub(super) skip_locked: &'static str,
    /// Version, name and SQL of each migration.
    pub(super) migrations: &'static [(i64, &'static str, &'static str)],
}

/// Migrations that are part of the program.
#[derive(Debug)]
pub(super) struct Embedded(pub(super) &'static [(i64, &'static str, &'static str)]);

impl Embedded {
    pub(super) async fn migrator(self) -> Stored<Migrator> {
        Ok(Migrator::new(self).await?)
    }
}

impl MigrationSource<'static> for Embedded {
    fn resolve(
        self,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<Vec<Migration>, BoxDynError>> + Send + 'static>>
    {
        let migrations = self.0.iter().map(|(version, name, sql)| {
            Migration::new(
                *version,
                (*name).into(),
                MigrationType::Simple,
                sql.into_sql_str(),
                false,
            )
        });
        let migrations = migrations.collect();
        Box::pin(async { Ok(migrations) })
    }
}
