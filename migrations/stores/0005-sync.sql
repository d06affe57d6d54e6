-- One page of changes after a cursor. `p_epoch` is null for a reader that starts from nothing, else the epoch of its cursor;
-- `p_cursor` is a JSON array of [lane, seq]. One snapshot for the clock and the rows.
--
-- One row: `status` 'ok', or 'resync' with `why` ('epoch', 'rewind', 'floor'). `position` is the new cursor and `head` the
-- clock, both [[lane, seq], …] with seqs as text. `changes` is a JSON array; `more` says that the page was cut.
create function persist.sync_pull(p_store text, p_epoch text, p_cursor text, p_limit int, p_max_bytes int)
returns table (status text, why text, epoch text, "position" jsonb, head jsonb, changes jsonb, more boolean)
language plpgsql stable as $$
declare
  v_lane record;
  v_from bigint;
  v_to bigint;
  v_page jsonb;
  v_rows int;
  v_found int;
  v_bytes bigint;
  v_left int := p_limit;
  v_left_bytes bigint := p_max_bytes;
  v_lanes_known int := 0;
begin
  status := 'ok';
  "position" := '[]';
  head := '[]';
  changes := '[]';
  more := false;

  for v_lane in
    select c.lane, c.seq, c.floor, c.epoch::text as epoch, (u.item->>1)::bigint as known
    from persist.persist_sync_clock c
    left join jsonb_array_elements(p_cursor::jsonb) u(item) on (u.item->>0)::int = c.lane
    where c.store = p_store
    order by c.lane
  loop
    epoch := v_lane.epoch;
    v_lanes_known := v_lanes_known + (v_lane.known is not null)::int;
    v_from := coalesce(v_lane.known, 0);
    v_to := v_lane.seq;
    if p_epoch is not null then
      why := case
        when p_epoch <> v_lane.epoch then 'epoch'
        when v_from > v_lane.seq then 'rewind'
        when v_from < v_lane.floor then 'floor'
      end;
      if why is not null then
        status := 'resync';
        return next;
        return;
      end if;
    end if;

    head := head || jsonb_build_array(jsonb_build_array(v_lane.lane, v_lane.seq::text));
    if v_from < v_lane.seq then
      if v_left > 0 and v_left_bytes > 0 then
        -- One row more than fits tells whether the lane is done. The first change of a page is never too large for it.
        select jsonb_agg(p.change order by p.seq) filter (where p.fits),
               count(*) filter (where p.fits), count(*), max(p.seq) filter (where p.fits), max(p.bytes) filter (where p.fits)
        into v_page, v_rows, v_found, v_to, v_bytes
        from (
          select s.seq, s.change, s.bytes,
                 s.place <= v_left and (s.bytes <= v_left_bytes or (s.place = 1 and v_left = p_limit)) as fits
          from (
            select r.seq, row_number() over w as place,
                   sum(coalesce(octet_length(r.value::text), 0) + octet_length(r.key) + 200) over w as bytes,
                   jsonb_strip_nulls(jsonb_build_object(
                     'kind', 'record', 'key', r.key, 'deleted', case when r.deleted then true end, 'version', r.version,
                     'seq', r.lane || ':' || r.seq,
                     'updatedAt', to_char(r.updated_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                     'by', case when r.by_client is not null then
                       jsonb_build_object('client', r.by_client, 'mutation', r.by_mutation) end))
                   || case when r.deleted then '{}'::jsonb else jsonb_build_object('value', r.value) end as change
            from persist.persist_records r
            where r.store = p_store and r.lane = v_lane.lane and r.seq > v_from
            window w as (order by r.seq rows unbounded preceding)
            order by r.seq
            limit v_left + 1
          ) s
        ) p;
        changes := changes || coalesce(v_page, '[]');
        v_left := v_left - v_rows;
        v_left_bytes := v_left_bytes - coalesce(v_bytes, 0);
        if v_rows < v_found then
          more := true;
          v_left := 0;
          v_to := coalesce(v_to, v_from);
        else
          v_to := v_lane.seq;
        end if;
      else
        more := true;
        v_to := v_from;
      end if;
    end if;
    "position" := "position" || jsonb_build_array(jsonb_build_array(v_lane.lane, v_to::text));
  end loop;

  -- A lane that the cursor knows and the clock does not: history was replaced by an older one.
  if p_epoch is not null and v_lanes_known < jsonb_array_length(p_cursor::jsonb) then
    status := 'resync';
    why := 'rewind';
  end if;
  return next;
end $$;

-- Takes a batch of mutations from one client, each exactly once. `p_mutations` is a JSON array of
-- {id, op: "put" | "delete", key, value?, base}, ids counting up by one.
--
-- One row. `status`: 'ok'; 'gap' (an id is missing before this batch, nothing was applied); 'unknown-client' (a client that
-- was never seen begins above 1); 'forbidden' (the client id belongs to another principal). `head` is the clock.
-- `results` is a JSON array of {id, status, version?, seq?, current?} in the order of the batch: 'applied', 'conflict', or
-- 'duplicate' for one that had been applied before, with version and seq as long as the row is still as it left it.
create function persist.sync_push(p_store text, p_client text, p_principal text, p_mutations text)
returns table (status text, last_mutation text, results jsonb, head jsonb)
language plpgsql as $$
declare
  v_mutations jsonb := p_mutations::jsonb;
  v_first bigint := (v_mutations->0->>'id')::bigint;
  v_last bigint := (v_mutations->-1->>'id')::bigint;
  v_principal text;
  v_previous bigint;
  v_mutation jsonb;
  v_id bigint;
  v_key text;
  v_base bigint;
  v_lane smallint;
  v_last_seq bigint;
  v_seq bigint;
  v_current persist.persist_records;
  v_current_bytes bigint := 0;
  v_version bigint;
  v_outcome jsonb;
  v_outcomes jsonb[] := '{}';
  v_now timestamptz := clock_timestamp();
begin
  select c.principal, c.last_mutation into v_principal, v_previous
  from persist.persist_sync_clients c
  where c.store = p_store and c.client = p_client
  for update;
  if not found then
    if v_first <> 1 then
      status := 'unknown-client';
      return next;
      return;
    end if;
    insert into persist.persist_sync_clients (store, client, principal, last_mutation, updated_at)
    values (p_store, p_client, p_principal, 0, v_now)
    on conflict (store, client) do nothing;
    select c.principal, c.last_mutation into v_principal, v_previous
    from persist.persist_sync_clients c
    where c.store = p_store and c.client = p_client
    for update;
  end if;

  if v_principal <> p_principal then
    status := 'forbidden';
    return next;
    return;
  end if;
  if v_first > v_previous + 1 then
    status := 'gap';
    last_mutation := v_previous::text;
    return next;
    return;
  end if;

  -- The lane before the rows, as every writer does.
  if v_last > v_previous then
    select t.taken_lane, t.last_seq into v_lane, v_last_seq
    from persist.take_lane(p_store, v_last - v_previous) t;
  end if;

  -- Rows are taken in key order, so that two pushes cannot wait for each other; mutations of one key in the order of ids.
  for v_mutation in
    select m.item
    from jsonb_array_elements(v_mutations) m(item)
    order by (m.item->>'key') collate "C", (m.item->>'id')::bigint
  loop
    v_id := (v_mutation->>'id')::bigint;
    v_key := v_mutation->>'key';
    v_base := (v_mutation->>'base')::bigint;

    if v_id <= v_previous then
      select o.outcome into v_outcome
      from persist.persist_sync_outcomes o
      where o.store = p_store and o.client = p_client and o.mutation = v_id;
      if not found then
        select jsonb_build_object('version', r.version, 'seq', r.lane || ':' || r.seq) into v_outcome
        from persist.persist_records r
        where r.store = p_store and r.key = v_key and r.by_client = p_client and r.by_mutation = v_id;
        v_outcome := jsonb_build_object('id', v_id, 'status', 'duplicate') || coalesce(v_outcome, '{}');
      end if;
      v_outcomes := array_append(v_outcomes, v_outcome);
      continue;
    end if;

    v_seq := v_last_seq - (v_last - v_id);
    v_version := null;
    if v_mutation->>'op' = 'delete' then
      update persist.persist_records r
      set value = null, version = r.version + 1, updated_at = v_now, deleted = true,
          lane = v_lane, seq = v_seq, by_client = p_client, by_mutation = v_id
      where r.store = p_store and r.key = v_key and not r.deleted and r.version = v_base
      returning r.version into v_version;
    elsif v_base = 0 then
      insert into persist.persist_records
        (store, key, value, version, updated_at, deleted, lane, seq, by_client, by_mutation)
      values (p_store, v_key, v_mutation->'value', 1, v_now, false, v_lane, v_seq, p_client, v_id)
      on conflict (store, key) do nothing
      returning version into v_version;
    else
      update persist.persist_records r
      set value = v_mutation->'value', version = r.version + 1, updated_at = v_now, deleted = false,
          lane = v_lane, seq = v_seq, by_client = p_client, by_mutation = v_id
      where r.store = p_store and r.key = v_key and r.version = v_base
      returning r.version into v_version;
    end if;

    if v_version is not null then
      v_outcome := jsonb_build_object('id', v_id, 'status', 'applied', 'version', v_version, 'seq', v_lane || ':' || v_seq);
    else
      select r.* into v_current
      from persist.persist_records r
      where r.store = p_store and r.key = v_key;
      v_outcome := jsonb_build_object('id', v_id, 'status', 'conflict', 'version', coalesce(v_current.version, 0));
      -- Many large rows would make an answer that no proxy lets through: past 1 MiB the client reads them by pulling.
      v_current_bytes := v_current_bytes + coalesce(octet_length(v_current.value::text), 0);
      if v_current.key is not null and v_current_bytes <= 1048576 then
        v_outcome := v_outcome || jsonb_build_object('current', jsonb_build_object(
          'key', v_key, 'value', v_current.value, 'version', v_current.version, 'deleted', v_current.deleted));
      end if;
      insert into persist.persist_sync_outcomes (store, client, mutation, outcome)
      values (p_store, p_client, v_id, v_outcome);
    end if;
    v_outcomes := array_append(v_outcomes, v_outcome);
  end loop;

  update persist.persist_sync_clients c
  set last_mutation = greatest(c.last_mutation, v_last), updated_at = v_now
  where c.store = p_store and c.client = p_client;

  status := 'ok';
  last_mutation := greatest(v_previous, v_last)::text;
  select jsonb_agg(o.outcome order by (o.outcome->>'id')::bigint) into results from unnest(v_outcomes) o(outcome);
  select coalesce(jsonb_agg(jsonb_build_array(c.lane, c.seq::text) order by c.lane), '[]') into head
  from persist.persist_sync_clock c
  where c.store = p_store;
  return next;
end $$;
