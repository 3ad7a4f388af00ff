-- From a committed change to the edges: outbox row, bundle, and how far each target has got.

-- One row for each environment; whoever holds its lock makes the next bundle.
create table environment (
  key text constraint environment_pkey primary key
    constraint environment_key_form check (key ~ '^[a-z][a-z0-9_.-]{0,63}$'),
  last_error text
);

create table publish_outbox (
  id bigint generated always as identity constraint publish_outbox_pkey primary key,
  environment text not null constraint publish_outbox_environment_exists references environment (key),
  kind text not null,
  key text not null,
  version bigint not null,
  at timestamptz not null,
  constraint publish_outbox_of_a_version foreign key (kind, key, version) references resource_version (kind, key, version)
);

create index publish_outbox_of_environment on publish_outbox (environment);

create table bundle (
  environment text not null constraint bundle_environment_exists references environment (key),
  version bigint not null constraint bundle_version_from_one check (version >= 1),
  sha256 bytea not null constraint bundle_sha256 check (octet_length(sha256) = 32),
  bytes bytea not null,
  pointer bytea not null,
  not_before_ms bigint not null,
  content_sha256 bytea not null,
  public_key bytea not null,
  created_at timestamptz not null,
  constraint bundle_pkey primary key (environment, version)
);

create trigger bundle_append_only before update or delete on bundle
  for each row execute function refuse_change();
create trigger bundle_no_truncate before truncate on bundle
  for each statement execute function refuse_change();

-- How far a target has got: bundle written, read back and verified, pointer moved.
create table publish_target (
  environment text not null constraint publish_target_environment_exists references environment (key),
  target text not null,
  written_version bigint not null default 0,
  verified_version bigint not null default 0,
  live_version bigint not null default 0,
  live_at timestamptz,
  attempts integer not null default 0,
  next_attempt_at timestamptz not null,
  last_error text,
  lease_owner text,
  lease_until timestamptz,
  updated_at timestamptz not null,
  constraint publish_target_pkey primary key (environment, target),
  constraint publish_target_in_order check (live_version <= verified_version and verified_version <= written_version)
);
