-- `first.ts` would read the subcolumn before FINAL merges, and give any row's time: take it out of the merged tuple instead.
insert into experiment_unit_day_stage
-- units whose first exposure was on an earlier day: the whole day counts
select e.experiment_id, u.day, u.unit, 'post' as phase, u.`m.metric`, u.`m.sum`, u.`m.events`, u.`m.nonzero`
from unit_day as u
join (
  select experiment_id, unit from exposure final where tupleElement(first, 'ts') < toDateTime64(toDate('{day}'), 3, 'UTC')
) as e using (unit)
where u.day = '{day}'
union all
-- units whose first exposure was on this day: cut at its millisecond, from raw
select experiment_id, toDate('{day}'), unit, phase, groupArray(metric), groupArray(total), groupArray(events), groupArray(nonzero)
from (
  select e.experiment_id as experiment_id, r.unit as unit, if(r.ts >= e.exposed_at, 'post', 'pre') as phase, r.metric as metric,
    sum(r.value) as total, count()::UInt32 as events, countIf(r.value != 0)::UInt32 as nonzero
  from (select unit, metric, ts, value from raw_metric final where toDate(ts) = '{day}') as r
  join (
    select experiment_id, unit, tupleElement(first, 'ts') as exposed_at from exposure final where toDate(tupleElement(first, 'ts')) = '{day}'
  ) as e using (unit)
  group by experiment_id, unit, phase, metric
)
group by experiment_id, unit, phase
union all
-- the week before the first exposure: what the unit did before it could be influenced
select experiment_id, toDate('{day}'), unit, 'pre', groupArray(metric), groupArray(total), groupArray(events), groupArray(nonzero)
from (
  select e.experiment_id as experiment_id, r.unit as unit, r.metric as metric,
    sum(r.total) as total, sum(r.events)::UInt32 as events, sum(r.nonzero)::UInt32 as nonzero
  from (
    select unit, metric, total, events, nonzero
    from unit_day array join `m.metric` as metric, `m.sum` as total, `m.events` as events, `m.nonzero` as nonzero
    where day >= toDate('{day}') - {pre_days} and day < toDate('{day}')
  ) as r
  join (select experiment_id, unit from exposure final where toDate(tupleElement(first, 'ts')) = '{day}') as e using (unit)
  group by experiment_id, unit, metric
)
group by experiment_id, unit
settings do_not_merge_across_partitions_select_final = 1, optimize_functions_to_subcolumns = 0
