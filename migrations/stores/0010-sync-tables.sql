-- What sync needs beside the stores' own rows: stamps of a hybrid logical clock, who sent what, and the state of a replica that
-- syncs with a remote.

-- The stamp of the write that made `hlc_version`. A write that has none raises the version and leaves both columns as they
-- are: a stamp counts only while `hlc_version` is the row's version.
alter table persist.persist_records add column hlc text collate "C", add column hlc_version bigint;
alter table persist.persist_kv add column hlc text collate "C", add column hlc_version bigint;

-- The remote from which an event was pulled, null for one that was appended here: an event is not sent back to where it is from.
alter table persist.persist_events add column origin text collate "C";

-- {remote: version, …}: up to where events that were pulled from it have been pruned here. They do not come back when all is pulled again.
alter table persist.persist_event_streams add column pruned jsonb not null default '{}';

-- `acknowledged` is the last mutation whose result the client says it has; it never falls. `recent` holds a digest of each
-- mutation of the last push, [[id, md5], …]: a copy of the client that numbers other mutations the same way is told apart.
alter table persist.persist_sync_clients add column acknowledged bigint not null default 0, add column recent jsonb;

-- One row per remote that a store syncs with. Its lock makes the steps of one sync queue up, in whichever process they run.
--
-- The feed is the outbox: what lies behind `pushed` ([[lane, seq], …] of this store's own clock) and differs from its base is
-- waiting to be sent, whoever wrote it. So a write and its place in the queue commit together, and cost one row.
create table persist.persist_sync_remotes (
  store text collate "C" not null,
  remote text collate "C" not null,
  client text collate "C" not null,
  last_mutation bigint not null,
  acknowledged bigint not null,
  pushed jsonb not null,
  cursor text,
  "position" jsonb not null,
  -- That of the history which was read, null before there was any: a cursor from before it is good in every history.
  epoch text,
  generation int not null,
  resync text,
  -- How far this store's clock is ahead of the remote's, where the remote has refused a stamp for it.
  clock_ahead_ms bigint not null,
  lease_owner text collate "C",
  lease_until timestamptz,
  pulled_at timestamptz,
  pushed_at timestamptz,
  created_at timestamptz not null,
  primary key (store, remote)
) with (fillfactor = 50);

-- What the remote has of each key, as far as this store knows. A row of the store is in step with it while its version is
-- `local_version`; any other version is an edit that the remote has not got.
--
-- `version` is the remote's, 0 when it has nothing, and `hlc` the stamp of its state. `lane` and `seq` are those of a push that was
-- taken and has not been pulled yet, else null. `lost_version`: the remote had the row as it is at `local_version`, under that version, and
-- has lost it in a restore. Of an event that may have been lost it is the place in its stream, and the row is gone once it is there.
-- While a row is at `local_version` it is sent again with its old version and stamp, so that of several replicas that have kept
-- something the latest wins.
-- `value` is kept where a merge needs it. `theirs` is a change of the remote that met an edit and waits to be decided, as it came
-- over the wire; `is_manual` says that a person decides.
create table persist.persist_sync_bases (
  store text collate "C" not null,
  remote text collate "C" not null,
  kind text collate "C" not null,
  key text collate "C" not null,
  version bigint not null,
  local_version bigint not null,
  deleted boolean not null,
  hlc text collate "C",
  value jsonb,
  lane smallint,
  seq bigint,
  generation int not null,
  lost_version bigint,
  theirs jsonb,
  is_manual boolean not null default false,
  primary key (store, remote, kind, key)
) with (fillfactor = 80);

create index persist_sync_bases_theirs on persist.persist_sync_bases (store, remote, kind, key) where theirs is not null;

create index persist_sync_bases_pushed on persist.persist_sync_bases (store, remote, lane, seq) where seq is not null;

-- Mutations that were taken from the feed. `payload` is the mutation as it is sent, each time the same.
--
-- status: `in_flight` (sent, or about to be; the answer is not known) or `failed` (a dead letter, with `reason`). What the remote
-- has taken is done and leaves the queue.
create table persist.persist_sync_queue (
  store text collate "C" not null,
  remote text collate "C" not null,
  id uuid not null,
  mutation bigint not null,
  operation text not null,
  kind text collate "C" not null,
  key text collate "C" not null,
  local_version bigint not null,
  payload jsonb not null,
  status text collate "C" not null,
  reason text,
  attempts int not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (store, remote, id),
  check (status in ('in_flight', 'failed'))
) with (fillfactor = 80);

create index persist_sync_queue_status on persist.persist_sync_queue (store, remote, status, mutation);
create index persist_sync_queue_key on persist.persist_sync_queue (store, remote, kind, key);

-- As in 0007, and notes what was pruned of a remote's events.
create or replace function persist.event_prune(p_store text, p_stream text, p_before text, p_keep text, p_limit int)
returns table (pruned int)
language plpgsql as $$
declare
  v_before timestamptz := coalesce(p_before::timestamptz, 'infinity');
  v_keep bigint := coalesce(p_keep::bigint, 0);
  v_stream record;
  v_event record;
  v_to bigint;
  v_found int;
begin
  pruned := 0;
  for v_stream in
    select s.stream, s.version
    from persist.persist_event_streams s
    where s.store = p_store and (p_stream is null or s.stream = p_stream) and s.version > v_keep
    order by s.stream
  loop
    v_to := null;
    v_found := 0;
    for v_event in
      select e.version, e.timestamp
      from persist.persist_events e
      where e.store = p_store and e.stream = v_stream.stream and e.version <= v_stream.version - v_keep
      order by e.version
      limit p_limit - pruned
    loop
      exit when v_event.timestamp >= v_before;
      v_to := v_event.version;
    end loop;

    if v_to is not null then
      -- An append that repeats an id must find all of its events or none: it holds the same row.
      perform 1
      from persist.persist_event_streams s
      where s.store = p_store and s.stream = v_stream.stream
      for update;
      with gone as (
        delete from persist.persist_events e
        where e.store = p_store and e.stream = v_stream.stream and e.version <= v_to
        returning e.version, e.origin
      ),
      placed as (
        select g.origin, max(g.version) as version from gone g where g.origin is not null group by g.origin
      ),
      noted as (
        update persist.persist_event_streams s
        set pruned = s.pruned || (select jsonb_object_agg(p.origin, p.version) from placed p)
        where s.store = p_store and s.stream = v_stream.stream and exists (select 1 from placed p)
      )
      select count(*) into v_found from gone g;
      pruned := pruned + v_found;
      exit when pruned >= p_limit;
    end if;
  end loop;
  return next;
end $$;

-- As in 0008, but in a store that syncs with a remote a row always stays as a tombstone: written again it would begin at the version
-- that was sent before, and pass for what the remote has.
create or replace function persist.kv_sweep(p_store text, p_limit int)
returns table (swept int)
language plpgsql as $$
declare
  v_now timestamptz := clock_timestamp();
  v_keys text[];
begin
  v_keys := array(
    select e.key
    from persist.persist_kv e
    where e.store = p_store and e.expires_at <= v_now
    order by e.expires_at
    limit p_limit
    for update skip locked);
  delete from persist.persist_kv e
  where e.store = p_store and e.key = any(v_keys) and e.version = 1 and e.expires_at <= v_now
    and not exists (select 1 from persist.persist_sync_remotes m where m.store = p_store);
  -- It was over when its life was, and no later write than it ever was: it keeps the stamp of the write.
  update persist.persist_kv e
  set value = null, encoding = null, expires_at = null, updated_at = e.expires_at, deleted = true,
      hlc = case when e.hlc_version = e.version then e.hlc else persist.hlc_of_time(p_store, e.updated_at) end,
      hlc_version = e.version
  where e.store = p_store and e.key = any(v_keys) and e.expires_at <= v_now;
  swept := cardinality(v_keys);
  return next;
end $$;
