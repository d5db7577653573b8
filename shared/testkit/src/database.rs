//! One database for one test.

use runtime::clock::Clock;
use runtime::config::DatabaseConfig;
use runtime::db::Db;
use sea_orm::{ConnectionTrait, Database};
use secrecy::SecretString;
use tempfile::TempDir;
use url::Url;
use uuid::Uuid;

const POSTGRES: &str = "PEERWAY_TEST_POSTGRES_URL";

/// An empty database. It goes when this is dropped.
#[derive(Debug)]
pub struct TestDatabase {
    url: String,
    kept: Kept,
}

#[derive(Debug)]
enum Kept {
    Sqlite { _folder: TempDir },
    Postgres { admin: String, name: String },
}

/// A database for a test to which all are alike: SQLite, the fastest to make.
pub fn database() -> TestDatabase {
    sqlite()
}

/// A SQLite file in a folder of its own.
pub fn sqlite() -> TestDatabase {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let url = format!("sqlite://{}", folder.path().join("test.db").display());
    TestDatabase {
        url,
        kept: Kept::Sqlite { _folder: folder },
    }
}

/// A PostgreSQL database of its own on the server of `PEERWAY_TEST_POSTGRES_URL`.
pub async fn postgres() -> TestDatabase {
    let admin = crate::variable(POSTGRES);
    let name = format!("test_{}", Uuid::new_v4().simple());
    run(&admin, &format!("CREATE DATABASE {name}")).await;
    let mut url = Url::parse(&admin).unwrap_or_else(|error| panic!("{POSTGRES}: {error}"));
    url.set_path(&name);
    TestDatabase {
        url: url.into(),
        kept: Kept::Postgres { admin, name },
    }
}

impl TestDatabase {
    /// Its address, as in the setting `database.url`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Settings that lead to it.
    pub fn config(&self) -> DatabaseConfig {
        DatabaseConfig {
            url: SecretString::from(self.url.as_str()),
            ..DatabaseConfig::default()
        }
    }

    /// Connects to it under the system's clock.
    pub async fn connect(&self) -> Db {
        self.connect_at(Clock::system()).await
    }

    /// Connects to it under `clock`, which gives the time where the database is SQLite.
    pub async fn connect_at(&self, clock: Clock) -> Db {
        Db::connect(&self.config(), clock)
            .await
            .unwrap_or_else(|error| panic!("the test's database does not answer: {error}"))
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let Kept::Postgres { admin, name } = &self.kept else {
            return;
        };
        let (admin, drop) = (
            admin.clone(),
            format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
        );
        // The test's own runtime may be ending: this needs another.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            if let Ok(runtime) = runtime {
                runtime.block_on(async {
                    if let Ok(server) = Database::connect(&admin).await {
                        // Err: the server is ending, and the database with it.
                        server.execute_unprepared(&drop).await.ok();
                    }
                });
            }
        });
        dropping.join().ok();
    }
}

async fn run(admin: &str, statement: &str) {
    let server = Database::connect(admin)
        .await
        .unwrap_or_else(|error| panic!("the server of {POSTGRES} does not answer: {error}"));
    let done = server.execute_unprepared(statement).await;
    done.unwrap_or_else(|error| panic!("{statement}: {error}"));
    server.close().await.ok();
}
