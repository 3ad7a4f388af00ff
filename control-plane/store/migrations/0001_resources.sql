-- Resources: each has a row for what it is now and a row for every version it ever had.

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% rows are written once', tg_table_name
    using errcode = 'integrity_constraint_violation', constraint = tg_table_name || '_append_only';
end $$;

create table resource_version (
  kind text not null constraint resource_version_kind check (kind in ('experiment', 'layer', 'api_key')),
  key text not null,
  version bigint not null constraint resource_version_from_one check (version >= 1),
  snapshot jsonb not null,
  sha256 bytea not null constraint resource_version_sha256 check (octet_length(sha256) = 32),
  action text not null,
  actor text not null,
  actor_name text not null,
  reason text,
  request_id text not null,
  at timestamptz not null,
  constraint resource_version_pkey primary key (kind, key, version)
);

create trigger resource_version_append_only before update or delete on resource_version
  for each row execute function refuse_change();
create trigger resource_version_no_truncate before truncate on resource_version
  for each statement execute function refuse_change();

create table layer (
  key text constraint layer_pkey primary key
    constraint layer_key_form check (key ~ '^[a-z][a-z0-9_.-]{0,63}$'),
  version bigint not null constraint layer_version_from_one check (version >= 1),
  unit text not null,
  created_at timestamptz not null
);

create table experiment (
  key text constraint experiment_pkey primary key
    constraint experiment_key_form check (key ~ '^[a-z][a-z0-9_.-]{0,63}$' and key not in ('layer', 'holdout')),
  version bigint not null constraint experiment_version_from_one check (version >= 1),
  phase text not null
    constraint experiment_phase check (phase in ('draft', 'running', 'paused', 'completed', 'archived')),
  layer text constraint experiment_layer_exists references layer (key),
  spec jsonb not null,
  status jsonb not null,
  created_at timestamptz not null,
  updated_at timestamptz not null
);

create index experiment_newest_first on experiment (created_at desc, key desc);

-- Keys that were served once: the key is the salt, so using it again would bring the old split back.
create table retired_key (
  key text constraint retired_key_pkey primary key,
  retired_at timestamptz not null
);

create trigger retired_key_append_only before update or delete on retired_key
  for each row execute function refuse_change();
create trigger retired_key_no_truncate before truncate on retired_key
  for each statement execute function refuse_change();

create function experiment_guard() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    -- A key that is still there is refused by the primary key, as taken.
    if exists (select from retired_key where retired_key.key = new.key)
      and not exists (select from experiment where experiment.key = new.key) then
      raise exception 'key % was served before', new.key
        using errcode = 'unique_violation', constraint = 'experiment_key_retired';
    end if;
  else
    if new.key <> old.key then
      raise exception 'the key of an experiment never changes'
        using errcode = 'integrity_constraint_violation', constraint = 'experiment_key_immutable';
    end if;
    if new.version <> old.version + 1 then
      raise exception 'version % follows %', new.version, old.version
        using errcode = 'integrity_constraint_violation', constraint = 'experiment_versions_count_up';
    end if;
  end if;
  if new.phase = 'running' then
    insert into retired_key (key, retired_at) values (new.key, new.updated_at) on conflict do nothing;
  end if;
  return new;
end $$;

create trigger experiment_guard before insert or update on experiment
  for each row execute function experiment_guard();
