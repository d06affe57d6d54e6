-- Appends events to one stream, all or none, with consecutive versions. `p_events` is a JSON array of
-- [id, payload, type | null, metadata | null]. `p_expected` is null, 'absent', 'present' or a version in decimal.
--
-- An event whose id is there already, in the same stream and with the same content, is the same event: it is returned as
-- it is and nothing is written, whatever was expected. That makes a repeated append harmless after a lost reply.
--
-- One row per event, in order: `status` 'applied' or 'duplicate'. Or one row alone: 'conflict', or 'id-conflict' with the id
-- that belongs to another event; both with the stream's version, 0 when there is no stream.
create function persist.event_append(p_store text, p_stream text, p_events text, p_expected text)
returns table (status text, id text, version text, "timestamp" text)
language plpgsql as $$
declare
  v_events jsonb := p_events::jsonb;
  v_count bigint := jsonb_array_length(v_events);
  v_known bigint;
  v_foreign text;
  v_head bigint;
  v_lane smallint;
  v_seq bigint;
  v_now timestamptz;
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

    select count(*), min(e.id) filter (
      where e.stream <> p_stream or e.payload <> a.item->1
         or e.type is distinct from a.item->>2
         or coalesce(e.metadata, 'null') <> coalesce(a.item->3, 'null'))
    into v_known, v_foreign
    from jsonb_array_elements(v_events) a(item)
    join persist.persist_events e on e.store = p_store and e.id = a.item->>0;

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
    exit when v_known = v_count;
  end loop;

  if v_known < v_count then
    if (p_expected = 'absent' and v_head > 0) or (p_expected = 'present' and v_head = 0)
       or (p_expected not in ('absent', 'present') and p_expected <> v_head::text) then
      status := 'conflict';
      version := v_head::text;
      return next;
      return;
    end if;

    v_now := clock_timestamp();
    insert into persist.persist_events (store, id, stream, version, type, payload, metadata, timestamp, lane, seq)
    select p_store, n.item->>0, p_stream, v_head + n.position, n.item->>2, n.item->1, nullif(n.item->3, 'null'), v_now,
           v_lane, v_seq - v_count + n.position
    from (
      select a.item, row_number() over (order by a.ordinality) as position
      from jsonb_array_elements(v_events) with ordinality a(item, ordinality)
      where not exists (
        select 1 from persist.persist_events e where e.store = p_store and e.id = a.item->>0)
    ) n;
    update persist.persist_event_streams s
    set version = s.version + v_count - v_known
    where s.store = p_store and s.stream = p_stream;
  end if;

  return query
  select case when e.version > v_head then 'applied' else 'duplicate' end, e.id, e.version::text,
         to_char(e.timestamp at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
  from jsonb_array_elements(v_events) with ordinality a(item, ordinality)
  join persist.persist_events e on e.store = p_store and e.id = a.item->>0
  order by a.ordinality;
end $$;
