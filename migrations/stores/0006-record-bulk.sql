-- Writes of many records at once, and of parts of one. As in 0002: 64-bit numbers and times leave as text, the lane is taken
-- first and rows in key order, and what changes nothing takes no lane.

-- Puts many records, all or none. `p_entries` is a JSON array of [key, value, expected | null]. Of several entries with one
-- key the last is written; every expectation is held against what was there before the call.
--
-- One row per key: `status` 'applied', `part` (the place of its last entry, from 0), `version`, `updated_at`. Or one row
-- alone: 'conflict', with the place of the first entry whose expectation failed and the version that is there, null for none.
create function persist.record_put_many(p_store text, p_entries text)
returns table (status text, part int, version text, updated_at text)
language plpgsql as $$
declare
  v_entries jsonb := p_entries::jsonb;
  -- Named in every join, so that no plan reads the whole store to find them.
  v_keys text[];
  v_count bigint;
  v_conditional boolean;
  v_lane smallint;
  v_last_seq bigint;
  v_version bigint;
  v_now timestamptz;
  v_attempt int;
begin
  select array_agg(distinct e.item->>0), count(distinct e.item->>0), bool_or(e.item->>2 is not null)
  into v_keys, v_count, v_conditional
  from jsonb_array_elements(v_entries) e(item);

  -- First look without a lock: what cannot succeed must not move the feed. Second look with the rows held: now the answer
  -- is final. Missing rows are held by inserting them, in the same key order as the others are locked.
  for v_attempt in 1..2 loop
    if v_attempt = 2 then
      select t.taken_lane, t.last_seq into v_lane, v_last_seq from persist.take_lane(p_store, v_count) t;
      v_now := clock_timestamp();
      insert into persist.persist_records as r (store, key, value, version, updated_at, deleted, lane, seq)
      select p_store, n.item->>0, n.item->1, 1, v_now, false, v_lane, v_last_seq - v_count + n.place
      from (
        select l.item, row_number() over (order by (l.item->>0) collate "C") as place
        from (
          select distinct on ((e.item->>0) collate "C") e.item
          from jsonb_array_elements(v_entries) with ordinality e(item, ordinality)
          order by (e.item->>0) collate "C", e.ordinality desc
        ) l
      ) n
      order by n.place
      on conflict (store, key) do update
      set value = excluded.value, version = r.version + 1, updated_at = excluded.updated_at, deleted = false,
          lane = excluded.lane, seq = excluded.seq, by_client = null, by_mutation = null
      where not v_conditional;
    end if;
    continue when not v_conditional;

    select e.ordinality - 1, r.version into part, v_version
    from jsonb_array_elements(v_entries) with ordinality e(item, ordinality)
    left join persist.persist_records r
      on r.store = p_store and r.key = e.item->>0 and r.key = any(v_keys) and not r.deleted
     and (v_lane is null or r.lane <> v_lane or r.seq <= v_last_seq - v_count)
    where case e.item->>2
      when 'absent' then r.key is not null
      when 'present' then r.key is null
      else e.item->>2 <> coalesce(r.version::text, '')
    end
    order by e.ordinality
    limit 1;
    if found then
      delete from persist.persist_records r
      where r.store = p_store and r.lane = v_lane and r.seq > v_last_seq - v_count;
      status := 'conflict';
      version := v_version::text;
      return next;
      return;
    end if;
  end loop;

  if v_conditional then
    update persist.persist_records r
    set value = n.item->1, version = r.version + 1, updated_at = v_now, deleted = false,
        lane = v_lane, seq = v_last_seq - v_count + n.place, by_client = null, by_mutation = null
    from (
      select l.item, row_number() over (order by (l.item->>0) collate "C") as place
      from (
        select distinct on ((e.item->>0) collate "C") e.item
        from jsonb_array_elements(v_entries) with ordinality e(item, ordinality)
        order by (e.item->>0) collate "C", e.ordinality desc
      ) l
    ) n
    where r.store = p_store and r.key = n.item->>0 and r.key = any(v_keys) and (r.lane <> v_lane or r.seq <= v_last_seq - v_count);
  end if;

  return query
  select 'applied', l.place::int - 1, r.version::text,
         to_char(r.updated_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
  from (
    select e.item->>0 as key, max(e.ordinality) as place
    from jsonb_array_elements(v_entries) with ordinality e(item, ordinality)
    group by e.item->>0
  ) l
  join persist.persist_records r on r.store = p_store and r.key = l.key and r.key = any(v_keys)
  order by l.place;
end $$;

-- Deletes the records of `p_keys`, a JSON array of keys, duplicates and missing ones included. One row per deleted record.
create function persist.record_delete_many(p_store text, p_keys text)
returns table (deleted_key text)
language plpgsql as $$
declare
  v_keys text[];
  v_count bigint;
  v_lane smallint;
  v_last_seq bigint;
  v_now timestamptz;
begin
  select array_agg(r.key order by r.key), count(*) into v_keys, v_count
  from persist.persist_records r
  where r.store = p_store and not r.deleted and r.key = any(array(select jsonb_array_elements_text(p_keys::jsonb)));
  if v_count = 0 then
    return;
  end if;

  select t.taken_lane, t.last_seq into v_lane, v_last_seq from persist.take_lane(p_store, v_count) t;
  perform 1
  from persist.persist_records r
  where r.store = p_store and r.key = any(v_keys)
  order by r.key
  for update;

  v_now := clock_timestamp();
  return query
  update persist.persist_records r
  set value = null, version = r.version + 1, updated_at = v_now, deleted = true,
      lane = v_lane, seq = v_last_seq - v_count + k.place, by_client = null, by_mutation = null
  from unnest(v_keys) with ordinality k(key, place)
  where r.store = p_store and r.key = k.key and r.key = any(v_keys) and not r.deleted
  returning r.key;
end $$;

-- RFC 7396: the target with the patch merged into it. One level of nesting of the patch is one call.
create function persist.merge_patch(p_store text, p_target jsonb, p_patch jsonb)
returns jsonb
language plpgsql immutable as $$
declare
  v_target jsonb := case when jsonb_typeof(p_target) = 'object' then p_target else '{}' end;
begin
  if jsonb_typeof(p_patch) <> 'object' then
    return p_patch;
  end if;
  return (v_target - array(select jsonb_object_keys(p_patch))) || (
    select coalesce(jsonb_object_agg(m.key, persist.merge_patch(p_store, v_target->m.key, m.value)), '{}')
    from jsonb_each(p_patch) m(key, value)
    where m.value <> 'null'
  );
end $$;

-- Merges a patch (JSON text, RFC 7396) into a live record. `p_expected` is null, 'present' or a version in decimal.
--
-- One row. `status`: 'applied'; 'unchanged' (the patch makes no difference: nothing was written); 'absent' (there is no such
-- record); 'conflict'; 'too-large' (the result is longer than `p_max_bytes` as PostgreSQL writes it, and than what is there).
-- `version`, `updated_at` and, unless refused, `value` are those of the record as it is now.
create function persist.record_patch(p_store text, p_key text, p_patch text, p_expected text, p_max_bytes int)
returns table (status text, version text, updated_at text, value jsonb)
language plpgsql as $$
declare
  v_patch jsonb := p_patch::jsonb;
  v_current jsonb;
  v_merged jsonb;
  v_version bigint;
  v_updated_at timestamptz;
  v_lane smallint;
  v_seq bigint;
  v_attempt int;
begin
  -- First look without a lock, so that what changes nothing takes no lane; second look with the row held.
  for v_attempt in 1..2 loop
    if v_attempt = 1 then
      select r.value, r.version, r.updated_at into v_current, v_version, v_updated_at
      from persist.persist_records r
      where r.store = p_store and r.key = p_key and not r.deleted;
    else
      select t.taken_lane, t.last_seq into v_lane, v_seq from persist.take_lane(p_store, 1) t;
      select r.value, r.version, r.updated_at into v_current, v_version, v_updated_at
      from persist.persist_records r
      where r.store = p_store and r.key = p_key and not r.deleted
      for update;
    end if;

    if v_version is null then
      status := case when p_expected is null then 'absent' else 'conflict' end;
    elsif p_expected <> 'present' and p_expected <> v_version::text then
      status := 'conflict';
    else
      v_merged := persist.merge_patch(p_store, v_current, v_patch);
      status := case
        when v_merged = v_current then 'unchanged'
        when octet_length(v_merged::text) > greatest(p_max_bytes, octet_length(v_current::text)) then 'too-large'
        else 'applied'
      end;
    end if;
    exit when status <> 'applied';
  end loop;

  if status = 'applied' then
    v_updated_at := clock_timestamp();
    update persist.persist_records r
    set value = v_merged, version = r.version + 1, updated_at = v_updated_at,
        lane = v_lane, seq = v_seq, by_client = null, by_mutation = null
    where r.store = p_store and r.key = p_key
    returning r.version into v_version;
  end if;

  version := v_version::text;
  updated_at := to_char(v_updated_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
  value := case when status in ('applied', 'unchanged') then v_merged end;
  return next;
end $$;
