//! One builder at a time, by a lock that the server itself holds and frees.
//!
//! The lock is a running statement: an insert into nothing whose input never ends, under a fixed `query_id`. ClickHouse
//! refuses a second statement of the same id, and ends this one when its connection closes (the holder died) or when
//! no heartbeat came for its receive timeout (the holder's machine died). Nothing is left to clean up or to steal.

use std::{convert::Infallible, time::Duration};

use futures::{StreamExt, stream};
use serde::Deserialize;
use tokio::{sync::oneshot, task::JoinHandle, time};
use uuid::Uuid;

use crate::clickhouse::{ClickHouse, ClickHouseError, literal};

/// How often a byte is sent to show that the holder lives; ClickHouse waits 30 s by default.
const HEARTBEAT: Duration = Duration::from_secs(3);
/// How long to wait for the lock statement to show up among the running ones.
const ACQUIRE_LIMIT: Duration = Duration::from_secs(10);
/// ClickHouse reads this much of statement and input before it begins, and refuses a longer statement.
const MAX_QUERY_SIZE: usize = 64;

/// The lock; dropping it frees it.
pub(crate) struct BuilderLock {
    statement: JoinHandle<Result<(), ClickHouseError>>,
    _open: oneshot::Sender<Infallible>,
}

#[derive(Deserialize)]
struct Holder {
    token: String,
}

impl BuilderLock {
    /// Takes the lock of this database; `None` if another builder holds it.
    ///
    /// # Errors
    /// See [`ClickHouseError`].
    pub(crate) async fn acquire(clickhouse: &ClickHouse) -> Result<Option<Self>, ClickHouseError> {
        let token = Uuid::new_v4().to_string();
        let query_id = format!("kerf-builder-lock/{}", clickhouse.database());
        let (open, closed) = oneshot::channel();
        let statement = tokio::spawn(hold(clickhouse.clone(), query_id.clone(), token.clone(), closed));
        let lock = Self { statement, _open: open };

        let holder = format!(
            "select Settings['log_comment'] as token from system.processes where query_id = {}",
            literal(&query_id)
        );
        let deadline = time::Instant::now() + ACQUIRE_LIMIT;
        while !lock.is_lost() && time::Instant::now() < deadline {
            if let Some(holder) = clickhouse.rows::<Holder>(holder.as_str()).await?.first() {
                // A refused statement is answered only when its input ends: who holds the lock is seen here instead.
                return Ok((holder.token == token).then_some(lock));
            }
            time::sleep(Duration::from_millis(20)).await;
        }
        lock.ended_early().await
    }

    /// Whether the statement has ended, so that another builder may have begun.
    pub(crate) fn is_lost(&self) -> bool {
        self.statement.is_finished()
    }

    async fn ended_early(self) -> Result<Option<Self>, ClickHouseError> {
        match self.is_lost().then_some(self.statement) {
            None => Ok(None),
            Some(statement) => match statement.await {
                Ok(Err(error)) => Err(error),
                Ok(Ok(())) | Err(_) => Err(ClickHouseError::Unreadable {
                    detail: "the builder's lock ended by itself".to_owned(),
                }),
            },
        }
    }
}

async fn hold(
    clickhouse: ClickHouse,
    query_id: String,
    token: String,
    closed: oneshot::Receiver<Infallible>,
) -> Result<(), ClickHouseError> {
    let first = stream::once(async { Ok(vec![0_u8; MAX_QUERY_SIZE]) });
    let beats = stream::unfold(closed, |mut closed| async move {
        tokio::select! {
            _ = &mut closed => None,
            () = time::sleep(HEARTBEAT) => Some((Ok::<_, Infallible>(vec![0_u8]), closed)),
        }
    });
    let size = MAX_QUERY_SIZE.to_string();
    clickhouse
        .stream(
            &[
                ("query_id", query_id.as_str()),
                ("log_comment", token.as_str()),
                ("max_query_size", size.as_str()),
            ],
            "insert into function null('beat UInt8') format RowBinary",
            reqwest::Body::wrap_stream(first.chain(beats)),
        )
        .await
}
