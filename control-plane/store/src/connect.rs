//! The pool and the migrations.

use std::time::Duration;

use jiff::Timestamp;
use kerf_control_domain::{LayerKey, Unit};
use sqlx::PgPool;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::error::{StoreError, WriteError};
use crate::write::Author;

/// The numbered files in `migrations`.
pub(crate) static MIGRATIONS: Migrator = sqlx::migrate!();

/// What a new installation starts with, so that the first example works as it stands.
const FIRST_LAYER: &str = "checkout_ui";

/// Postgres, seen from the control plane of one environment.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) pool: PgPool,
    pub(crate) environment: String,
}

impl Store {
    /// A store that connects when it is first used, so that a service starts while Postgres is away.
    ///
    /// # Errors
    /// The URL cannot be read.
    pub fn connect_lazy(url: &str, environment: &str) -> Result<Self, StoreError> {
        let timeouts = [
            ("statement_timeout", "10s"),
            ("lock_timeout", "5s"),
            ("idle_in_transaction_session_timeout", "30s"),
        ];
        // The driver takes a URL of any scheme and would look for a server that is not there.
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            let reason = "the URL does not begin with postgres://";
            return Err(StoreError::Database(sqlx::Error::Configuration(reason.into())));
        }
        let options: PgConnectOptions = url.parse().map_err(StoreError::from)?;
        let pool = PgPoolOptions::new()
            .max_connections(20)
            .acquire_timeout(Duration::from_secs(3))
            .connect_lazy_with(options.application_name("kerf control-plane").options(timeouts));
        Ok(Self { pool, environment: environment.to_owned() })
    }

    /// The environment whose bundles are made.
    pub fn environment(&self) -> &str {
        &self.environment
    }

    /// Brings the schema up to date, and gives a new installation its first layer.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when Postgres is away; [`StoreError::Database`] when a migration cannot be applied,
    /// which no waiting will cure.
    pub async fn migrate(&self, now: Timestamp) -> Result<(), StoreError> {
        MIGRATIONS.run(&self.pool).await.map_err(|error| match error {
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
                StoreError::from(error)
            }
            other => StoreError::Database(sqlx::Error::Migrate(Box::new(other))),
        })?;
        sqlx::query!("insert into environment (key) values ($1) on conflict do nothing", self.environment)
            .execute(&self.pool)
            .await?;
        self.first_layer(now).await
    }

    /// Asks Postgres for a sign of life.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when there is none.
    pub async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query!("select 1 as one").fetch_one(&self.pool).await?;
        Ok(())
    }

    /// Closes every connection; calls that come later fail.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    async fn first_layer(&self, now: Timestamp) -> Result<(), StoreError> {
        let used = sqlx::query_scalar!(r#"select exists (select from audit) as "used!""#)
            .fetch_one(&self.pool)
            .await?;
        let Ok(key) = LayerKey::parse(FIRST_LAYER) else { return Ok(()) };
        if used {
            return Ok(());
        }
        let author = Author::system("setup", "a new installation has one layer", now);
        match self.layer_create(&author, &key, &Unit::default()).await {
            Ok(_) | Err(WriteError::KeyTaken) => Ok(()),
            Err(WriteError::Store(error)) => Err(error),
            Err(other) => Err(StoreError::corrupt("layer", "key", FIRST_LAYER, &other)),
        }
    }
}
