-- Events as the loader writes them. A repeat has the same key and collapses at FINAL or in a merge; nothing that a repeat
-- changes (time of receipt, offset) is in a key. Partitions are days of the event's own time and drop whole.
CREATE TABLE IF NOT EXISTS raw_metric (
  unit        FixedString(16)                        CODEC(ZSTD(1)),
  metric      LowCardinality(String)                 CODEC(ZSTD(1)),
  ts          DateTime64(3, 'UTC')                   CODEC(T64, ZSTD(1)),
  event_id    UUID                                   CODEC(ZSTD(1)),
  value       Float64                                CODEC(ZSTD(1)),
  received_at DateTime64(3, 'UTC')                   CODEC(T64, ZSTD(1)),
  properties  Map(LowCardinality(String), String)    CODEC(ZSTD(1)),
  k_partition UInt16                                 CODEC(ZSTD(1)),
  k_offset    UInt64                                 CODEC(Delta, ZSTD(1))
) ENGINE = ReplacingMergeTree
PARTITION BY toDate(ts)
PRIMARY KEY (unit, metric) ORDER BY (unit, metric, ts, event_id)
TTL toDate(ts) + INTERVAL 90 DAY DELETE
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS raw_exposure (
  unit          FixedString(16)                     CODEC(ZSTD(1)),
  experiment_id LowCardinality(String)              CODEC(ZSTD(1)),
  variant       LowCardinality(String)              CODEC(ZSTD(1)),
  ts            DateTime64(3, 'UTC')                CODEC(T64, ZSTD(1)),
  event_id      UUID                                CODEC(ZSTD(1)),
  received_at   DateTime64(3, 'UTC')                CODEC(T64, ZSTD(1)),
  country       LowCardinality(String)              CODEC(ZSTD(1)),
  platform      LowCardinality(String)              CODEC(ZSTD(1)),
  device        LowCardinality(String)              CODEC(ZSTD(1)),
  context       Map(LowCardinality(String), String) CODEC(ZSTD(1)),
  k_partition   UInt16                              CODEC(ZSTD(1)),
  k_offset      UInt64                              CODEC(Delta, ZSTD(1))
) ENGINE = ReplacingMergeTree
PARTITION BY toDate(ts)
PRIMARY KEY (experiment_id, unit) ORDER BY (experiment_id, unit, ts, event_id)
TTL toDate(ts) + INTERVAL 90 DAY DELETE
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1;


-- What bears on the trust in a result, beside it. A diagnostic without a unit has sixteen zero bytes.
CREATE TABLE IF NOT EXISTS raw_diagnostic (
  experiment_id LowCardinality(String)                 CODEC(ZSTD(1)),
  name          LowCardinality(String)                 CODEC(ZSTD(1)),
  ts            DateTime64(3, 'UTC')                   CODEC(T64, ZSTD(1)),
  unit          FixedString(16)                        CODEC(ZSTD(1)),
  event_id      UUID                                   CODEC(ZSTD(1)),
  received_at   DateTime64(3, 'UTC')                   CODEC(T64, ZSTD(1)),
  properties    Map(LowCardinality(String), String)    CODEC(ZSTD(1)),
  k_partition   UInt16                                 CODEC(ZSTD(1)),
  k_offset      UInt64                                 CODEC(Delta, ZSTD(1))
) ENGINE = ReplacingMergeTree
PARTITION BY toDate(ts)
PRIMARY KEY (experiment_id, name) ORDER BY (experiment_id, name, ts, unit, event_id)
TTL toDate(ts) + INTERVAL 90 DAY DELETE
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1;
