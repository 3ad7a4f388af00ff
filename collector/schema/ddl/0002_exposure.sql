-- First exposure, what was seen at it, and whether more than one variant was seen. min and max are idempotent: repeats cannot hurt.
-- min over a tuple that begins with (ts, event_id) is a deterministic argMin.
-- Read an element as tupleElement(first, 'ts'): the subcolumn first.ts is read without the aggregation, and is wrong.
CREATE TABLE IF NOT EXISTS exposure (
  experiment_id LowCardinality(String) CODEC(ZSTD(1)),
  unit          FixedString(16)        CODEC(ZSTD(1)),
  first         SimpleAggregateFunction(min, Tuple(ts DateTime64(3, 'UTC'), event_id UUID, variant String, country String, platform String, device String)) CODEC(ZSTD(1)),
  variant_min   SimpleAggregateFunction(min, LowCardinality(String)) CODEC(ZSTD(1)),
  variant_max   SimpleAggregateFunction(max, LowCardinality(String)) CODEC(ZSTD(1))
) ENGINE = AggregatingMergeTree ORDER BY (experiment_id, unit)
TTL toDate(first.ts) + INTERVAL 2 YEAR DELETE
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS exposure_mv TO exposure AS
SELECT experiment_id, unit,
  min((ts, event_id, variant::String, country::String, platform::String, device::String)) AS first,
  min(variant) AS variant_min, max(variant) AS variant_max
FROM raw_exposure GROUP BY experiment_id, unit;
