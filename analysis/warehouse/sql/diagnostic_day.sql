insert into diagnostic_day_stage
select experiment_id, toDate('{day}') as day, name, count() as events
from raw_diagnostic final
where toDate(ts) = '{day}'
group by experiment_id, name
settings do_not_merge_across_partitions_select_final = 1
