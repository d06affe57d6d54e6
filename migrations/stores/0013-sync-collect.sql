-- Collecting tombstones, by the place where a lane has its oldest.

create index persist_records_tombstones on persist.persist_records (store, lane, updated_at) where deleted;
create index persist_kv_tombstones on persist.persist_kv (store, lane, updated_at) where deleted;

-- Deletes tombstones of records and kv of the age `p_before_ms` and older, in milliseconds: up to `p_limit` of each kind, of one
-- lane, which other writers avoid meanwhile. The lane's floor rises to the highest seq that went, so a replica that has not read
-- so far is told to begin again. Nothing goes that a remote of this store has not got.
--
-- `more` asks for another call; without it there was nothing left to do, but for lanes of transactions that are still open: those
-- are left for the next time, for nobody knows how long they stay. `lane` is the one that was worked on, or null.
create function persist.sync_collect(p_store text, p_before_ms text, p_limit int)
returns table (collected int, lane int, more boolean)
language plpgsql as $$
declare
  v_before timestamptz := clock_timestamp() - p_before_ms::double precision * interval '1 millisecond';
  v_lane smallint;
  v_records text[];
  v_entries text[];
  v_count int;
  v_highest bigint;
  v_floor bigint := 0;
begin
  collected := 0;
  more := false;
  -- The steps of a sync with a remote hold its row first, and so does this: it takes away what they build on.
  perform 1
  from persist.persist_sync_remotes m
  where m.store = p_store
  order by m.remote
  for update;

  for v_lane in
    select c.lane from persist.persist_sync_clock c where c.store = p_store order by c.lane
  loop
    perform 1
    from persist.persist_records r
    where r.store = p_store and r.lane = v_lane and r.deleted and r.updated_at <= v_before
    limit 1;
    if not found then
      perform 1
      from persist.persist_kv e
      where e.store = p_store and e.lane = v_lane and e.deleted and e.updated_at <= v_before
      limit 1;
      continue when not found;
    end if;

    perform 1
    from persist.persist_sync_clock c
    where c.store = p_store and c.lane = v_lane
    for update skip locked;
    continue when not found;
    -- A row that somebody writes is about to leave the lane: it is left to him, and nobody waits here with a row in hand.
    v_records := array(
      select r.key
      from persist.persist_records r
      where r.store = p_store and r.lane = v_lane and r.deleted and r.updated_at <= v_before
        and not exists (
          select 1
          from persist.persist_sync_remotes m
          left join persist.persist_sync_bases b
            on b.store = p_store and b.remote = m.remote and b.kind = 'record' and b.key = r.key
          where m.store = p_store and case
            -- Nobody there ever heard of it, unless it is on its way.
            when b.key is null then exists (
              select 1
              from persist.persist_sync_queue q
              where q.store = p_store and q.remote = m.remote and q.kind = 'record' and q.key = r.key and q.status = 'in_flight')
            else b.local_version <> r.version or b.lost_version is not null or b.theirs is not null
          end)
      order by r.updated_at
      limit p_limit
      for update of r skip locked);
    v_entries := array(
      select e.key
      from persist.persist_kv e
      where e.store = p_store and e.lane = v_lane and e.deleted and e.updated_at <= v_before
        and not exists (
          select 1
          from persist.persist_sync_remotes m
          left join persist.persist_sync_bases b
            on b.store = p_store and b.remote = m.remote and b.kind = 'kv' and b.key = e.key
          where m.store = p_store and case
            -- Nobody there ever heard of it, unless it is on its way.
            when b.key is null then exists (
              select 1
              from persist.persist_sync_queue q
              where q.store = p_store and q.remote = m.remote and q.kind = 'kv' and q.key = e.key and q.status = 'in_flight')
            else b.local_version <> e.version or b.lost_version is not null or b.theirs is not null
          end)
      order by e.updated_at
      limit p_limit
      for update of e skip locked);
    continue when v_records = '{}' and v_entries = '{}';

    with gone as (
      delete from persist.persist_records r
      where r.store = p_store and r.key = any(v_records)
      returning r.seq
    )
    select count(*), max(g.seq) into v_count, v_highest from gone g;
    collected := collected + v_count;
    v_floor := greatest(v_floor, v_highest);
    with gone as (
      delete from persist.persist_kv e
      where e.store = p_store and e.key = any(v_entries)
      returning e.seq
    )
    select count(*), max(g.seq) into v_count, v_highest from gone g;
    collected := collected + v_count;
    v_floor := greatest(v_floor, v_highest);

    update persist.persist_sync_clock c
    set floor = greatest(c.floor, v_floor)
    where c.store = p_store and c.lane = v_lane;
    delete from persist.persist_sync_bases b
    where b.store = p_store
      and ((b.kind = 'record' and b.key = any(v_records)) or (b.kind = 'kv' and b.key = any(v_entries)));
    lane := v_lane;
    more := true;
    exit;
  end loop;
  return next;
end $$;
