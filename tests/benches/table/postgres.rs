//! A PostgreSQL schema that is gone afterwards.

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

/// A schema of our own on the server of `TEST_POSTGRES_URL`.
pub(crate) struct Database {
    server: String,
    schema: String,
    url: String,
}

impl Database {
    /// Makes it; `None` where no server is named.
    pub(crate) async fn make() -> Option<Self> {
        let server = std::env::var("TEST_POSTGRES_URL").ok()?;
        let schema = format!("bench_{}", std::process::id());
        let mark = if server.contains('?') { '&' } else { '?' };
        let url = format!("{server}{mark}options=-csearch_path%3D{schema}");
        let made = Self { server, schema, url };
        made.tell(&format!("CREATE SCHEMA {}", made.schema)).await;
        Some(made)
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) async fn drop(self) {
        self.tell(&format!("DROP SCHEMA {} CASCADE", self.schema)).await;
    }

    async fn tell(&self, statement: &str) {
        let mut connection = PgConnection::connect(&self.server).await.unwrap();
        connection.execute(AssertSqlSafe(statement)).await.unwrap();
    }
}
