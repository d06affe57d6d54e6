-- Several writes to records, events and kv of one store, all or none. `p_operations` is a JSON array, one item for each:
--
--   [part, 'put', key, value, expected]                [part, 'append', stream, events, expected]
--   [part, 'delete', key, null, expected]              [part, 'kv.set', key, value, null, encoding, ttl in ms]
--   [part, 'patch', key, patch, expected, max bytes]   [part, 'kv.delete', key]
--   [part, 'check', key, null, expected]               [part, 'kv.increment', key, number, null, ttl in ms]
--
-- `expected` is null, 'absent', 'present' or a version in decimal, `events` as for event_append. They are applied by kind, then
-- key, then place in the array: two transactions never wait for each other in a circle, and what concerns one key happens in
-- the order given.
--
-- One row per item, `place` counting from 1, with what the function for it answers; for 'append' `value` is an array of
-- [status, id, version, timestamp], for 'kv.increment' the total as a string. The first item that cannot be applied raises
-- OT002, and nothing is written: DETAIL is {"part", "status", "version"}, the status that its function gave and the version
-- that is there, or null.
create function persist.transact(p_store text, p_operations text)
returns table (place int, status text, version text, updated_at text, value jsonb)
language plpgsql as $$
declare
  v_items jsonb := p_operations::jsonb;
  v_item record;
  v_version bigint;
  v_deleted boolean;
  v_was_free boolean;
begin
  -- A check locks its row. A lane that will be needed must be held before, as in every write.
  if exists (select 1 from jsonb_array_elements(v_items) i(item) where i.item->>1 = 'check')
     and exists (select 1 from jsonb_array_elements(v_items) i(item) where i.item->>1 <> 'check') then
    perform t.taken_lane from persist.take_lane(p_store, 0) t;
  end if;

  for v_item in
    select i.place::int as place, (i.item->>0)::int as part, i.item->>1 as op, i.item->>2 as key, i.item->3 as value,
           i.item->>4 as expected, i.item->>5 as fifth, i.item->>6 as sixth,
           bool_or(i.item->>1 <> 'check') over (partition by left(i.item->>1, 3) = 'kv.', i.item->>1 = 'append', i.item->>2)
             as is_written
    from jsonb_array_elements(v_items) with ordinality i(item, place)
    order by left(i.item->>1, 3) = 'kv.', i.item->>1 = 'append', (i.item->>2) collate "C", i.place
  loop
    place := v_item.place;
    status := 'applied';
    version := null;
    updated_at := null;
    value := null;

    case v_item.op
    when 'put' then
      select f.status, f.version, f.updated_at into status, version, updated_at
      from persist.record_put(p_store, v_item.key, v_item.value::text, v_item.expected) f;
    when 'delete' then
      select f.status, f.version into status, version
      from persist.record_delete(p_store, v_item.key, v_item.expected) f;
    when 'patch' then
      select f.status, f.version, f.updated_at, f.value into status, version, updated_at, value
      from persist.record_patch(p_store, v_item.key, v_item.value::text, v_item.expected, v_item.fifth::int) f;
    when 'check' then
      -- Locked to the end of the transaction, so that what was found still holds when the rest is committed. A shared lock
      -- that became an exclusive one could make two transactions wait for each other.
      if v_item.is_written then
        perform 1
        from persist.persist_records r
        where r.store = p_store and r.key = v_item.key
        for no key update;
      end if;
      v_was_free := false;
      loop
        select r.version, r.deleted into v_version, v_deleted
        from persist.persist_records r
        where r.store = p_store and r.key = v_item.key
        for share;
        exit when found or v_item.expected <> 'absent';
        -- There is no row to lock. This one is taken back at once and never seen; until this transaction ends, it makes
        -- wait whoever inserts the key.
        insert into persist.persist_records (store, key, version, updated_at, deleted, lane, seq)
        values (p_store, v_item.key, 0, clock_timestamp(), true, 0, 0)
        on conflict (store, key) do nothing;
        v_was_free := found;
        exit when v_was_free;
      end loop;
      if v_was_free then
        delete from persist.persist_records r where r.store = p_store and r.key = v_item.key;
      elsif not v_deleted then
        version := v_version::text;
      end if;
      if (v_item.expected = 'absent') <> (version is null)
         or (v_item.expected not in ('absent', 'present') and v_item.expected <> version) then
        status := 'conflict';
      end if;
    when 'append' then
      select coalesce(max(e.status) filter (where e.status like '%conflict'), 'applied'),
             max(e.version) filter (where e.status like '%conflict'),
             jsonb_agg(jsonb_build_array(e.status, e.id, e.version, e.happened_at) order by e.place)
      into status, version, value
      from persist.event_append(p_store, v_item.key, v_item.value::text, v_item.expected)
           with ordinality e(status, id, version, happened_at, place);
    when 'kv.set' then
      select f.version, f.updated_at into version, updated_at
      from persist.kv_set(p_store, v_item.key, v_item.value::text, v_item.fifth, v_item.sixth) f;
    when 'kv.delete' then
      select f.status into status from persist.kv_delete(p_store, v_item.key) f;
    when 'kv.increment' then
      select f.status, to_jsonb(f.total) into status, value
      from persist.kv_increment(p_store, v_item.key, v_item.value::text, v_item.fifth) f;
    end case;

    if status not in ('applied', 'unchanged') and (status <> 'absent' or v_item.op = 'patch') then
      raise exception 'an operation of the transaction cannot be applied'
        using errcode = 'OT002',
              detail = jsonb_build_object('part', v_item.part, 'status', status, 'version', version)::text;
    end if;
    return next;
  end loop;
end $$;
