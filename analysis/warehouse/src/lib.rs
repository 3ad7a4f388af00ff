//! ClickHouse roll-ups and queries that give sufficient statistics.
