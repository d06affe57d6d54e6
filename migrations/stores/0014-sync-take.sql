-- The sending half of a store that syncs with a remote: what waits is taken from the feed, numbered and sent until the remote
-- has answered. Every function here locks the remote's row first, then a lane, then rows in key order.

-- The state of the sync with a remote, which begins with this call when it is the first. `p_client` is the id to begin with. `awaits`:
-- something was sent and taken that has not been pulled yet, or the cursor is from before all history, which there was.
create function persist.sync_open(p_store text, p_remote text, p_client text)
returns table (client text, "cursor" text, "position" jsonb, resync text, last_mutation text, clock_ahead_ms text,
               generation int, awaits boolean)
language plpgsql as $$
begin
  perform 1 from persist.persist_sync_remotes m where m.store = p_store and m.remote = p_remote;
  if not found then
    insert into persist.persist_sync_remotes
      (store, remote, client, last_mutation, acknowledged, pushed, "position", generation, clock_ahead_ms, created_at)
    values (p_store, p_remote, p_client, 0, 0, '[]', '[]', 0, 0, clock_timestamp())
    on conflict (store, remote) do nothing;
  end if;
  return query
  select m.client, m.cursor, m.position, m.resync, m.last_mutation::text, m.clock_ahead_ms::text, m.generation,
         (m.epoch is not null and m.position = '[]' and m.cursor is not null)
         or exists (
           select 1 from persist.persist_sync_bases b where b.store = p_store and b.remote = p_remote and b.seq is not null)
  from persist.persist_sync_remotes m
  where m.store = p_store and m.remote = p_remote;
end $$;

-- The remote is another than the one that the events are from: which of them it has, it will say. All are to be sent, each with the place
-- that it had.
create function persist.sync_lose_events(p_store text, p_remote text)
returns void
language plpgsql as $$
begin
  update persist.persist_sync_bases b
  set lost_version = coalesce(b.lost_version, nullif(b.version, 0)), lane = null, seq = null
  where b.store = p_store and b.remote = p_remote and b.kind = 'event';
  insert into persist.persist_sync_bases
    (store, remote, kind, key, version, local_version, deleted, generation, lost_version)
  select p_store, p_remote, 'event', e.id, 0, e.version, false, 0, e.version
  from persist.persist_events e
  where e.store = p_store and e.origin = p_remote
  on conflict (store, remote, kind, key) do nothing;
  update persist.persist_events e set origin = null where e.store = p_store and e.origin = p_remote;
  -- It counts its streams anew.
  update persist.persist_event_streams s set pruned = s.pruned - p_remote where s.store = p_store and s.pruned ? p_remote;
end $$;

-- What the remote's head tells before anything is sent: how far this store's clock is ahead, where that was of matter before; and, for
-- one that only sends (`p_is_sender`), whether it is another history than the one that was sent to: then all of it waits again. `p_head`
-- is [[lane, seq], …] with seqs as text, null where the remote's head does not say. `p_client` is the next client id.
create function persist.sync_look(
  p_store text, p_remote text, p_epoch text, p_head text, p_server_time text, p_is_sender boolean, p_client text)
returns table (replaced boolean)
language plpgsql as $$
declare
  v_remote persist.persist_sync_remotes;
  v_head jsonb := p_head::jsonb;
  v_ahead bigint := greatest(0, floor(extract(epoch from clock_timestamp() - p_server_time::timestamptz) * 1000)::bigint);
begin
  replaced := false;
  select m.* into v_remote
  from persist.persist_sync_remotes m
  where m.store = p_store and m.remote = p_remote
  for update;
  -- The answer was on its way for a while: what is less than a minute is no wrong clock.
  if v_ahead < 60000 then
    v_ahead := 0;
  end if;
  if abs(v_ahead - v_remote.clock_ahead_ms) > 1000 then
    update persist.persist_sync_remotes m
    set clock_ahead_ms = v_ahead
    where m.store = p_store and m.remote = p_remote;
  end if;

  if p_is_sender then
    replaced := (v_remote.epoch is not null and v_remote.epoch is distinct from p_epoch) or (v_head is not null and exists (
      select 1
      from (
        select b.lane::int, max(b.seq) as seq
        from persist.persist_sync_bases b
        where b.store = p_store and b.remote = p_remote and b.seq is not null
        group by b.lane
        union all
        select (p.item->>0)::int, (p.item->>1)::bigint from jsonb_array_elements(v_remote.position) p(item)
      ) known
      left join jsonb_array_elements(v_head) h(item) on (h.item->>0)::int = known.lane
      where known.seq > coalesce((h.item->>1)::bigint, 0)));
  end if;
  if replaced then
    update persist.persist_sync_bases b
    set version = 0, value = null, lost_version = coalesce(b.lost_version, nullif(b.version, 0)), lane = null, seq = null,
        theirs = null, is_manual = false
    where b.store = p_store and b.remote = p_remote and b.kind <> 'event';
    perform persist.sync_lose_events(p_store, p_remote);
    perform persist.sync_rename(p_store, p_remote, v_remote.client, p_client);
    update persist.persist_sync_remotes m set "position" = '[]' where m.store = p_store and m.remote = p_remote;
  end if;
  if p_is_sender and v_remote.epoch is distinct from p_epoch then
    update persist.persist_sync_remotes m
    set epoch = p_epoch
    where m.store = p_store and m.remote = p_remote;
  end if;
  return next;
end $$;

-- A stamp without a counter and a node, from a time.
create function persist.hlc_of_time(p_store text, p_time timestamptz)
returns text
language plpgsql stable as $$
begin
  return lpad(greatest(0, floor(extract(epoch from p_time) * 1000))::bigint::text, 15, '0') || '-000000-';
end $$;

-- The stamp of a remote's change: its own, or from the time at which it was written there.
create function persist.hlc_of_change(p_store text, p_change jsonb)
returns text
language plpgsql stable as $$
begin
  return coalesce(p_change->>'hlc', persist.hlc_of_time(p_store, (p_change->>'updatedAt')::timestamptz));
end $$;

-- The stamp of an edit: the row's own where it has one, else from its time, and later than that of the state it was made on.
create function persist.hlc_of_edit(
  p_store text, p_hlc text, p_updated_at timestamptz, p_base_hlc text, p_ahead_ms bigint, p_node text)
returns text
language plpgsql stable as $$
declare
  v_wall bigint := greatest(0, floor(extract(epoch from p_updated_at) * 1000)::bigint - p_ahead_ms);
  v_base_wall bigint := left(p_base_hlc, 15)::bigint;
  v_counter bigint := 0;
begin
  if p_hlc is not null then
    return p_hlc;
  end if;
  if v_base_wall >= v_wall then
    v_wall := v_base_wall;
    v_counter := substr(p_base_hlc, 17, 6)::bigint + 1;
    if v_counter > 999999 then
      v_wall := v_wall + 1;
      v_counter := 0;
    end if;
  end if;
  return lpad(v_wall::text, 15, '0') || '-' || lpad(v_counter::text, 6, '0') || '-' || p_node;
end $$;

-- A push position from before the given places, [[lane, seq], …]: what stands there will be looked at again.
create function persist.sync_reconsider(p_store text, p_pushed jsonb, p_places jsonb)
returns jsonb
language plpgsql immutable as $$
begin
  return coalesce((
    select jsonb_agg(jsonb_build_array(
      (p.item->>0)::int, least((p.item->>1)::bigint, coalesce(l.seq, (p.item->>1)::bigint))::text)
      order by (p.item->>0)::int)
    from jsonb_array_elements(p_pushed) p(item)
    left join (
      select (x.item->>0)::int as lane, min((x.item->>1)::bigint) - 1 as seq
      from jsonb_array_elements(p_places) x(item)
      group by (x.item->>0)::int
    ) l on l.lane = (p.item->>0)::int), '[]');
end $$;

-- Up to `p_limit` mutations, about `p_max_bytes`, to send to a remote, numbered. While some are in flight it is those again, the
-- same as before. `status`: 'ok'; 'idle' (nothing waits, or a resync comes first); 'busy' (`p_owner` is not the one who is
-- sending, and the other's lease has not run out). `cursor` and `ack` go with the push.
--
-- The lanes are merged in an order that keeps the events of each stream in theirs, as in `event_feed`: by a time that never
-- falls within a lane. The rows that are passed are a prefix of every lane.
create function persist.sync_take(
  p_store text, p_remote text, p_owner text, p_lease_ms text, p_limit int, p_max_bytes int, p_scope text, p_with_hlc boolean)
returns table (status text, client text, "cursor" text, ack text, mutations jsonb, more boolean)
language plpgsql as $$
declare
  v_remote persist.persist_sync_remotes;
  v_now timestamptz := clock_timestamp();
  v_pushed jsonb;
  v_count bigint := 0;
begin
  status := 'idle';
  mutations := '[]';
  more := false;
  select m.* into v_remote
  from persist.persist_sync_remotes m
  where m.store = p_store and m.remote = p_remote
  for update;
  if v_remote.remote is null or v_remote.resync is not null then
    return next;
    return;
  end if;
  client := v_remote.client;
  "cursor" := v_remote.cursor;
  ack := v_remote.acknowledged::text;
  v_pushed := v_remote.pushed;

  select coalesce(jsonb_agg(q.payload order by q.mutation), '[]') into mutations
  from persist.persist_sync_queue q
  where q.store = p_store and q.remote = p_remote and q.status = 'in_flight';
  if mutations <> '[]' then
    if v_remote.lease_owner <> p_owner and v_remote.lease_until > v_now then
      status := 'busy';
      mutations := '[]';
      return next;
      return;
    end if;
    update persist.persist_sync_queue q
    set attempts = q.attempts + 1, updated_at = v_now
    where q.store = p_store and q.remote = p_remote and q.status = 'in_flight';
    status := 'ok';
    more := true;
  else
    loop
      with lanes as (
        select c.lane, c.seq as head, coalesce((k.item->>1)::bigint, 0) as known
        from persist.persist_sync_clock c
        left join jsonb_array_elements(v_pushed) k(item) on (k.item->>0)::int = c.lane
        where c.store = p_store
      ),
      -- One row more than can be taken tells whether there is more in the lane.
      found as (
        select l.lane, x.seq, 'record' as kind, x.key, x.version, x.deleted, x.value, null as encoding,
               null::timestamptz as expires_at, x.updated_at, x.hlc, null as stream, null as type, null::jsonb as metadata,
               null as origin, null::timestamptz as place
        from lanes l
        cross join lateral (
          select r.seq, r.key, r.version, r.deleted, r.value, r.updated_at,
                 case when r.hlc_version = r.version then r.hlc end as hlc
          from persist.persist_records r
          where r.store = p_store and r.lane = l.lane and r.seq > l.known
          order by r.seq
          limit p_limit + 1
        ) x
        where l.known < l.head
        union all
        select l.lane, x.seq, 'kv', x.key, x.version, x.deleted, x.value, x.encoding, x.expires_at, x.updated_at, x.hlc,
               null, null, null, null, null
        from lanes l
        cross join lateral (
          select e.seq, e.key, e.version, e.deleted, e.value, e.encoding, e.expires_at, e.updated_at,
                 case when e.hlc_version = e.version then e.hlc end as hlc
          from persist.persist_kv e
          where e.store = p_store and e.lane = l.lane and e.seq > l.known
          order by e.seq
          limit p_limit + 1
        ) x
        where l.known < l.head
        union all
        select l.lane, x.seq, 'event', x.id, x.version, false, x.payload, null, null, x.timestamp, null,
               x.stream, x.type, x.metadata, x.origin, coalesce(x.ordered_at, x.timestamp)
        from lanes l
        cross join lateral (
          select v.seq, v.id, v.version, v.payload, v.timestamp, v.stream, v.type, v.metadata, v.origin, v.ordered_at
          from persist.persist_events v
          where v.store = p_store and v.lane = l.lane and v.seq > l.known
          order by v.seq
          limit p_limit + 1
        ) x
        where l.known < l.head
      ),
      -- Where one table was cut, rows of the others that lie further on are not next to it.
      bounds as (
        select k.lane, min(k.last) as bound
        from (select f.lane, f.kind, max(f.seq) as last, count(*) as rows from found f group by f.lane, f.kind) k
        where k.rows > p_limit
        group by k.lane
      ),
      merged as (
        select p.*, row_number() over (order by p.reached nulls first, p.lane, p.seq) as nth
        from (
          select f.*, max(f.place) over (partition by f.lane order by f.seq) as reached
          from found f
          left join bounds b on b.lane = f.lane
          where b.bound is null or f.seq <= b.bound
        ) p
      ),
      -- `limit 1` makes this a look-up by key for each row, whatever the planner thinks of the size of the table.
      judged as (
        select m.*, coalesce(b.version, 0) as base, b.hlc as base_hlc,
               starts_with(coalesce(m.stream, m.key), p_scope) and f.mutation is null and case
                 when m.kind = 'event' then m.origin is distinct from p_remote
                 when b.version is null then not m.deleted
                 -- What was deleted and is lost altogether comes back only where another replica sends it.
                 else (b.local_version <> m.version or (b.lost_version is not null and not (b.deleted and b.version = 0)))
                      and b.theirs is null
               end as waits,
               b.lost_version + case when b.local_version = m.version then 0 else 1 end as lost_version,
               case when m.kind = 'event' then b.lost_version end as event_version,
               b.lost_version is not null and b.local_version = m.version and b.hlc is not null as keeps_stamp
        from merged m
        left join lateral (
          select k.version, k.local_version, k.hlc, k.theirs, k.lost_version, k.deleted
          from persist.persist_sync_bases k
          where k.store = p_store and k.remote = p_remote and k.kind = m.kind and k.key = m.key
          limit 1
        ) b on true
        -- What was rejected is not sent again as it is.
        left join lateral (
          select q.mutation
          from persist.persist_sync_queue q
          where q.store = p_store and q.remote = p_remote and q.kind = m.kind and q.key = m.key and q.status = 'failed'
            and (q.local_version = m.version or m.kind = 'event')
          limit 1
        ) f on true
        where m.nth <= p_limit
      ),
      worded as (
        select j.*,
               case when not j.waits then null
                 when j.kind = 'event' then jsonb_build_object('op', 'append', 'stream', j.stream, 'event',
                   jsonb_strip_nulls(jsonb_build_object('id', j.key, 'type', j.type))
                   || jsonb_build_object('payload', j.value)
                   || case when j.metadata is null then '{}'::jsonb else jsonb_build_object('metadata', j.metadata) end)
                   || jsonb_strip_nulls(jsonb_build_object('version', j.event_version))
                 else jsonb_build_object(
                     'op', case when j.kind = 'record' then case when j.deleted then 'delete' else 'put' end
                           else case when j.deleted then 'kv.delete' else 'kv.set' end end,
                     'key', j.key)
                   || case when j.deleted then '{}'::jsonb else jsonb_build_object('value', j.value) end
                   || case when j.kind = 'record' then jsonb_build_object('base', j.base) else '{}' end
                   || jsonb_strip_nulls(jsonb_build_object(
                     'version', j.lost_version,
                     'encoding', j.encoding,
                     'expiresAt', to_char(j.expires_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                     'hlc', case
                       when j.keeps_stamp then j.base_hlc
                       when p_with_hlc or j.kind = 'kv' then persist.hlc_of_edit(
                         p_store, j.hlc, j.updated_at, j.base_hlc, v_remote.clock_ahead_ms, v_remote.client)
                     end))
               end as body
        from judged j
      ),
      kept as (
        select k.*
        from (
          select w.lane, w.seq, w.kind, w.key, w.version, w.body, w.waits,
                 count(*) filter (where w.waits) over (order by w.nth) as number,
                 sum(octet_length(w.body::text) + 30) over (order by w.nth) as bytes
          from worded w
        ) k
        where k.number <= 1 or k.bytes <= p_max_bytes
      ),
      taken as (
        insert into persist.persist_sync_queue
          (store, remote, id, mutation, operation, kind, key, local_version, payload, status, attempts, created_at, updated_at)
        select p_store, p_remote, gen_random_uuid(), v_remote.last_mutation + k.number, k.body->>'op', k.kind, k.key, k.version,
               jsonb_build_object('id', v_remote.last_mutation + k.number) || k.body, 'in_flight', 1, v_now, v_now
        from kept k
        where k.waits
        returning mutation, payload
      )
      select jsonb_agg(jsonb_build_array(l.lane, s.seq::text) order by l.lane), bool_or(s.seq < l.head),
             (select coalesce(jsonb_agg(t.payload order by t.mutation), '[]') from taken t), (select count(*) from taken t)
      into v_pushed, more, mutations, v_count
      from lanes l
      left join (select f.lane, count(*) as rows from found f group by f.lane) f on f.lane = l.lane
      left join (select k.lane, count(*) as rows, max(k.seq) as last from kept k group by k.lane) k on k.lane = l.lane
      cross join lateral (
        select case when coalesce(f.rows, 0) = coalesce(k.rows, 0) then greatest(l.head, l.known)
                    else coalesce(k.last, l.known) end as seq
      ) s;
      more := coalesce(more, false);
      v_pushed := coalesce(v_pushed, '[]');
      exit when v_count > 0 or not more;
    end loop;
    if v_count > 0 then
      status := 'ok';
    end if;
  end if;

  if status = 'ok' or v_pushed <> v_remote.pushed then
    update persist.persist_sync_remotes m
    set pushed = v_pushed, last_mutation = m.last_mutation + v_count,
        lease_owner = p_owner, lease_until = v_now + p_lease_ms::double precision * interval '1 millisecond'
    where m.store = p_store and m.remote = p_remote;
  end if;
  return next;
end $$;

-- A new client id, after the remote has refused the present one: numbers begin again at 1, and what was in flight waits again.
create function persist.sync_rename(p_store text, p_remote text, p_client text, p_new_client text)
returns table (renamed boolean)
language plpgsql as $$
begin
  update persist.persist_sync_remotes m
  set client = p_new_client, last_mutation = 0, acknowledged = 0, pushed = '[]'
  where m.store = p_store and m.remote = p_remote and m.client = p_client;
  renamed := found;
  if renamed then
    delete from persist.persist_sync_queue q
    where q.store = p_store and q.remote = p_remote and q.status = 'in_flight';
  end if;
  return next;
end $$;

-- Ends the sync with a remote for good: what was known of it goes, with what could not be sent. A sync with it begins anew.
create function persist.sync_forget(p_store text, p_remote text)
returns table (forgotten boolean)
language plpgsql as $$
begin
  perform 1 from persist.persist_sync_remotes m where m.store = p_store and m.remote = p_remote for update;
  forgotten := found;
  delete from persist.persist_sync_queue q where q.store = p_store and q.remote = p_remote;
  delete from persist.persist_sync_bases b where b.store = p_store and b.remote = p_remote;
  update persist.persist_events e set origin = null where e.store = p_store and e.origin = p_remote;
  update persist.persist_event_streams s set pruned = s.pruned - p_remote where s.store = p_store and s.pruned ? p_remote;
  delete from persist.persist_sync_remotes m where m.store = p_store and m.remote = p_remote;
  return next;
end $$;
