//! SQL behind the program's back: what an administrator of the database, honest or not, can do.

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection, Row};
use std::path::Path;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

/// An open SQLite database; blobs are written and read as hex (`x'…'`, `hex(…)`).
pub struct Database {
    runtime: Runtime,
    connection: SqliteConnection,
}

impl Database {
    /// Opens the file.
    #[must_use]
    pub fn open(path: &Path) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let options = SqliteConnectOptions::new().filename(path).busy_timeout(Duration::from_secs(10));
        let connection = runtime.block_on(options.connect()).expect("the database opens");
        Self { runtime, connection }
    }

    /// Runs a statement; returns how many rows it changed.
    pub fn execute(&mut self, sql: &str) -> u64 {
        self.try_execute(sql).unwrap_or_else(|why| panic!("{sql}: {why}"))
    }

    /// Runs a statement that may be refused.
    ///
    /// # Errors
    /// What the database says.
    pub fn try_execute(&mut self, sql: &str) -> Result<u64, String> {
        let query = sqlx::query(AssertSqlSafe(sql.to_owned()));
        let done = self.runtime.block_on(query.execute(&mut self.connection));
        done.map(|done| done.rows_affected()).map_err(|why| why.to_string())
    }

    /// Returns the first column of every row, as text.
    pub fn texts(&mut self, sql: &str) -> Vec<String> {
        self.rows(sql).iter().map(|row| row.get::<String, _>(0)).collect()
    }

    /// Returns the first column of every row, as a number.
    pub fn numbers(&mut self, sql: &str) -> Vec<i64> {
        self.rows(sql).iter().map(|row| row.get::<i64, _>(0)).collect()
    }

    /// Returns the first column of the first row, as a number.
    pub fn number(&mut self, sql: &str) -> i64 {
        self.numbers(sql).first().copied().expect("there is a row")
    }

    /// Closes the connection; the write-ahead log is then in the database.
    pub fn close(self) {
        self.runtime.block_on(self.connection.close()).expect("the database closes");
    }

    fn rows(&mut self, sql: &str) -> Vec<SqliteRow> {
        let query = sqlx::query(AssertSqlSafe(sql.to_owned()));
        self.runtime.block_on(query.fetch_all(&mut self.connection)).unwrap_or_else(|why| panic!("{sql}: {why}"))
    }
}

/// Makes a database on a PostgreSQL server, lends its URL, and drops it again.
pub fn in_a_database_of_its_own(url: &str, name: &str, test: impl FnOnce(&str)) {
    let runtime = Runtime::new().expect("a runtime");
    let database = format!("{name}_{}", std::process::id());
    let on_server = |sql: String| {
        runtime.block_on(async {
            let mut server = PgConnection::connect(url).await.expect("the server answers");
            server.execute(AssertSqlSafe(sql)).await.expect("the statement is run");
        });
    };
    on_server(format!("CREATE DATABASE {database}"));
    let (server, _) = url.rsplit_once('/').expect("an address of a database");
    let own = format!("{server}/{database}");
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| test(&own)));
    on_server(format!("DROP DATABASE {database} WITH (FORCE)"));
    if let Err(panic) = done {
        std::panic::resume_unwind(panic);
    }
}
