-- One row per unit and day with its metrics as arrays. Rebuilt whole: stage, then replace partition.
create table if not exists unit_day (
  day          Date                          codec(ZSTD(1)),
  unit         FixedString(16)               codec(ZSTD(1)),
  `m.metric`   Array(LowCardinality(String)) codec(ZSTD(1)),
  `m.sum`      Array(Float64)                codec(ZSTD(1)),
  `m.events`   Array(UInt32)                 codec(ZSTD(1)),
  `m.nonzero`  Array(UInt32)                 codec(ZSTD(1))
) engine = MergeTree partition by day order by unit
ttl day + interval 2 year delete settings ttl_only_drop_parts = 1
