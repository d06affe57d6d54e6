-- Profiles: one row per profile, an append-only log of what happened to it, and the look-up by user as a table of its own.
-- `pson.` stands for the schema and `pson_` for the table prefix that the application names. PostgreSQL 14 and newer.

-- `head_hash` is the hash of the newest audit entry: a log that was cut at its end no longer fits it.
create table pson.pson_profiles (
  profile_id text collate "C" not null,
  user_id text collate "C" not null,
  tenant_id text collate "C",
  revision int not null,
  document jsonb not null,
  head_hash text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (profile_id)
);

-- Entries of a profile count 1, 2, 3 … and outlive it: after a deletion the next save goes on with the numbers, in a new
-- `chain`. `entry_hash` covers the entry, the hash before it and `commitment`, which is the hash of `salt` and `payload`. So an
-- erased payload (null, with its salt) leaves a log that can still be verified, and cannot be guessed back from it.
-- `payload` holds what may be personal: the changed paths, who did it, in which request. `idempotency_key` is a hash, since
-- it stays: a save that is repeated after the deletion must not bring the profile back.
create table pson.pson_profile_audit (
  profile_id text collate "C" not null,
  entry bigint not null,
  chain int not null,
  revision int not null,
  action text not null,
  tenant_id text collate "C",
  idempotency_key text collate "C",
  recorded_at timestamptz not null,
  payload jsonb,
  salt text,
  commitment text not null,
  previous_hash text not null,
  entry_hash text not null,
  primary key (profile_id, entry)
);

create unique index pson_profile_audit_idempotency
on pson.pson_profile_audit (profile_id, idempotency_key)
where idempotency_key is not null;

create table pson.pson_domain_index (
  user_id text collate "C" not null,
  profile_id text collate "C" not null,
  tenant_id text collate "C",
  domains jsonb not null,
  added_at timestamptz not null,
  saved_at timestamptz not null,
  primary key (user_id, profile_id)
);

create index pson_domain_index_profile on pson.pson_domain_index (profile_id);

-- The log is append-only for every role, the owner's and a function's included: no delete, no truncate, and no update but
-- the erasure of a payload whose profile is gone.
create function pson.pson_guard_audit()
returns trigger
language plpgsql as $$
begin
  if tg_op = 'UPDATE' and new.payload is null and new.salt is null
     and (new.profile_id, new.entry, new.chain, new.revision, new.action, new.recorded_at, new.commitment,
          new.previous_hash, new.entry_hash)
       = (old.profile_id, old.entry, old.chain, old.revision, old.action, old.recorded_at, old.commitment,
          old.previous_hash, old.entry_hash)
     and new.tenant_id is not distinct from old.tenant_id
     and new.idempotency_key is not distinct from old.idempotency_key
     and not exists (select 1 from pson.pson_profiles p where p.profile_id = old.profile_id) then
    return new;
  end if;
  raise exception 'the audit log is append-only' using errcode = '42501';
end $$;

create trigger pson_profile_audit_guard
before update or delete on pson.pson_profile_audit
for each row execute function pson.pson_guard_audit();

create trigger pson_profile_audit_guard_truncate
before truncate on pson.pson_profile_audit
for each statement execute function pson.pson_guard_audit();

-- The tenant of this call, for row-level security: for the transaction only, so that it can never reach another client of a
-- pooler.
create function pson.pson_enter_tenant(p_tenant text)
returns void
language plpgsql as $$
begin
  perform set_config('onetrip.tenant_id', coalesce(p_tenant, ''), true);
end $$;

-- One writer per profile at a time, also for a profile that is not there (yet, or any more). Prefixes share these locks.
create function pson.pson_lock_profile(p_profile_id text)
returns void
language plpgsql as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('onetrip profile ' || p_profile_id, 0));
end $$;
