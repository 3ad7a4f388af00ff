-- What the builder has done: for each experiment the pass and the definition that its statistics were built from.
create table if not exists experiment_build (
  experiment_id String,
  definition    String,
  pass          UInt64,
  built_at      DateTime64(3, 'UTC'),
  as_of         DateTime64(3, 'UTC')
) engine = ReplacingMergeTree(as_of) order by experiment_id
