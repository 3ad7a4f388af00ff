-- What the builder has done: for each day the newest raw block that its roll-ups contain. 0 stands for a table without rows of that day: block numbers begin at 1.
create table if not exists day_build (
  day        Date,
  metric     UInt64,
  exposure   UInt64,
  diagnostic UInt64,
  pass       UInt64
) engine = ReplacingMergeTree(pass) order by day
