-- Diagnostics by experiment, name and day; raw diagnostics live 90 days, an experiment longer.
create table if not exists diagnostic_day (
  experiment_id LowCardinality(String) codec(ZSTD(1)),
  day           Date                   codec(ZSTD(1)),
  name          LowCardinality(String) codec(ZSTD(1)),
  events        UInt64                 codec(ZSTD(1))
) engine = MergeTree partition by day order by (experiment_id, name)
ttl day + interval 2 year delete settings ttl_only_drop_parts = 1
