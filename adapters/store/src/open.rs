//! Opens a database and brings its schema up to date.

use crate::engine::Engine;
use crate::postgres::PostgresEngine;
use crate::sqlite::SqliteEngine;
use crate::store::SqlStore;
use crate::tickets::{SqlTickets, Writing};
use domain::ports::{BoxFuture, Store, Tickets};
use sqlx::migrate::{Migrate, MigrateError, Migrator};
use std::path::Path;
use std::sync::Arc;

/// Opens a SQLite database; makes the file, readable by its owner only, where there is none.
///
/// # Errors
/// [`OpenError`].
pub async fn open_sqlite(path: &Path, options: Options) -> Result<Database, OpenError> {
    Ok(Database::new(SqliteEngine::open(path, &options).await?))
}

/// Connects to a PostgreSQL database by its URL (`postgres://user:password@host/database`).
///
/// The URL is a secret: it appears in no error. Over a network the server's certificate is checked unless the URL
/// says `sslmode`; `sslrootcert` names a private authority.
///
/// # Errors
/// [`OpenError`].
pub async fn open_postgres(url: &str, options: Options) -> Result<Database, OpenError> {
    Ok(Database::new(PostgresEngine::open(url, &options).await?))
}

/// An open database.
pub struct Database {
    backing: Arc<dyn Backing>,
    tickets: Arc<dyn Tickets>,
    writing: Arc<Writing>,
}

impl Database {
    fn new<E: Engine>(engine: E) -> Self {
        let store = Arc::new(SqlStore(engine));
        let writing = Writing::start(Arc::clone(&store));
        Self { tickets: Arc::new(SqlTickets::new(Arc::clone(&store), Arc::clone(&writing))), backing: store, writing }
    }

    /// Returns the port that the domain calls.
    #[must_use]
    pub fn store(&self) -> Arc<dyn Store> {
        self.backing.clone()
    }

    /// Returns the port for what is short-lived.
    #[must_use]
    pub fn tickets(&self) -> Arc<dyn Tickets> {
        Arc::clone(&self.tickets)
    }

    /// Writes the tickets that wait, then closes every connection; call it after the recorder has stopped.
    pub async fn close(&self) {
        self.writing.stop().await;
        self.backing.close().await;
    }
}

/// A store that can be closed.
trait Backing: Store {
    fn close(&self) -> BoxFuture<'_, ()>;
}

impl<E: Engine> Backing for SqlStore<E> {
    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.0.close())
    }
}

/// How a database is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// Connections that read. SQLite uses at most 4.
    pub readers: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { readers: 4 }
    }
}

/// Why a database could not be opened. No variant repeats an address or a password.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file cannot be made or its mode cannot be set.
    #[error("the database file cannot be opened for its owner alone")]
    File(#[source] std::io::Error),
    /// The address is not a PostgreSQL URL.
    #[error("the database address is not a PostgreSQL URL (postgres://user:password@host/database)")]
    Address,
    /// The database does not answer or refuses.
    #[error("the database does not answer or refuses the connection")]
    Connect(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The server is older than PostgreSQL 15.
    #[error("the database server is too old: PostgreSQL 15 or later is needed (server_version_num {found})")]
    ServerTooOld {
        /// What the server says, for example 140010.
        found: i64,
    },
    /// A newer release has changed the schema.
    #[error("the database was written by a newer release (migration {migration}); use that release or a backup")]
    Newer {
        /// The first migration this release does not know.
        migration: i64,
    },
    /// The schema's history is not ours.
    #[error("migration {migration} of the database is not the one this release ships")]
    Altered {
        /// The migration that differs.
        migration: i64,
    },
    /// A migration failed.
    #[error("the database schema cannot be brought up to date")]
    Migrate(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl OpenError {
    pub(crate) fn connect(error: sqlx::Error) -> Self {
        Self::Connect(Box::new(error))
    }
}

/// Applies the migrations that are missing; refuses a schema that has one we do not know.
pub(crate) async fn migrate<DB>(migrations: &Migrator, pool: &sqlx::Pool<DB>) -> Result<(), OpenError>
where
    DB: sqlx::Database,
    DB::Connection: Migrate,
{
    migrations.run(pool).await.map_err(|error| match error {
        MigrateError::VersionMissing(migration) | MigrateError::VersionTooNew(migration, _) => {
            OpenError::Newer { migration }
        }
        MigrateError::VersionMismatch(migration) => OpenError::Altered { migration },
        other => OpenError::Migrate(Box::new(other)),
    })
}
