-- What the results API reads: sufficient statistics of one experiment, one partition each, swapped whole.
-- A row is what its day adds: the sum over days up to d is the statistic as of the end of day d, also for squares and products.
-- `variant` is null for units that were seen in more than one variant; they are counted here and nowhere else.
create table if not exists experiment_stats (
  experiment_id LowCardinality(String),
  dimension     LowCardinality(String),
  value         LowCardinality(String),
  day           Date,
  variant       LowCardinality(Nullable(String)),
  units         UInt64,
  `m.metric`    Array(LowCardinality(String)),
  `m.converted` Array(UInt64),
  `m.y`         Array(Float64),
  `m.yy`        Array(Float64),
  `m.x`         Array(Float64),
  `m.xx`        Array(Float64),
  `m.xy`        Array(Float64)
) engine = MergeTree partition by experiment_id order by (dimension, value, day)
