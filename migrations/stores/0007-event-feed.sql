-- Reading events across streams, and pruning them.

-- The place of an event in that order: its time, raised where needed above that of the event before it in its stream, and
-- not below that of the event before it in its lane. So it never falls, in a stream and in a lane, whatever the clock did;
-- `timestamp` stays what the clock said. Null for events that were written before this column, or not by `event_append`:
-- they are ordered by `timestamp`.
alter table persist.persist_events add column ordered_at timestamptz;

-- Appends events to one stream, all or none, with consecutive versions. `p_events` is a JSON array of
-- [id, payload, type | null, metadata | null]. `p_expected` is null, 'absent', 'present' or a version in decimal.
--
-- An event whose id is there already, in the same stream and with the same content, is the same event: it is returned as
-- it is and nothing is written, whatever was expected. That makes a repeated append harmless after a lost reply.
--
-- One row per event, in order: `status` 'applied' or 'duplicate'. Or one row alone: 'conflict', or 'id-conflict' with the id
-- that belongs to another event; both with the stream's version, 0 when there is no stream.
create or replace function persist.event_append(p_store text, p_stream text, p_events text, p_expected text)
returns table (status text, id text, version text, "timestamp" text)
language plpgsql as $$
declare
  v_events jsonb := p_events::jsonb;
  v_count bigint := jsonb_array_length(v_events);
  v_known bigint;
  v_foreign text;
  v_answers jsonb;
  v_head bigint;
  v_lane smallint;
  v_seq bigint;
  v_now timestamptz;
  v_ordered_at timestamptz;
  v_attempt int;
begin
  -- First look without a lock: an append that is a mere repetition must not move the feed. Second look with the stream's
  -- row held: now the answer is final.
  for v_attempt in 1..2 loop
    if v_attempt = 2 then
      select t.taken_lane, t.last_seq into v_lane, v_seq from persist.take_lane(p_store, v_count) t;
      insert into persist.persist_event_streams as s (store, stream, version)
      values (p_store, p_stream, 0)
      on conflict (store, stream) do nothing;
      select s.version into v_head
      from persist.persist_event_streams s
      where s.store = p_store and s.stream = p_stream
      for update;
    end if;

    -- `limit 1` makes this a look-up by id for each event. As a join it may be planned as a scan of all events: a session
    -- that met the table when it was small keeps that plan.
    -- The answers are read together with the count: a prune may take the events away before the next statement.
    select count(*), min(e.id) filter (
      where e.stream <> p_stream or e.payload <> a.item->1
         or e.type is distinct from a.item->>2
         or coalesce(e.metadata, 'null') <> coalesce(a.item->3, 'null')),
      jsonb_agg(jsonb_build_array(
        e.id, e.version, to_char(e.timestamp at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')) order by a.ordinality)
    into v_known, v_foreign, v_answers
    from jsonb_array_elements(v_events) with ordinality a(item, ordinality)
    cross join lateral (
      select k.id, k.stream, k.version, k.type, k.payload, k.metadata, k.timestamp
      from persist.persist_events k
      where k.store = p_store and k.id = a.item->>0
      limit 1
    ) e;

    if v_foreign is not null then
      status := 'id-conflict';
      event_append.id := v_foreign;
      select s.version into v_head
      from persist.persist_event_streams s
      where s.store = p_store and s.stream = p_stream;
      version := coalesce(v_head, 0)::text;
      return next;
      return;
    end if;
    if v_known = v_count then
      return query
      select 'duplicate', x.answer->>0, x.answer->>1, x.answer->>2
      from jsonb_array_elements(v_answers) with ordinality x(answer, place)
      order by x.place;
      return;
    end if;
  end loop;

  if (p_expected = 'absent' and v_head > 0) or (p_expected = 'present' and v_head = 0)
     or (p_expected not in ('absent', 'present') and p_expected <> v_head::text) then
    status := 'conflict';
    version := v_head::text;
    return next;
    return;
  end if;

  v_now := clock_timestamp();
  select greatest(v_now, max(b.ordered_at)) into v_ordered_at
  from (
    (select coalesce(e.ordered_at, e.timestamp) + interval '1 microsecond'
     from persist.persist_events e
     where e.store = p_store and e.stream = p_stream and e.version = v_head)
    union all
    (select coalesce(e.ordered_at, e.timestamp)
     from persist.persist_events e
     where e.store = p_store and e.lane = v_lane
     order by e.seq desc
     limit 1)
  ) b(ordered_at);

  insert into persist.persist_events
    (store, id, stream, version, type, payload, metadata, timestamp, ordered_at, lane, seq)
  select p_store, n.item->>0, p_stream, v_head + n.position, n.item->>2, n.item->1, nullif(n.item->3, 'null'), v_now,
         v_ordered_at, v_lane, v_seq - v_count + n.position
  from (
    select a.item, row_number() over (order by a.ordinality) as position
    from jsonb_array_elements(v_events) with ordinality a(item, ordinality)
    left join lateral (
      select k.id from persist.persist_events k where k.store = p_store and k.id = a.item->>0 limit 1
    ) e on true
    where e.id is null
  ) n;
  update persist.persist_event_streams s
  set version = s.version + v_count - v_known
  where s.store = p_store and s.stream = p_stream;

  return query
  select case when e.version > v_head then 'applied' else 'duplicate' end, e.id, e.version::text,
         to_char(e.timestamp at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
  from jsonb_array_elements(v_events) with ordinality a(item, ordinality)
  cross join lateral (
    select k.id, k.version, k.timestamp from persist.persist_events k where k.store = p_store and k.id = a.item->>0 limit 1
  ) e
  order by a.ordinality;
end $$;

-- One page of the events of all streams after a cursor. `p_epoch` is null for a reader that starts from nothing, else the
-- epoch of its cursor; `p_cursor` is a JSON array of [lane, seq]. A page ends after `p_limit` events or about 4 MiB, and holds
-- one event at least.
--
-- One row: `status` 'ok', or 'resync' with `why` ('epoch', 'rewind'). `position` is the new cursor, [[lane, seq], …] with seqs as
-- text; `events` a JSON array; `more` says that the page was cut. The floor of a lane is of no matter here: it tells of
-- tombstones, and events have none.
--
-- Nothing can be skipped: of each lane a page takes a prefix of what lies behind the cursor, in the order of seq, and within
-- a lane that is the order of commits. So whatever commits later lies behind the new cursor, whatever order the lanes are
-- merged in. The merge goes by a key that never falls within a lane (a running maximum, also over rows that came from
-- elsewhere): only then are the first rows of the merged order a prefix of every lane.
create function persist.event_feed(p_store text, p_epoch text, p_cursor text, p_limit int)
returns table (status text, why text, epoch text, "position" jsonb, events jsonb, more boolean)
language plpgsql stable as $$
declare
  v_cursor jsonb := p_cursor::jsonb;
  v_page_bytes constant bigint := 4194304;
begin
  -- A lane that the cursor knows and the clock does not: history was replaced by an older one.
  select min(c.epoch::text),
         case when p_epoch is not null then
           case
             when bool_or(c.epoch::text <> p_epoch) then 'epoch'
             when bool_or((k.item->>1)::bigint > c.seq) or count(k.item) < jsonb_array_length(v_cursor) then 'rewind'
           end
         end
  into epoch, why
  from persist.persist_sync_clock c
  left join jsonb_array_elements(v_cursor) k(item) on (k.item->>0)::int = c.lane
  where c.store = p_store;
  if why is not null then
    status := 'resync';
    return next;
    return;
  end if;

  with lanes as (
    select c.lane, c.seq as head, coalesce((k.item->>1)::bigint, 0) as known
    from persist.persist_sync_clock c
    left join jsonb_array_elements(v_cursor) k(item) on (k.item->>0)::int = c.lane
    where c.store = p_store
  ),
  -- One row more than fits tells whether the lane is done.
  candidates as (
    select l.lane, e.seq, e.id, max(coalesce(e.ordered_at, e.timestamp)) over (partition by l.lane order by e.seq) as place
    from lanes l
    cross join lateral (
      select n.seq, n.id, n.ordered_at, n.timestamp
      from persist.persist_events n
      where n.store = p_store and n.lane = l.lane and n.seq > l.known
      order by n.seq
      limit p_limit + 1
    ) e
    where l.known < l.head
  ),
  nearest as (
    select c.lane, c.seq, c.id, row_number() over (order by c.place, c.lane, c.seq) as nth
    from candidates c
    order by nth
    limit p_limit
  ),
  -- `limit 1` as in event_append: a look-up for each event of the page, never a scan of all.
  measured as (
    select n.nth, n.lane, n.seq,
           sum(octet_length(e.payload::text) + coalesce(octet_length(e.metadata::text), 0)) over (order by n.nth) as bytes,
           jsonb_build_object(
             'id', e.id, 'stream', e.stream, 'version', e.version, 'type', e.type, 'payload', e.payload,
             'metadata', e.metadata,
             'timestamp', to_char(e.timestamp at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')) as event
    from nearest n
    cross join lateral (
      select k.id, k.stream, k.version, k.type, k.payload, k.metadata, k.timestamp
      from persist.persist_events k
      where k.store = p_store and k.id = n.id
      limit 1
    ) e
  ),
  page as (
    select m.nth, m.lane, m.seq, m.event from measured m where m.nth = 1 or m.bytes <= v_page_bytes
  ),
  progress as (
    select l.lane, l.head, l.known, t.seq as taken, coalesce(s.seq > coalesce(t.seq, 0), false) as is_cut
    from lanes l
    left join (select p.lane, max(p.seq) as seq from page p group by p.lane) t on t.lane = l.lane
    left join (select c.lane, max(c.seq) as seq from candidates c group by c.lane) s on s.lane = l.lane
  )
  select coalesce(jsonb_agg(jsonb_build_array(
           g.lane, (case when g.is_cut then coalesce(g.taken, g.known) else g.head end)::text) order by g.lane), '[]'),
         coalesce(bool_or(g.is_cut), false),
         (select coalesce(jsonb_agg(p.event order by p.nth), '[]') from page p)
  into "position", more, events
  from progress g;
  status := 'ok';
  return next;
end $$;

-- Deletes events from the old end of streams: those that are older than `p_before`, up to the first that is not, and not
-- among the newest `p_keep` of their stream; null sets no condition. `p_stream` null means every stream. At most `p_limit`
-- events, so that no call holds its locks for long. A stream's version stays, and replicas are not told.
create function persist.event_prune(p_store text, p_stream text, p_before text, p_keep text, p_limit int)
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
      delete from persist.persist_events e
      where e.store = p_store and e.stream = v_stream.stream and e.version <= v_to;
      get diagnostics v_found = row_count;
      pruned := pruned + v_found;
      exit when pruned >= p_limit;
    end if;
  end loop;
  return next;
end $$;
