-- `first.ts` would read the subcolumn before FINAL merges, and give any row's time: take it out of the merged tuple instead.
insert into experiment_stats_stage
with
exposed as (
  select unit, toDate(tupleElement(first, 'ts')) as exposed_on, if(variant_min = variant_max, toNullable(variant_min::String), null) as variant,
    tupleElement(first, 'country') as country, tupleElement(first, 'platform') as platform, tupleElement(first, 'device') as device
  from exposure final
  where experiment_id = {key}{exposed_until}
),
-- One row a unit: its totals of the week before, and its days in their order.
history as (
  select unit{before}, arraySort(entry -> entry.1, groupArrayIf((day{entry}), phase = 'post')) as days
  from (
    select unit, day, phase{of_day}
    from experiment_unit_day where experiment_id = {key} and (phase = 'pre' or {after_until})
  )
  group by unit
),
-- What each day adds to the statistics, by every combination of attributes: a unit's days begin with that of its exposure.
-- Cutting by one attribute after that is cheap.
added as (
  select variant, country, platform, device, day, sum(is_exposure) as units{adds}
  from (
    select variant, country, platform, device{covariates},
      arrayPushFront(days.1, exposed_on) as all_days, arrayPushFront(arrayMap(entry -> 0, days), 1) as exposures{arrays}
    from exposed left join history using (unit)
  )
  array join all_days as day, exposures as is_exposure{joined}
  group by variant, country, platform, device, day
)
select {key},
  multiIf(grouping(country) = 0, 'country', grouping(platform) = 0, 'platform', grouping(device) = 0, 'device', 'all') as dimension,
  concat(country, platform, device) as value, day, variant, sum(units),
  {statistics}
from added
group by grouping sets ((variant, day), (variant, day, country), (variant, day, platform), (variant, day, device))
settings optimize_functions_to_subcolumns = 0
