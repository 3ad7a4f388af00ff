-- Who did what. Each row holds the hash of the one before, so that a gap or a change is visible.

create table audit (
  id bigint constraint audit_pkey primary key constraint audit_id_from_one check (id >= 1),
  at timestamptz not null,
  actor text not null,
  actor_name text not null,
  action text not null,
  kind text not null,
  key text not null,
  from_version bigint,
  to_version bigint not null,
  reason text,
  request_id text not null,
  snapshot_sha256 bytea not null,
  previous_hash bytea not null constraint audit_previous_hash check (octet_length(previous_hash) = 32),
  hash bytea not null constraint audit_hash_unique unique constraint audit_hash check (octet_length(hash) = 32),
  constraint audit_of_a_version foreign key (kind, key, to_version) references resource_version (kind, key, version)
);

create trigger audit_append_only before update or delete on audit
  for each row execute function refuse_change();
create trigger audit_no_truncate before truncate on audit
  for each statement execute function refuse_change();
