//! The loop: poll, batch, store, commit.
//!
//! Two batches may be on their way to ClickHouse while the next one is read; they are committed in the order in which
//! they were read. When all three are full, the partitions are paused: the loop goes on polling, so that the group
//! keeps this member, but gets nothing.

use crate::assignment::{Assignment, Offsets, Owned};
use crate::batch::Batch;
use crate::config::Config;
use crate::metrics::Metrics;
use crate::rows::Place;
use crate::store::Store;
use futures::{FutureExt, StreamExt, stream::FuturesOrdered};
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance, StreamConsumer};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::{Statistics, TopicPartitionList};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::{JoinError, JoinHandle};

/// Batches on their way to ClickHouse.
const IN_FLIGHT: usize = 2;

/// Messages that are taken before the loop looks at anything else.
const RUN: usize = 1_000;

/// How often a failed commit is tried again while nothing new comes.
const TICK: Duration = Duration::from_secs(2);

/// How long the last batches may take at the end.
const FAREWELL: Duration = Duration::from_secs(10);

/// Why the loop ended before it was told to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoopError {
    #[error("Kafka ended the consumer: {0}")]
    Kafka(#[from] KafkaError),
    #[error("storing a batch failed: {0}")]
    Task(#[from] JoinError),
}

/// A member of the consumer group.
pub(crate) struct Loader {
    consumer: Arc<StreamConsumer<Context>>,
    store: Arc<Store>,
    metrics: Arc<Metrics>,
    config: Config,
    batch: Batch,
    in_flight: FuturesOrdered<JoinHandle<Offsets>>,
    /// Stored but not committed.
    owed: Offsets,
    owned: Owned,
    /// The version of the assignment that `owned` shows.
    version: u64,
    paused: bool,
}

impl Loader {
    pub(crate) fn new(config: Config, store: Store, metrics: Arc<Metrics>) -> KafkaResult<Self> {
        let context = Context { assignment: Assignment::default(), metrics: Arc::clone(&metrics) };
        let consumer: StreamConsumer<Context> = settings(&config).create_with_context(context)?;
        consumer.subscribe(&[&config.topic])?;
        Ok(Self {
            consumer: Arc::new(consumer),
            store: Arc::new(store),
            metrics,
            config,
            batch: Batch::default(),
            in_flight: FuturesOrdered::new(),
            owed: Offsets::default(),
            owned: Owned::default(),
            version: 0,
            paused: false,
        })
    }

    /// Loads until `shutdown` completes; then stores and commits what was read.
    pub(crate) async fn run(mut self, shutdown: impl Future<Output = ()>) -> Result<(), LoopError> {
        let mut shutdown = std::pin::pin!(shutdown);
        let mut tick = tokio::time::interval(TICK);
        let consumer = Arc::clone(&self.consumer);
        loop {
            let due = self.due();
            tokio::select! {
                biased;
                () = &mut shutdown => break,
                Some(stored) = self.in_flight.next(), if !self.in_flight.is_empty() => self.settle(stored?).await,
                () = sleep_until(due), if due.is_some() => self.close(),
                _ = tick.tick(), if !self.owed.is_empty() => self.commit().await,
                message = consumer.recv() => self.take_run(&consumer, message)?,
            }
            if self.is_full() && self.in_flight.len() < IN_FLIGHT {
                self.close();
            }
            self.throttle();
        }
        self.finish().await
    }

    /// Takes a message and those that are there already.
    fn take_run<'c>(
        &mut self,
        consumer: &'c StreamConsumer<Context>,
        first: KafkaResult<BorrowedMessage<'c>>,
    ) -> Result<(), LoopError> {
        let mut next = first;
        let mut left = RUN;
        loop {
            match next {
                Ok(message) => self.take(&message),
                Err(error @ KafkaError::MessageConsumptionFatal(_)) => return Err(error.into()),
                Err(error) => tracing::warn!(%error, "reading from Kafka; going on"),
            }
            left -= 1;
            if left == 0 || self.is_full() {
                return Ok(());
            }
            match consumer.recv().now_or_never() {
                Some(message) => next = message,
                None => return Ok(()),
            }
        }
    }

    /// A message of a partition that is not ours any more is left to its new owner.
    fn take(&mut self, message: &BorrowedMessage<'_>) {
        let assignment = &self.consumer.context().assignment;
        if assignment.version() != self.version {
            self.version = assignment.version();
            self.owned = assignment.owned();
        }
        if let Some(epoch) = self.owned.get(&message.partition()) {
            let place = Place { partition: message.partition(), offset: message.offset() };
            self.batch.push(message.key(), message.payload().unwrap_or_default(), place, *epoch);
        }
    }

    fn is_full(&self) -> bool {
        self.batch.len() >= self.config.batch_rows || self.batch.bytes() >= self.config.batch_bytes
    }

    /// When the batch is to be closed for its age, if it can be.
    fn due(&self) -> Option<Instant> {
        let room = self.in_flight.len() < IN_FLIGHT;
        self.batch.opened().filter(|_| room).map(|opened| opened + self.config.batch_period)
    }

    /// Sends the batch on its way and begins a new one.
    fn close(&mut self) {
        let batch = std::mem::take(&mut self.batch);
        let store = Arc::clone(&self.store);
        self.in_flight.push_back(tokio::spawn(async move { store.store(batch).await }));
    }

    async fn settle(&mut self, offsets: Offsets) {
        self.owed.merge(offsets);
        self.commit().await;
    }

    /// Commits what is owed; what fails stays owed. Nobody polls meanwhile, so the assignment stands still.
    async fn commit(&mut self) {
        self.owed.retain(&self.consumer.context().assignment.owned());
        if self.owed.is_empty() {
            return;
        }
        let consumer = Arc::clone(&self.consumer);
        let list = self.owed.list(&self.config.topic);
        let committing = tokio::task::spawn_blocking(move || consumer.commit(&list?, CommitMode::Sync));
        match committing.await {
            Ok(Ok(())) => {
                self.owed = Offsets::default();
                self.metrics.commits.inc();
            }
            Ok(Err(error)) => {
                self.metrics.commit_failures.inc();
                tracing::warn!(%error, "offsets were not committed; their rows may be loaded again");
            }
            Err(error) => tracing::error!(%error, "committing offsets failed"),
        }
    }

    /// Pauses the partitions while there is no room, and resumes them when there is.
    fn throttle(&mut self) {
        let stuck = self.is_full();
        let partitions_changed = self.version != self.consumer.context().assignment.version();
        if stuck == self.paused && !(stuck && partitions_changed) {
            return;
        }
        let switched = self.consumer.assignment().and_then(|partitions| self.switch(&partitions, stuck));
        match switched {
            Ok(()) => {
                self.paused = stuck;
                self.metrics.paused.set(stuck.into());
            }
            Err(error) => {
                tracing::warn!(%error, stuck, "partitions could not be paused or resumed; trying again");
            }
        }
    }

    fn switch(&self, partitions: &TopicPartitionList, pause: bool) -> KafkaResult<()> {
        if pause { self.consumer.pause(partitions) } else { self.consumer.resume(partitions) }
    }

    /// Stores and commits what was read, as far as that is possible soon; the rest will be read again.
    async fn finish(mut self) -> Result<(), LoopError> {
        if self.batch.opened().is_some() {
            self.close();
        }
        let last = async {
            while let Some(stored) = self.in_flight.next().await {
                self.settle(stored?).await;
            }
            Ok(())
        };
        tokio::time::timeout(FAREWELL, last).await.unwrap_or_else(|_| {
            tracing::warn!("the last batches were not confirmed; they will be loaded again");
            Ok(())
        })
    }
}

async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

fn settings(config: &Config) -> rdkafka::ClientConfig {
    let mut settings = config.cluster.client();
    for (name, value) in [
        ("group.id", config.group.as_str()),
        ("enable.auto.commit", "false"),
        ("enable.auto.offset.store", "false"),
        ("auto.offset.reset", "earliest"),
        ("partition.assignment.strategy", "cooperative-sticky"),
        // A killed loader's partitions are given to others after this time.
        ("session.timeout.ms", "6000"),
        ("heartbeat.interval.ms", "2000"),
        ("fetch.wait.max.ms", "100"),
        ("queued.max.messages.kbytes", "65536"),
        ("statistics.interval.ms", "2000"),
    ] {
        if !config.cluster.options.contains_key(name) {
            settings.set(name, value);
        }
    }
    settings
}

/// What librdkafka tells.
struct Context {
    assignment: Assignment,
    metrics: Arc<Metrics>,
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(?level, facility, "librdkafka: {message}");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "librdkafka");
    }

    fn stats(&self, statistics: Statistics) {
        let owned = self.assignment.owned();
        let partitions = statistics.topics.values().flat_map(|topic| topic.partitions.values());
        let lag = partitions.filter(|partition| owned.contains_key(&partition.partition));
        self.metrics.lag.set(lag.map(|partition| partition.consumer_lag.max(0)).sum());
        self.metrics.partitions.set(i64::try_from(owned.len()).unwrap_or(i64::MAX));
    }
}

impl ConsumerContext for Context {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Assign(list) => {
                tracing::info!(partitions = list.count(), "partitions assigned");
                self.assignment.add(numbers(list).into_iter());
            }
            Rebalance::Revoke(list) => {
                tracing::info!(partitions = list.count(), "partitions revoked");
                self.assignment.remove(numbers(list).into_iter());
            }
            Rebalance::Error(error) => tracing::warn!(%error, "rebalancing"),
        }
    }
}

fn numbers(list: &TopicPartitionList) -> Vec<i32> {
    list.elements().iter().map(|element| element.partition()).collect()
}
