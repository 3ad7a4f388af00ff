insert into unit_day_stage
select toDate('{day}') as day, unit, groupArray(metric), groupArray(total), groupArray(events), groupArray(nonzero)
from (
  select unit, metric, sum(value) as total, count()::UInt32 as events, countIf(value != 0)::UInt32 as nonzero
  from raw_metric final
  where toDate(ts) = '{day}'
  group by unit, metric
)
group by unit
settings do_not_merge_across_partitions_select_final = 1, optimize_aggregation_in_order = 1
