-- How a sync stands, and what could not be sent.

-- How the sync with a remote stands. Counts as text; `oldest_pending_at` is the time of the oldest edit that the remote has not
-- taken. No row when there never was a sync with it.
create function persist.sync_status(p_store text, p_remote text)
returns table (pending text, in_flight text, failed text, conflicts text, last_mutation text, "cursor" text, resync text,
               pulled_at text, pushed_at text, oldest_pending_at text)
language plpgsql stable as $$
declare
  v_remote persist.persist_sync_remotes;
  v_pending bigint;
  v_in_flight bigint;
  v_failed bigint;
  v_conflicts bigint;
  v_oldest timestamptz;
  v_oldest_sent timestamptz;
begin
  select m.* into v_remote from persist.persist_sync_remotes m where m.store = p_store and m.remote = p_remote;
  if not found then
    return;
  end if;
  select count(*) filter (where q.status = 'in_flight'), count(*) filter (where q.status = 'failed'),
         min(q.created_at) filter (where q.status = 'in_flight')
  into v_in_flight, v_failed, v_oldest_sent
  from persist.persist_sync_queue q
  where q.store = p_store and q.remote = p_remote;
  select count(*) into v_conflicts
  from persist.persist_sync_bases b
  where b.store = p_store and b.remote = p_remote and b.theirs is not null and b.is_manual;

  with lanes as (
    select c.lane, coalesce((k.item->>1)::bigint, 0) as known
    from persist.persist_sync_clock c
    left join jsonb_array_elements(v_remote.pushed) k(item) on (k.item->>0)::int = c.lane
    where c.store = p_store
  ),
  states as (
    select 'record' as kind, r.key, r.version, r.deleted, r.updated_at
    from lanes l
    join persist.persist_records r on r.store = p_store and r.lane = l.lane and r.seq > l.known
    union all
    select 'kv', e.key, e.version, e.deleted, e.updated_at
    from lanes l
    join persist.persist_kv e on e.store = p_store and e.lane = l.lane and e.seq > l.known
  ),
  waiting as (
    select s.updated_at
    from states s
    -- `limit 1` makes these look-ups by key, whatever the planner thinks of the size of the tables.
    left join lateral (
      select k.local_version, k.theirs, k.lost_version, k.deleted, k.version
      from persist.persist_sync_bases k
      where k.store = p_store and k.remote = p_remote and k.kind = s.kind and k.key = s.key
      limit 1
    ) b on true
    left join lateral (
      select q.local_version
      from persist.persist_sync_queue q
      where q.store = p_store and q.remote = p_remote and q.kind = s.kind and q.key = s.key and q.local_version = s.version
      limit 1
    ) f on true
    where case when b.local_version is null then not s.deleted else (b.local_version <> s.version or (b.lost_version is not null and not (b.deleted and b.version = 0)))
               and b.theirs is null end
      and f.local_version is null
    union all
    select null::timestamptz
    from persist.persist_sync_bases t
    where t.store = p_store and t.remote = p_remote and t.theirs is not null and not t.is_manual
    union all
    select v.timestamp
    from lanes l
    join persist.persist_events v on v.store = p_store and v.lane = l.lane and v.seq > l.known
    where v.origin is distinct from p_remote and not exists (
      select 1
      from persist.persist_sync_queue q
      where q.store = p_store and q.remote = p_remote and q.kind = 'event' and q.key = v.id)
  )
  select count(*), min(w.updated_at) into v_pending, v_oldest from waiting w;

  pending := v_pending::text;
  in_flight := v_in_flight::text;
  failed := v_failed::text;
  conflicts := v_conflicts::text;
  last_mutation := v_remote.last_mutation::text;
  "cursor" := v_remote.cursor;
  resync := v_remote.resync;
  pulled_at := to_char(v_remote.pulled_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
  pushed_at := to_char(v_remote.pushed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
  oldest_pending_at := to_char(least(v_oldest, v_oldest_sent) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
  return next;
end $$;

-- Dead letters, the oldest first.
create function persist.sync_failed(p_store text, p_remote text, p_limit int)
returns table (id text, operation text, kind text, key text, payload jsonb, reason text, attempts int, created_at text)
language plpgsql stable as $$
begin
  return query
  select q.id::text, q.operation, q.kind, q.key, q.payload, q.reason, q.attempts,
         to_char(q.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
  from persist.persist_sync_queue q
  where q.store = p_store and q.remote = p_remote and q.status = 'failed'
  order by q.created_at, q.mutation, q.id
  limit p_limit;
end $$;

-- Dead letters to be sent again: `p_ids` is a JSON array of their ids, null for all. What they hold becomes an edit of today, made on
-- what the remote has now.
create function persist.sync_redrive(p_store text, p_remote text, p_ids text)
returns table (redriven int)
language plpgsql as $$
declare
  v_item record;
  v_local record;
  v_places jsonb := '[]';
begin
  redriven := 0;
  perform 1 from persist.persist_sync_remotes m where m.store = p_store and m.remote = p_remote for update;
  perform t.taken_lane from persist.take_lane(p_store, 0) t;
  for v_item in
    select q.id, q.kind, q.key, q.operation, q.payload
    from persist.persist_sync_queue q
    where q.store = p_store and q.remote = p_remote and q.status = 'failed'
      and (p_ids is null or q.id::text = any(array(select jsonb_array_elements_text(p_ids::jsonb))))
    order by q.kind = 'kv', q.key, q.created_at
  loop
    redriven := redriven + 1;
    delete from persist.persist_sync_queue q where q.store = p_store and q.remote = p_remote and q.id = v_item.id;
    if v_item.kind <> 'event' then
      select l.* into v_local from persist.sync_local(p_store, v_item.kind, v_item.key) l;
      if v_local.value is distinct from v_item.payload->'value'
         or v_local.encoding is distinct from v_item.payload->>'encoding' then
        perform w.local_version
        from persist.sync_write(p_store, v_item.kind, v_item.key,
          case when v_item.operation in ('delete', 'kv.delete') then '{"deleted": true}'
               else jsonb_strip_nulls(jsonb_build_object('encoding', v_item.payload->'encoding', 'expiresAt', v_item.payload->'expiresAt'))
                 || jsonb_build_object('value', v_item.payload->'value') end) w;
        update persist.persist_records r
        set hlc = null
        where r.store = p_store and v_item.kind = 'record' and r.key = v_item.key;
        update persist.persist_kv e
        set hlc = null
        where e.store = p_store and v_item.kind = 'kv' and e.key = v_item.key;
      end if;
    end if;
    v_places := v_places || coalesce(persist.sync_place(p_store, v_item.kind, v_item.key), '[]');
  end loop;
  update persist.persist_sync_remotes m
  set pushed = persist.sync_reconsider(p_store, m.pushed, v_places)
  where m.store = p_store and m.remote = p_remote;
  return next;
end $$;
