//! The service's own database: PostgreSQL, or a SQLite file, behind one type.
//!
//! On SQLite one connection writes, in transactions that are immediate, so that none fails half-way
//! because another wrote first; a pool of others reads beside it. On PostgreSQL one pool does both.

use std::path::Path;
use std::time::Duration;

use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbBackend,
    DbErr, RuntimeErr, SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};
use sea_orm_migration::MigratorTrait;
use secrecy::ExposeSecret;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use url::Url;

use crate::clock::Clock;
use crate::config::DatabaseConfig;

/// A pool of connections. Clones share it.
#[derive(Clone, Debug)]
pub struct Db {
    write: DatabaseConnection,
    read: DatabaseConnection,
    clock: Clock,
}

impl Db {
    /// Connects, and makes a missing SQLite file with its folder.
    ///
    /// # Errors
    /// When the URL is of neither kind, or nothing answered within `connect_timeout`.
    pub async fn connect(config: &DatabaseConfig, clock: Clock) -> Result<Self, DbErr> {
        let url = config.url.expose_secret();
        let connect = async {
            if url.starts_with("sqlite:") {
                Self::connect_sqlite(url, config, clock).await
            } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
                let pool = Database::connect(options(url, config))
                    .await
                    .map_err(|error| {
                        unusable(format!(
                            "the database at {} does not answer: {error}",
                            host(url)
                        ))
                    })?;
                Ok(Self {
                    write: pool.clone(),
                    read: pool,
                    clock,
                })
            } else {
                Err(unusable(
                    "database.url must begin with sqlite:// or postgres://",
                ))
            }
        };
        tokio::time::timeout(config.connect_timeout, connect)
            .await
            .unwrap_or_else(|_| {
                let (host, waited) = (host(url), config.connect_timeout);
                Err(unusable(format!(
                    "the database at {host} did not answer within {waited:?}"
                )))
            })
    }

    async fn connect_sqlite(
        url: &str,
        config: &DatabaseConfig,
        clock: Clock,
    ) -> Result<Self, DbErr> {
        if url.contains(":memory:") {
            return Err(unusable(
                "database.url must name a file: each connection has its own memory",
            ));
        }
        let path = url.trim_start_matches("sqlite:").trim_start_matches("//");
        let path = Path::new(path.split('?').next().unwrap_or_default());
        if let Some(folder) = path.parent() {
            tokio::fs::create_dir_all(folder).await.map_err(|error| {
                unusable(format!("{} cannot be made: {error}", folder.display()))
            })?;
        }
        // The writer goes first: it makes the file and turns it to WAL.
        let mut writer = options(url, config);
        writer
            .max_connections(1)
            .min_connections(1)
            .map_sqlx_sqlite_opts(sqlite);
        let write = Database::connect(writer).await?;
        let mut reader = options(url, config);
        reader.map_sqlx_sqlite_opts(|file| sqlite(file).pragma("query_only", "on"));
        let read = Database::connect(reader).await?;
        Ok(Self { write, read, clock })
    }

    /// For statements that only read. On SQLite it refuses to write.
    pub fn read(&self) -> &DatabaseConnection {
        &self.read
    }

    /// For one statement that is a change of its own; several belong into [`Db::begin`].
    pub fn write(&self) -> &DatabaseConnection {
        &self.write
    }

    /// A transaction for changes. On SQLite it holds the write lock from the start.
    pub async fn begin(&self) -> Result<DatabaseTransaction, DbErr> {
        let options = TransactionOptions {
            sqlite_transaction_mode: (!self.is_postgres())
                .then_some(SqliteTransactionMode::Immediate),
            ..Default::default()
        };
        self.write.begin_with_options(options).await
    }

    /// The time all replicas agree on, in milliseconds: the database server's, or with SQLite, which has
    /// one process only, the clock's.
    pub async fn now_ms(&self) -> Result<i64, DbErr> {
        if !self.is_postgres() {
            return Ok(self.clock.now_ms());
        }
        let ask = Statement::from_string(DbBackend::Postgres, format!("SELECT {POSTGRES_NOW}"));
        let row = self.read.query_one_raw(ask).await?;
        row.ok_or_else(|| DbErr::RecordNotFound("the database's time".into()))?
            .try_get_by_index(0)
    }

    /// The clock this database was connected with.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Whether it is PostgreSQL, or an engine that speaks its protocol.
    pub fn is_postgres(&self) -> bool {
        self.write.get_database_backend() == DbBackend::Postgres
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), DbErr> {
        self.read
            .query_one_raw(Statement::from_string(self.backend(), "SELECT 1"))
            .await?;
        Ok(())
    }

    /// Closes all connections; running statements finish.
    pub async fn close(&self) -> Result<(), DbErr> {
        self.read.close_by_ref().await?;
        self.write.close_by_ref().await
    }

    pub(crate) fn backend(&self) -> DbBackend {
        self.write.get_database_backend()
    }
}

/// The server's time in milliseconds, at the moment and not at the transaction's start.
pub(crate) const POSTGRES_NOW: &str =
    "CAST(FLOOR(EXTRACT(EPOCH FROM clock_timestamp()) * 1000) AS BIGINT)";

/// Refuses a database whose schema is older or newer than the code. The error names what is missing.
pub async fn check_schema<M: MigratorTrait>(db: &Db) -> Result<(), DbErr> {
    let pending = M::get_pending_migrations_read_only(db.read()).await?;
    let names: Vec<&str> = pending.iter().map(|migration| migration.name()).collect();
    match names.as_slice() {
        [] => Ok(()),
        names => Err(DbErr::Migration(format!(
            "the database lacks {}; run `migrate` first",
            names.join(", ")
        ))),
    }
}

/// Brings the schema up to date; nothing happens when it is.
pub async fn migrate<M: MigratorTrait>(db: &Db) -> Result<(), DbErr> {
    M::up(db.write(), None).await
}

fn options(url: &str, config: &DatabaseConfig) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(config.max_connections)
        .acquire_timeout(config.acquire_timeout)
        // A question before each use would double the round trips of a busy service.
        .test_before_acquire_if_idle_for(Duration::from_secs(5))
        .sqlx_logging(false);
    options
}

fn sqlite(file: SqliteConnectOptions) -> SqliteConnectOptions {
    // NORMAL: what was committed survives the death of the process (kill -9), since the kernel has it;
    // only a power cut can take the last transactions, and then it takes whole ones.
    file.create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(5))
}

/// Where the server is, without the user and the password.
fn host(url: &str) -> String {
    let url = Url::parse(url).ok();
    let host = url
        .as_ref()
        .and_then(Url::host_str)
        .unwrap_or("the URL's host")
        .to_owned();
    match url.and_then(|url| url.port()) {
        Some(port) => format!("{host}:{port}"),
        None => host,
    }
}

fn unusable(sentence: impl Into<String>) -> DbErr {
    DbErr::Conn(RuntimeErr::Internal(sentence.into()))
}
