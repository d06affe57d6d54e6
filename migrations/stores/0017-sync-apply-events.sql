-- The events of a page.

-- The events of a page. They take the places that the remote gave them; events of this store that the remote has not placed yet come
-- after them, in the order in which they were appended.
create function persist.sync_apply_events(p_store text, p_remote text, p_changes jsonb)
returns table (written int, unchanged int)
language plpgsql as $$
declare
  v_changes jsonb := (
    select jsonb_agg(c.item order by c.item->>'stream' collate "C", (c.item->>'version')::bigint)
    from jsonb_array_elements(p_changes) c(item)
    where c.item->>'kind' = 'event');
  v_given bigint;
  v_ids text[];
  v_streams text[];
  v_moving text[];
  v_places jsonb;
  v_known bigint;
  v_lane smallint;
  v_last_seq bigint;
  v_now timestamptz;
  v_stream text;
  v_count bigint;
  v_head bigint;
begin
  written := 0;
  unchanged := 0;
  if v_changes is null then
    return next;
    return;
  end if;
  unchanged := jsonb_array_length(v_changes);
  if exists (
    select 1
    from jsonb_array_elements(v_changes) c(item)
    join persist.persist_event_streams s on s.store = p_store and s.stream = c.item->>'stream' and s.pruned ? p_remote) then
    -- What was pruned here stays away.
    select jsonb_agg(c.item order by c.place) into v_changes
    from jsonb_array_elements(v_changes) with ordinality c(item, place)
    left join persist.persist_event_streams s on s.store = p_store and s.stream = c.item->>'stream'
    where coalesce((c.item->>'version')::bigint > (s.pruned->>p_remote)::bigint, true)
      or exists (select 1 from persist.persist_events e where e.store = p_store and e.id = c.item->>'id');
    if v_changes is null then
      return next;
      return;
    end if;
  end if;
  select array_agg(c.item->>'id'), array_agg(distinct (c.item->>'stream') collate "C") into v_ids, v_streams
  from jsonb_array_elements(v_changes) c(item);

  select jsonb_object_agg(c.item->>'id', jsonb_build_array(c.item->'version', c.place)) into v_places
  from jsonb_array_elements(v_changes) with ordinality c(item, place);
  select count(*) into v_known
  from persist.persist_events e
  where e.store = p_store and e.id = any(v_ids) and e.origin is not null and e.version = (v_places->e.id->>0)::bigint;
  v_given := jsonb_array_length(v_changes);
  -- What was sent from here has come back.
  delete from persist.persist_sync_bases b
  where b.store = p_store and b.remote = p_remote and b.kind = 'event' and b.key = any(v_ids);
  if v_known = v_given then
    return next;
    return;
  end if;

  select t.taken_lane, t.last_seq into v_lane, v_last_seq from persist.take_lane(p_store, v_given) t;
  insert into persist.persist_event_streams (store, stream, version)
  select p_store, s.stream, 0 from unnest(v_streams) s(stream) order by s.stream
  on conflict (store, stream) do nothing;
  perform 1
  from persist.persist_event_streams s
  where s.store = p_store and s.stream = any(v_streams)
  order by s.stream
  for update;

  -- Streams in which somebody stands in the way: another event in the same place, or the same event in another place.
  v_moving := array(
    select distinct c.item->>'stream' collate "C"
    from jsonb_array_elements(v_changes) c(item)
    left join lateral (
      select e.id
      from persist.persist_events e
      where e.store = p_store and e.stream = c.item->>'stream' and e.version = (c.item->>'version')::bigint
      limit 1
    ) there on true
    left join lateral (
      select e.version
      from persist.persist_events e
      where e.store = p_store and e.id = c.item->>'id' and e.stream = c.item->>'stream'
      limit 1
    ) own on true
    where there.id <> c.item->>'id' or own.version <> (c.item->>'version')::bigint
    order by 1);
  if v_moving <> '{}' then
    -- An event that the remote had placed where it now has another is not there any more: it is ours again, to be sent.
    update persist.persist_events e
    set version = -e.version, origin = case when e.origin = p_remote and e.id <> all(v_ids) then null else e.origin end
    where e.store = p_store and e.stream = any(v_moving) and e.version > 0
      and (e.origin is distinct from p_remote or e.id = any(v_ids) or e.version = any(array(
        select (c.item->>'version')::bigint from jsonb_array_elements(v_changes) c(item) where c.item->>'stream' = e.stream)));
  end if;

  v_now := clock_timestamp();
  select greatest(v_now, max(b.ordered_at)) into v_now
  from (
    (select e.ordered_at from persist.persist_events e where e.store = p_store and e.lane = v_lane order by e.seq desc limit 1)
    union all
    (select max(h.ordered_at)
     from unnest(v_streams) s(stream)
     cross join lateral (
       select coalesce(e.ordered_at, e.timestamp) as ordered_at
       from persist.persist_events e
       where e.store = p_store and e.stream = s.stream
       order by e.version desc
       limit 1
     ) h)
  ) b(ordered_at);

  with placed as (
    insert into persist.persist_events as e
      (store, id, stream, version, type, payload, metadata, timestamp, ordered_at, lane, seq, origin)
    select p_store, c.item->>'id', c.item->>'stream', (c.item->>'version')::bigint, c.item->>'type', c.item->'payload',
           c.item->'metadata', (c.item->>'timestamp')::timestamptz, v_now + c.place * interval '1 microsecond', v_lane,
           v_last_seq - v_given + c.place, p_remote
    from jsonb_array_elements(v_changes) with ordinality c(item, place)
    order by (c.item->>'id') collate "C"
    on conflict (store, id) do nothing
    returning e.id
  )
  select count(*) into written from placed p;

  -- The others are known by their ids. One that keeps its place is not news to those who read this store's feed.
  update persist.persist_events e
  set version = (v_places->e.id->>0)::bigint, origin = p_remote,
      lane = case when e.version < 0 then v_lane else e.lane end,
      seq = case when e.version < 0 then v_last_seq - v_given + (v_places->e.id->>1)::bigint else e.seq end
  where e.store = p_store and e.id = any(v_ids) and e.stream = any(v_streams) and (e.origin is null or e.version < 0);

  foreach v_stream in array v_moving loop
    select count(*) into v_count
    from persist.persist_events e
    where e.store = p_store and e.stream = v_stream and e.version < 0;
    continue when v_count = 0;
    select t.taken_lane, t.last_seq into v_lane, v_last_seq from persist.take_lane(p_store, v_count) t;
    select max(e.version) into v_head from persist.persist_events e where e.store = p_store and e.stream = v_stream;
    update persist.persist_events e
    set version = greatest(v_head, 0) + o.place, lane = v_lane, seq = v_last_seq - v_count + o.place,
        ordered_at = v_now + (v_given + o.place) * interval '1 microsecond'
    from (
      select k.id, row_number() over (order by k.version desc) as place
      from persist.persist_events k
      where k.store = p_store and k.stream = v_stream and k.version < 0
    ) o
    where e.store = p_store and e.id = o.id;
  end loop;

  update persist.persist_event_streams s
  set version = greatest(s.version, h.version)
  from (
    select k.stream, max(k.version) as version
    from unnest(v_streams) s(stream)
    cross join lateral (
      select e.stream, e.version
      from persist.persist_events e
      where e.store = p_store and e.stream = s.stream
      order by e.version desc
      limit 1
    ) k
    group by k.stream
  ) h
  where s.store = p_store and s.stream = h.stream and s.stream = any(v_streams);
  unchanged := unchanged - written;
  return next;
end $$;
