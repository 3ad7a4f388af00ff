-- Which experiment owns which buckets of a layer. Postgres itself refuses that two live owners overlap.

create extension if not exists btree_gist;

create table layer_range (
  id bigint generated always as identity constraint layer_range_pkey primary key,
  layer text not null constraint layer_range_layer_exists references layer (key),
  experiment text not null constraint layer_range_experiment_exists references experiment (key),
  span int4range not null
    constraint layer_range_within_buckets check (not isempty(span) and span <@ int4range(0, 10000)),
  taken_at timestamptz not null,
  released_at timestamptz,
  constraint layer_range_no_overlap exclude using gist (layer with =, span with &&) where (released_at is null)
);

create index layer_range_of_experiment on layer_range (experiment) where released_at is null;

-- A range is taken once and released once. It never moves, because moving it would move people.
create function layer_range_guard() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' or old.released_at is not null
    or (new.id, new.layer, new.experiment, new.span, new.taken_at)
       is distinct from (old.id, old.layer, old.experiment, old.span, old.taken_at) then
    raise exception 'a layer range never moves'
      using errcode = 'integrity_constraint_violation', constraint = 'layer_range_never_moves';
  end if;
  return new;
end $$;

create trigger layer_range_guard before update or delete on layer_range
  for each row execute function layer_range_guard();
create trigger layer_range_no_truncate before truncate on layer_range
  for each statement execute function refuse_change();
