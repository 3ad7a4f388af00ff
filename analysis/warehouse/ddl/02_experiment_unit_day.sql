-- The same, joined to the experiments that each unit is in and cut to the millisecond at its first exposure.
-- Rows of the phase 'pre' carry what a unit did in the week before, and on the day of its first exposure until then.
create table if not exists experiment_unit_day (
  experiment_id LowCardinality(String)        codec(ZSTD(1)),
  day           Date                          codec(ZSTD(1)),
  unit          FixedString(16)               codec(ZSTD(1)),
  phase         Enum8('pre' = 0, 'post' = 1)  codec(ZSTD(1)),
  `m.metric`    Array(LowCardinality(String)) codec(ZSTD(1)),
  `m.sum`       Array(Float64)                codec(ZSTD(1)),
  `m.events`    Array(UInt32)                 codec(ZSTD(1)),
  `m.nonzero`   Array(UInt32)                 codec(ZSTD(1))
) engine = MergeTree partition by day order by (experiment_id, unit, phase)
ttl day + interval 2 year delete settings ttl_only_drop_parts = 1
