//! Kafka to ClickHouse, at least once, idempotent.
