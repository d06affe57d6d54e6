-- What clients hand over, each mutation exactly once.

-- Appends the events of one push to one stream. `p_mutations` is [{id, event: [id, payload, type | null, metadata | null], version?}, …]
-- in the order of ids. Gives their outcomes, a JSON array: 'applied', also for an event that was there already, or 'rejected' when
-- another event has the id. `version` is where the event was, should it have been lost: if it was pruned since, it stays away, and
-- counts as applied.
create function persist.sync_append(p_store text, p_stream text, p_mutations jsonb)
returns jsonb
language plpgsql as $$
declare
  v_outcomes jsonb := '[]';
  v_waiting jsonb := p_mutations;
  v_group jsonb;
  v_taken text[];
  v_foreign text;
  v_head bigint;
  v_first bigint;
begin
  if jsonb_path_exists(v_waiting, '$[*].version') then
    -- A prune takes the oldest of a stream.
    select s.version into v_head from persist.persist_event_streams s where s.store = p_store and s.stream = p_stream;
    select e.version into v_first
    from persist.persist_events e
    where e.store = p_store and e.stream = p_stream
    order by e.version
    limit 1;
    select coalesce(jsonb_agg(m.item order by m.place) filter (where not m.is_pruned), '[]'),
           coalesce(jsonb_agg(jsonb_build_object('id', m.item->'id', 'status', 'applied', 'version', m.item->'version'))
             filter (where m.is_pruned), '[]')
    into v_waiting, v_outcomes
    from (
      select w.item, w.place,
             coalesce((w.item->>'version')::bigint <= v_head and (w.item->>'version')::bigint < coalesce(v_first, v_head + 1), false)
             and not exists (
               select 1 from persist.persist_events e where e.store = p_store and e.id = w.item->'event'->>0) as is_pruned
      from jsonb_array_elements(v_waiting) with ordinality w(item, place)
    ) m;
  end if;
  while v_waiting <> '[]' loop
    -- Here as in the look-ups below: `limit 1` makes no other join than a loop possible, and `offset 0` makes what is looked up a plain
    -- value, so that the primary key costs no more than any other index that begins with store.
    -- No id twice in one append: the second is for the next round, which finds the first.
    select coalesce(jsonb_agg(w.item order by w.place) filter (where w.nth = 1), '[]'),
           coalesce(jsonb_agg(w.item order by w.place) filter (where w.nth > 1), '[]')
    into v_group, v_waiting
    from (
      select m.item, m.place, row_number() over (partition by m.item->'event'->>0 order by m.place) as nth
      from jsonb_array_elements(v_waiting) with ordinality m(item, place)
    ) w;

    v_taken := array(
      select k.id
      from (select g.item, g.item->'event'->>0 as id from jsonb_array_elements(v_group) g(item) offset 0) m
      cross join lateral (
        select e.id, e.stream, e.payload, e.type, e.metadata
        from persist.persist_events e
        where e.store = p_store and e.id = m.id
        limit 1
      ) k
      where k.stream <> p_stream or k.payload <> m.item->'event'->1 or k.type is distinct from m.item->'event'->>2
         or coalesce(k.metadata, 'null') <> coalesce(m.item->'event'->3, 'null'));
    loop
      select v_outcomes || coalesce(jsonb_agg(
               jsonb_build_object('id', m.item->'id', 'status', 'rejected', 'why', 'id-taken')), '[]')
      into v_outcomes
      from jsonb_array_elements(v_group) m(item)
      where m.item->'event'->>0 = any(v_taken);
      select coalesce(jsonb_agg(m.item order by m.place), '[]') into v_group
      from jsonb_array_elements(v_group) with ordinality m(item, place)
      where m.item->'event'->>0 <> all(v_taken);
      exit when v_group = '[]';

      select max(a.id) filter (where a.status = 'id-conflict') into v_foreign
      from persist.event_append(
        p_store, p_stream, (select jsonb_agg(m.item->'event' order by m.place)
                            from jsonb_array_elements(v_group) with ordinality m(item, place))::text, null) a;
      exit when v_foreign is null;
      v_taken := array[v_foreign];
    end loop;

    select v_outcomes || coalesce(jsonb_agg(jsonb_build_object(
             'id', m.item->'id', 'status', 'applied', 'version', k.version, 'seq', k.lane || ':' || k.seq)), '[]')
    into v_outcomes
    from (select g.item, g.item->'event'->>0 as id from jsonb_array_elements(v_group) g(item) offset 0) m
    cross join lateral (
      select e.version, e.lane, e.seq
      from persist.persist_events e
      where e.store = p_store and e.id = m.id
      limit 1
    ) k;
  end loop;
  return v_outcomes;
end $$;

-- What a mutation that was taken before came to: its outcome where it was not applied, else 'duplicate', with the version as long as the
-- row is as it left it, and with the seq of what is there: who has read so far has read it, or what followed on it. `gone` when what it
-- made was deleted, and there is no trace of that: no feed will tell.
create function persist.sync_outcome(p_store text, p_client text, p_mutation jsonb)
returns jsonb
language plpgsql stable as $$
declare
  v_id bigint := (p_mutation->>'id')::bigint;
  v_outcome jsonb;
begin
  select o.outcome into v_outcome
  from persist.persist_sync_outcomes o
  where o.store = p_store and o.client = p_client and o.mutation = v_id;
  if found then
    return v_outcome;
  end if;
  if p_mutation->>'op' in ('put', 'delete', 'merge') then
    select jsonb_build_object('seq', r.lane || ':' || r.seq)
           || case when r.by_client = p_client and r.by_mutation = v_id then jsonb_build_object('version', r.version) else '{}' end
    into v_outcome
    from persist.persist_records r
    where r.store = p_store and r.key = p_mutation->>'key';
  elsif p_mutation->>'op' in ('kv.set', 'kv.delete') then
    select jsonb_build_object('seq', e.lane || ':' || e.seq) into v_outcome
    from persist.persist_kv e
    where e.store = p_store and e.key = p_mutation->>'key';
  elsif p_mutation->>'op' = 'append' then
    select jsonb_build_object('version', e.version, 'seq', e.lane || ':' || e.seq) into v_outcome
    from persist.persist_events e
    where e.store = p_store and e.id = p_mutation->'event'->>0 and e.stream = p_mutation->>'key';
  end if;
  if v_outcome is null and p_mutation->>'op' in ('put', 'merge', 'kv.set') then
    v_outcome := '{"gone": true}';
  end if;
  return jsonb_build_object('id', v_id, 'status', 'duplicate') || coalesce(v_outcome, '{}');
end $$;

-- Takes a batch of mutations from one client. `p_mutations` is a JSON array, ids counting up by one:
--
--   {id, op: 'put', key, value, …}    {id, op: 'kv.set', key, value, encoding?, expiresAt?, hlc?, version?}
--   {id, op: 'delete', key, …}        {id, op: 'kv.delete', key, hlc?, version?}
--   {id, op: 'merge', key, value, base?}
--   {id, op: 'append', key: stream, event: [id, payload, type | null, metadata | null], version?}
--   {id, op: 'reject', why}           found unfit before: it takes up its id
--
-- where … is `base`, `hlc`, both, or `assumed`: null or [value]; and `version?`, the least that it will have: that of a state which was
-- here before a restore. `p_epoch` and `p_position` are those of the client's cursor, or null.
-- `p_ack` is the last mutation whose outcome may be forgotten, or null. `p_limits` is {maxSkewMs, maxValueBytes}.
--
-- One row. `status`: 'ok'; 'gap' (an id is missing before this batch); 'unknown-client' (one that was never seen begins above 1, or two
-- copies of a client number their mutations alike); 'forbidden' (the client id belongs to another principal); 'resync' with `why`.
-- Nothing was applied except with 'ok'. `head` is the clock. `results` is a JSON array of {id, status, version?, seq?, gone?, current?,
-- why?, serverTime?} in the order of the batch. Raises OT005 when the client's cursor went below a floor while the batch was applied.
--
-- Locks: the client's row, a lane, then rows by kind as in `transact` (records, streams, kv) and by key; mutations of one key are
-- applied in the order of ids. What changes nothing takes no lane.
create function persist.sync_push_v2(
  p_store text, p_client text, p_principal text, p_epoch text, p_position text, p_ack text, p_limits text, p_mutations text)
returns table (status text, why text, last_mutation text, results jsonb, head jsonb)
language plpgsql as $$
declare
  v_mutations jsonb := p_mutations::jsonb;
  v_first bigint := (v_mutations->0->>'id')::bigint;
  v_last bigint := (v_mutations->-1->>'id')::bigint;
  v_max_skew_ms bigint := (p_limits::jsonb->>'maxSkewMs')::bigint;
  v_max_value_bytes bigint := (p_limits::jsonb->>'maxValueBytes')::bigint;
  v_principal text;
  v_previous bigint;
  v_acknowledged bigint;
  v_recent jsonb;
  v_lane smallint;
  v_last_seq bigint;
  v_seq bigint;
  v_version bigint;
  v_item record;
  v_row record;
  v_row_kind text;
  v_row_key text;
  v_stream record;
  v_has_appended boolean := false;
  v_has_created boolean := false;
  v_is_live boolean;
  v_is_same boolean;
  v_stamp text;
  v_value jsonb;
  v_verdict text;
  v_current_bytes bigint := 0;
  v_is_first boolean;
  v_outcome jsonb;
  v_outcomes jsonb[] := '{}';
  v_now timestamptz := clock_timestamp();
begin
  select c.principal, c.last_mutation, c.acknowledged, c.recent into v_principal, v_previous, v_acknowledged, v_recent
  from persist.persist_sync_clients c
  where c.store = p_store and c.client = p_client
  for update;
  if not found then
    if v_first <> 1 then
      status := 'unknown-client';
      return next;
      return;
    end if;
    -- Who is refused leaves no trace.
    if p_epoch is not null then
      why := persist.sync_refusal(p_store, p_epoch, p_position);
      if why is not null then
        status := 'resync';
        last_mutation := '0';
        return next;
        return;
      end if;
    end if;
    insert into persist.persist_sync_clients (store, client, principal, last_mutation, updated_at)
    values (p_store, p_client, p_principal, 0, v_now)
    on conflict (store, client) do nothing;
    select c.principal, c.last_mutation, c.acknowledged, c.recent into v_principal, v_previous, v_acknowledged, v_recent
    from persist.persist_sync_clients c
    where c.store = p_store and c.client = p_client
    for update;
  end if;

  status := case
    when v_principal <> p_principal then 'forbidden'
    -- A copy of the client has forgotten what it had, or numbers other mutations alike.
    when p_ack::bigint < v_acknowledged then 'unknown-client'
    when v_first <= v_previous and exists (
      select 1
      from jsonb_array_elements(v_mutations) m(item)
      join jsonb_array_elements(v_recent) d(item) on d.item->>0 = m.item->>'id'
      where d.item->>1 <> md5(m.item::text)) then 'unknown-client'
    when v_first > v_previous + 1 then 'gap'
    else 'ok'
  end;
  last_mutation := v_previous::text;
  if status = 'ok' and v_last > v_previous and p_epoch is not null then
    why := persist.sync_refusal(p_store, p_epoch, p_position);
    if why is not null then
      status := 'resync';
    end if;
  end if;
  if status <> 'ok' then
    return next;
    return;
  end if;

  for v_item in
    select m.id, m.op, m.kind, m.key, m.mutation, m.mutation->'value' as given, (m.mutation->>'base')::bigint as base,
           m.mutation->>'hlc' as hlc, coalesce((m.mutation->>'version')::bigint, 1) as least_version, m.mutation->>'encoding' as given_encoding,
           (m.mutation->>'expiresAt')::timestamptz as given_expires_at,
           c.version, c.value, c.deleted, c.updated_at, c.lane, c.seq, c.stamp, c.encoding, c.expires_at
    from (
      select (a.item->>'id')::bigint as id, a.item->>'op' as op, a.item->>'key' as key, a.item as mutation,
             case when a.item->>'op' = 'append' then 'event' when a.item->>'op' like 'kv.%' then 'kv' else 'record' end as kind
      from jsonb_array_elements(v_mutations) a(item)
      offset 0
    ) m
    -- `limit 1` and `offset 0`: a look-up by key for each mutation, in any plan. See `sync_append`.
    left join lateral (
      (select r.version, r.value, r.deleted, r.updated_at, r.lane, r.seq,
              case when r.hlc_version = r.version then r.hlc end as stamp,
              null as encoding, null::timestamptz as expires_at
       from persist.persist_records r
       where r.store = p_store and r.key = m.key and m.kind = 'record'
       limit 1)
      union all
      (select e.version, e.value, e.deleted, e.updated_at, e.lane, e.seq,
              case when e.hlc_version = e.version then e.hlc end, e.encoding, e.expires_at
       from persist.persist_kv e
       where e.store = p_store and e.key = m.key and m.kind = 'kv'
       limit 1)
    ) c on true
    order by m.kind = 'kv', m.kind = 'event', m.key collate "C", m.id
  loop
    if v_item.id <= v_previous then
      v_outcomes := array_append(v_outcomes, persist.sync_outcome(p_store, p_client, v_item.mutation));
      continue;
    end if;
    if v_item.op = 'reject' then
      v_outcomes := array_append(v_outcomes, jsonb_build_object(
        'id', v_item.id, 'status', 'rejected', 'why', v_item.mutation->'why'));
      continue;
    end if;
    if v_item.op = 'append' then
      -- All of them when the first is due.
      if not v_has_appended then
        v_has_appended := true;
        for v_stream in
          select m.item->>'key' as stream, jsonb_agg(m.item order by m.place) as mutations
          from jsonb_array_elements(v_mutations) with ordinality m(item, place)
          where m.item->>'op' = 'append' and (m.item->>'id')::bigint > v_previous
          group by m.item->>'key'
          order by (m.item->>'key') collate "C"
        loop
          select v_outcomes || array_agg(o.item) into v_outcomes
          from jsonb_array_elements(persist.sync_append(p_store, v_stream.stream, v_stream.mutations)) o(item);
        end loop;
      end if;
      continue;
    end if;

    -- The mutation before this one may have written the same key: then what it left is what is there.
    if v_item.kind is distinct from v_row_kind or v_item.key is distinct from v_row_key then
      v_row := v_item;
      v_row_kind := v_item.kind;
      v_row_key := v_item.key;
    end if;
    -- Decided on the row as it was read, without a lock, and written only where it is still that. Else once more, with the row held.
    loop
      v_now := clock_timestamp();
      -- An entry that has expired is judged as it stands there: a pull tells it the same way, and so does a conflict.
      v_is_live := v_row.version is not null and not v_row.deleted;
      v_stamp := coalesce(v_row.stamp, persist.hlc_of_time(p_store, v_row.updated_at));
      v_value := case v_item.op
        when 'merge' then persist.merge_patch(p_store, case when v_is_live then v_row.value end, v_item.given)
        else v_item.given
      end;
      v_is_same := case
        when v_item.op in ('delete', 'kv.delete') then not v_is_live
        else v_is_live and v_row.value = v_value and v_row.encoding is not distinct from v_item.given_encoding
             and v_row.expires_at is not distinct from v_item.given_expires_at
      end;
      v_verdict := case
        when left(v_item.hlc, 15)::bigint > extract(epoch from v_now) * 1000 + v_max_skew_ms then 'skew'
        when v_row.version is null and v_item.base > 0 then 'gone'
        when v_is_same and v_row.version is not null and v_item.hlc collate "C" > v_stamp collate "C" then 'stamp'
        when v_is_same then 'same'
        when (case
          when v_item.hlc is not null then v_row.version is null or v_item.hlc collate "C" > v_stamp collate "C"
          when v_item.mutation ? 'assumed' then
            case when v_is_live then v_item.mutation->'assumed'->0 = v_row.value else v_item.mutation->'assumed' = 'null' end
          when v_item.base is not null then v_item.base = coalesce(v_row.version, 0)
          -- Without a condition nothing comes back that was deleted.
          when v_item.op = 'merge' then v_is_live or v_row.version is null
          else true
        end) is not true then 'conflict'
        when v_item.op = 'merge' and octet_length(v_value::text)
             > greatest(v_max_value_bytes, case when v_is_live then octet_length(v_row.value::text) end) then 'too-large'
        else 'write'
      end;
      exit when v_verdict not in ('stamp', 'write');

      if v_lane is null then
        select t.taken_lane, t.last_seq into v_lane, v_last_seq
        from persist.take_lane(p_store, v_last - v_previous) t;
      end if;
      v_seq := v_last_seq - (v_last - v_item.id);
      -- What the server has lost comes back under the version that it had.
      v_version := greatest(coalesce(v_row.version, 0) + 1, v_item.least_version);
      if v_row.version is null and v_item.kind = 'record' then
        insert into persist.persist_records
          (store, key, value, version, updated_at, deleted, lane, seq, by_client, by_mutation, hlc, hlc_version)
        values (p_store, v_item.key, v_value, v_version, v_now, false, v_lane, v_seq, p_client, v_item.id, v_item.hlc, v_version)
        on conflict (store, key) do nothing;
      elsif v_row.version is null then
        insert into persist.persist_kv
          (store, key, value, encoding, version, expires_at, updated_at, deleted, lane, seq, hlc, hlc_version)
        values (p_store, v_item.key, v_value, v_item.given_encoding, v_version, v_item.given_expires_at, v_now, false, v_lane,
                v_seq, v_item.hlc, v_version)
        on conflict (store, key) do nothing;
      elsif v_verdict = 'stamp' and v_item.kind = 'record' then
        -- The same state, claimed for a later time: nobody needs to read it again.
        update persist.persist_records r
        set hlc = v_item.hlc, hlc_version = r.version
        where r.store = p_store and r.key = v_item.key and r.lane = v_row.lane and r.seq = v_row.seq
          and case when r.hlc_version = r.version then r.hlc end is not distinct from v_row.stamp;
      elsif v_verdict = 'stamp' then
        update persist.persist_kv e
        set hlc = v_item.hlc, hlc_version = e.version
        where e.store = p_store and e.key = v_item.key and e.lane = v_row.lane and e.seq = v_row.seq
          and e.deleted = v_row.deleted
          and case when e.hlc_version = e.version then e.hlc end is not distinct from v_row.stamp;
      elsif v_item.kind = 'record' then
        update persist.persist_records r
        set value = v_value, version = v_version, updated_at = v_now, deleted = v_item.op = 'delete',
            lane = v_lane, seq = v_seq, by_client = p_client, by_mutation = v_item.id,
            hlc = coalesce(v_item.hlc, r.hlc),
            hlc_version = case when v_item.hlc is null then r.hlc_version else v_version end
        where r.store = p_store and r.key = v_item.key and r.lane = v_row.lane and r.seq = v_row.seq
          and case when r.hlc_version = r.version then r.hlc end is not distinct from v_row.stamp;
      else
        update persist.persist_kv e
        set value = v_value, encoding = v_item.given_encoding, version = v_version, expires_at = v_item.given_expires_at,
            updated_at = v_now, deleted = v_item.op = 'kv.delete', lane = v_lane, seq = v_seq,
            hlc = coalesce(v_item.hlc, e.hlc),
            hlc_version = case when v_item.hlc is null then e.hlc_version else v_version end
        where e.store = p_store and e.key = v_item.key and e.lane = v_row.lane and e.seq = v_row.seq
          and e.deleted = v_row.deleted
          and case when e.hlc_version = e.version then e.hlc end is not distinct from v_row.stamp;
      end if;
      exit when found;

      if v_item.kind = 'record' then
        select r.version, r.value, r.deleted, r.updated_at, r.lane, r.seq,
               case when r.hlc_version = r.version then r.hlc end
        into v_row.version, v_row.value, v_row.deleted, v_row.updated_at, v_row.lane, v_row.seq, v_row.stamp
        from persist.persist_records r
        where r.store = p_store and r.key = v_item.key
        for update;
      else
        select e.version, e.value, e.deleted, e.updated_at, e.lane, e.seq,
               case when e.hlc_version = e.version then e.hlc end, e.encoding, e.expires_at
        into v_row.version, v_row.value, v_row.deleted, v_row.updated_at, v_row.lane, v_row.seq, v_row.stamp,
             v_row.encoding, v_row.expires_at
        from persist.persist_kv e
        where e.store = p_store and e.key = v_item.key
        for update;
      end if;
    end loop;

    case
    when v_verdict in ('write', 'stamp', 'same') then
      if v_verdict = 'write' then
        v_has_created := v_has_created or v_row.version is null;
        v_row.version := v_version;
        v_row.value := v_value;
        v_row.deleted := v_item.op in ('delete', 'kv.delete');
        v_row.updated_at := v_now;
        v_row.lane := v_lane;
        v_row.seq := v_seq;
        v_row.encoding := v_item.given_encoding;
        v_row.expires_at := v_item.given_expires_at;
      end if;
      if v_verdict <> 'same' then
        v_row.stamp := v_item.hlc;
      end if;
      v_outcome := jsonb_build_object('id', v_item.id, 'status', 'applied');
      if v_row.version is not null then
        v_outcome := v_outcome || jsonb_build_object('version', v_row.version, 'seq', v_row.lane || ':' || v_row.seq);
      end if;
    when v_verdict = 'conflict' then
      v_outcome := jsonb_build_object('id', v_item.id, 'status', 'conflict', 'version', coalesce(v_row.version, 0));
      -- Many large rows would make an answer that no proxy lets through: past 1 MiB the client reads them by pulling. The first one
      -- always goes, so that a client that never pulls learns of it.
      v_is_first := v_current_bytes = 0;
      v_current_bytes := v_current_bytes + coalesce(octet_length(v_row.value::text), 0);
      if v_row.version is not null and (v_is_first or v_current_bytes <= 1048576) then
        v_outcome := v_outcome || jsonb_build_object('current', jsonb_build_object(
            'key', v_item.key, 'value', case when v_is_live then v_row.value end, 'version', v_row.version,
            'deleted', not v_is_live,
            'updatedAt', to_char(v_row.updated_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
          || jsonb_strip_nulls(jsonb_build_object(
            'hlc', v_row.stamp,
            'encoding', case when v_is_live then v_row.encoding end,
            'expiresAt', case when v_is_live then
              to_char(v_row.expires_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') end)));
      end if;
    when v_verdict = 'gone' then
      v_outcome := jsonb_build_object('id', v_item.id, 'status', 'gone');
    when v_verdict = 'skew' then
      v_outcome := jsonb_build_object('id', v_item.id, 'status', 'skew', 'serverTime',
        to_char(v_now at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'));
    else
      v_outcome := jsonb_build_object('id', v_item.id, 'status', 'rejected', 'why', v_verdict);
    end case;
    v_outcomes := array_append(v_outcomes, v_outcome);
  end loop;

  -- A tombstone that was collected since the cursor was looked at may have stood where a row was made.
  if v_has_created and p_epoch is not null and persist.sync_refusal(p_store, p_epoch, p_position) is not null then
    raise exception 'tombstones were collected while the push was applied'
      using errcode = 'OT005', detail = '{}';
  end if;

  if v_last > v_previous then
    insert into persist.persist_sync_outcomes (store, client, mutation, outcome)
    select p_store, p_client, (o.outcome->>'id')::bigint, o.outcome
    from unnest(v_outcomes) o(outcome)
    where o.outcome->>'status' not in ('applied', 'duplicate') and (o.outcome->>'id')::bigint > v_previous;
    select jsonb_agg(jsonb_build_array(m.item->'id', md5(m.item::text)))
    into v_recent
    from jsonb_array_elements(v_mutations) m(item);
  end if;
  if p_ack is not null then
    -- What this batch still asks for is not forgotten, whatever was acknowledged.
    v_acknowledged := greatest(v_acknowledged, least(p_ack::bigint, v_first - 1));
    delete from persist.persist_sync_outcomes o
    where o.store = p_store and o.client = p_client and o.mutation <= v_acknowledged;
  end if;
  if v_last > v_previous or p_ack is not null then
    update persist.persist_sync_clients c
    set last_mutation = greatest(c.last_mutation, v_last), acknowledged = v_acknowledged, recent = v_recent, updated_at = v_now
    where c.store = p_store and c.client = p_client;
  end if;

  last_mutation := greatest(v_previous, v_last)::text;
  select jsonb_agg(o.outcome order by (o.outcome->>'id')::bigint) into results from unnest(v_outcomes) o(outcome);
  select coalesce(jsonb_agg(jsonb_build_array(c.lane, c.seq::text) order by c.lane), '[]') into head
  from persist.persist_sync_clock c
  where c.store = p_store;
  return next;
end $$;
