-- Look-ups by key stay look-ups, whatever a session saw first.
--
-- Where two indexes promise to cost the same, PostgreSQL takes the younger one; and while a table is small and was never analysed, every
-- index that begins with store promises the same. A session keeps the plan that it made then, and through the index of the feed a
-- look-up is a scan of the whole store. So the primary keys, by which every write looks something up, are made the youngest.

alter table persist.persist_records
  drop constraint persist_records_pkey,
  add constraint persist_records_pkey primary key (store, key);
alter table persist.persist_kv
  drop constraint persist_kv_pkey,
  add constraint persist_kv_pkey primary key (store, key);
alter table persist.persist_events
  drop constraint persist_events_pkey,
  add constraint persist_events_pkey primary key (store, id);

-- As in 0007. `offset 0` makes the id that is looked up a plain value: an expression would make the index on it cost a little more than
-- the others. The last event of the stream is looked for in an order that only the index by stream has.
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
    from (
      select x.item, x.item->>0 as id, x.ordinality
      from jsonb_array_elements(v_events) with ordinality x(item, ordinality)
      offset 0
    ) a
    cross join lateral (
      select k.id, k.stream, k.version, k.type, k.payload, k.metadata, k.timestamp
      from persist.persist_events k
      where k.store = p_store and k.id = a.id
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
     where e.store = p_store and e.stream = p_stream and e.version >= v_head
     order by e.version
     limit 1)
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
    from (
      select x.item, x.item->>0 as id, x.ordinality
      from jsonb_array_elements(v_events) with ordinality x(item, ordinality)
      offset 0
    ) a
    left join lateral (
      select k.id from persist.persist_events k where k.store = p_store and k.id = a.id limit 1
    ) e on true
    where e.id is null
  ) n;
  update persist.persist_event_streams s
  set version = s.version + v_count - v_known
  where s.store = p_store and s.stream = p_stream;

  return query
  select case when e.version > v_head then 'applied' else 'duplicate' end, e.id, e.version::text,
         to_char(e.timestamp at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
  from (
    select x.item, x.item->>0 as id, x.ordinality
    from jsonb_array_elements(v_events) with ordinality x(item, ordinality)
    offset 0
  ) a
  cross join lateral (
    select k.id, k.version, k.timestamp from persist.persist_events k where k.store = p_store and k.id = a.id limit 1
  ) e
  order by a.ordinality;
end $$;
