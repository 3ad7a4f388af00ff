-- API keys: only the hash is kept, so that a copy of the database lets nobody in.

create table api_key (
  id text constraint api_key_pkey primary key,
  version bigint not null constraint api_key_version_from_one check (version >= 1),
  name text not null,
  role text not null constraint api_key_role check (role in ('viewer', 'admin')),
  sha256 bytea not null constraint api_key_sha256 check (octet_length(sha256) = 32),
  created_at timestamptz not null,
  created_by text not null,
  revoked_at timestamptz,
  last_used_at timestamptz
);

-- What a POST with an Idempotency-Key did, written in the transaction that did it.
create table idempotency (
  principal text not null,
  idempotency_key text not null,
  request_sha256 bytea not null,
  kind text not null,
  key text not null,
  version bigint not null,
  at timestamptz not null,
  constraint idempotency_once primary key (principal, idempotency_key),
  constraint idempotency_of_a_version foreign key (kind, key, version) references resource_version (kind, key, version)
);

create index idempotency_by_age on idempotency (at);
