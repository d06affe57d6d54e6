-- Tables of the stores and of sync. `persist.` stands for the schema that the application names.
--
-- Rules that hold for every table and function here, so that the same SQL also runs on Citus, distributed by store:
-- `store text collate "C"` leads every key; no triggers, no identity or serial columns; keys compare by byte.

-- The clock of the change feed: one row per lane of a store. `seq` is the last number the lane gave out; `floor` the
-- number up to which tombstones may have been collected; `epoch` changes when history was replaced (restore, branch).
-- A low fillfactor keeps these hot rows updatable in place.
create table persist.persist_sync_clock (
  store text collate "C" not null,
  lane smallint not null,
  seq bigint not null,
  floor bigint not null default 0,
  epoch uuid not null,
  primary key (store, lane)
) with (fillfactor = 10);

-- A deleted record stays as a tombstone: its version must never go back, and replicas must hear of it.
create table persist.persist_records (
  store text collate "C" not null,
  key text collate "C" not null,
  value jsonb,
  version bigint not null,
  updated_at timestamptz not null,
  deleted boolean not null,
  lane smallint not null,
  seq bigint not null,
  by_client text collate "C",
  by_mutation bigint,
  primary key (store, key),
  check (deleted = (value is null))
) with (fillfactor = 80);

create index persist_records_feed on persist.persist_records (store, lane, seq);

-- The head of each stream. Its row is the lock under which events get consecutive versions, and it outlives pruning.
create table persist.persist_event_streams (
  store text collate "C" not null,
  stream text collate "C" not null,
  version bigint not null,
  primary key (store, stream)
) with (fillfactor = 50);

create table persist.persist_events (
  store text collate "C" not null,
  id text collate "C" not null,
  stream text collate "C" not null,
  version bigint not null,
  type text,
  payload jsonb not null,
  metadata jsonb,
  timestamp timestamptz not null,
  lane smallint not null,
  seq bigint not null,
  primary key (store, id)
);

create unique index persist_events_stream on persist.persist_events (store, stream, version);
create index persist_events_feed on persist.persist_events (store, lane, seq);

-- `expires_at` is judged by the database's clock; an expired entry is absent for every reader at the same moment.
create table persist.persist_kv (
  store text collate "C" not null,
  key text collate "C" not null,
  value jsonb,
  encoding text,
  version bigint not null,
  expires_at timestamptz,
  updated_at timestamptz not null,
  deleted boolean not null,
  lane smallint not null,
  seq bigint not null,
  primary key (store, key),
  check (deleted = (value is null))
) with (fillfactor = 80);

create index persist_kv_feed on persist.persist_kv (store, lane, seq);

-- One row per device: the last mutation that was taken from it. Its row lock makes pushes of one client queue up.
create table persist.persist_sync_clients (
  store text collate "C" not null,
  client text collate "C" not null,
  principal text collate "C" not null,
  last_mutation bigint not null,
  updated_at timestamptz not null,
  primary key (store, client)
) with (fillfactor = 50);

-- Outcomes of mutations that were not applied, kept so that a repeated push gets the same answer.
create table persist.persist_sync_outcomes (
  store text collate "C" not null,
  client text collate "C" not null,
  mutation bigint not null,
  outcome jsonb not null,
  primary key (store, client, mutation)
);

-- Takes `p_count` consecutive numbers on the first lane that nobody holds. The lane's row stays locked until commit, so
-- within a lane commit order is the order of numbers, and a reader that goes by (lane, seq) cannot skip a row. When every
-- lane is held a new one is opened, up to 64; after that the writer waits for one of them.
-- Returns the lane and the last of the numbers. (A result named `lane` would make `on conflict (store, lane)` ambiguous.)
create function persist.take_lane(p_store text, p_count bigint, out taken_lane smallint, out last_seq bigint)
language plpgsql as $$
declare
  v_lanes bigint;
  v_epoch uuid;
begin
  select c.lane into taken_lane
  from persist.persist_sync_clock c
  where c.store = p_store
  order by c.lane
  limit 1
  for update skip locked;

  if found then
    update persist.persist_sync_clock c
    set seq = c.seq + p_count
    where c.store = p_store and c.lane = taken_lane
    returning c.seq into last_seq;
    return;
  end if;

  select count(*) into v_lanes from persist.persist_sync_clock c where c.store = p_store;
  taken_lane := case when v_lanes < 64 then v_lanes else floor(random() * 64) end;
  select c.epoch into v_epoch from persist.persist_sync_clock c where c.store = p_store and c.lane = 0;
  v_epoch := coalesce(v_epoch, gen_random_uuid());

  insert into persist.persist_sync_clock as c (store, lane, seq, epoch)
  values (p_store, taken_lane, p_count, v_epoch)
  on conflict (store, lane) do update set seq = c.seq + excluded.seq
  returning c.seq into last_seq;
end $$;
