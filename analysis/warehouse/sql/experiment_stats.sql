-- `first.ts` would read the subcolumn before FINAL merges, and give any row's time: take it out of the merged tuple instead.
insert into experiment_stats_stage
with
exposed as (
  select unit, toDate(tupleElement(first, 'ts')) as day, if(variant_min = variant_max, toNullable(variant_min::String), null) as variant,
    tupleElement(first, 'country') as country, tupleElement(first, 'platform') as platform, tupleElement(first, 'device') as device
  from exposure final
  where experiment_id = {key}{exposed_until}
),
before as (
  select unit{before}
  from experiment_unit_day where experiment_id = {key} and phase = 'pre'
  group by unit
),
after as (
  select unit, day{day_adds}
  from (
    select unit, day{of_day}
    from experiment_unit_day where experiment_id = {key} and phase = 'post'{after_until}
  )
  window so_far as (partition by unit order by day rows between unbounded preceding and current row)
),
added as (
  select variant, country, platform, device, exposed.day as day, 1 as units{from_exposure}
  from exposed left join before using (unit)
  union all
  select variant, country, platform, device, after.day as day, 0 as units{from_day}
  from after join exposed using (unit) left join before using (unit)
)
select {key},
  multiIf(grouping(country) = 0, 'country', grouping(platform) = 0, 'platform', grouping(device) = 0, 'device', 'all') as dimension,
  concat(country, platform, device) as value, day, variant, sum(units),
  {statistics}
from added
group by grouping sets ((variant, day), (variant, day, country), (variant, day, platform), (variant, day, device))
settings optimize_functions_to_subcolumns = 0
