-- Writes of records. `p_expected` is null (any), 'absent', 'present' or a version number in decimal.
-- `status` is 'applied' or 'conflict'; `version` and `updated_at` are those of the row as it is now, and null when there is
-- no live record. 64-bit numbers and times leave as text, so that every driver agrees on them.

create function persist.record_put(p_store text, p_key text, p_value text, p_expected text)
returns table (status text, version text, updated_at text)
language plpgsql as $$
declare
  v_value jsonb := p_value::jsonb;
  v_lane smallint;
  v_seq bigint;
  v_version bigint;
  v_updated_at timestamptz;
begin
  select t.taken_lane, t.last_seq into v_lane, v_seq from persist.take_lane(p_store, 1) t;

  if p_expected is null or p_expected = 'absent' then
    insert into persist.persist_records as r (store, key, value, version, updated_at, deleted, lane, seq)
    values (p_store, p_key, v_value, 1, clock_timestamp(), false, v_lane, v_seq)
    on conflict (store, key) do update
    set value = excluded.value, version = r.version + 1, updated_at = excluded.updated_at, deleted = false,
        lane = excluded.lane, seq = excluded.seq, by_client = null, by_mutation = null
    where p_expected is null or r.deleted
    returning r.version, r.updated_at into v_version, v_updated_at;
  else
    v_updated_at := clock_timestamp();
    update persist.persist_records r
    set value = v_value, version = r.version + 1, updated_at = v_updated_at,
        lane = v_lane, seq = v_seq, by_client = null, by_mutation = null
    where r.store = p_store and r.key = p_key and not r.deleted
      and (p_expected = 'present' or r.version::text = p_expected)
    returning r.version into v_version;
  end if;

  status := case when v_version is null then 'conflict' else 'applied' end;
  if v_version is null then
    v_updated_at := null;
    select r.version, r.updated_at into v_version, v_updated_at
    from persist.persist_records r
    where r.store = p_store and r.key = p_key and not r.deleted;
  end if;
  version := v_version::text;
  updated_at := to_char(v_updated_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
  return next;
end $$;

-- `status` is 'applied', 'absent' (there was nothing to delete) or 'conflict'; `version` is the tombstone's, or that of the
-- live record in the way.
create function persist.record_delete(p_store text, p_key text, p_expected text)
returns table (status text, version text)
language plpgsql as $$
declare
  v_lane smallint;
  v_seq bigint;
  v_now timestamptz := clock_timestamp();
  v_version bigint;
begin
  -- A delete that changes nothing must not move the feed.
  perform 1 from persist.persist_records r where r.store = p_store and r.key = p_key and not r.deleted;
  if found then
    select t.taken_lane, t.last_seq into v_lane, v_seq from persist.take_lane(p_store, 1) t;
    update persist.persist_records r
    set value = null, version = r.version + 1, updated_at = v_now, deleted = true,
        lane = v_lane, seq = v_seq, by_client = null, by_mutation = null
    where r.store = p_store and r.key = p_key and not r.deleted
      and (p_expected is null or p_expected = 'present' or r.version::text = p_expected)
    returning r.version into v_version;
    if v_version is not null then
      status := 'applied';
      version := v_version::text;
      return next;
      return;
    end if;
    select r.version into v_version
    from persist.persist_records r
    where r.store = p_store and r.key = p_key and not r.deleted;
  end if;

  -- Deleted by somebody else while this call waited for the row: without an expectation that is no conflict, whoever may
  -- have put it back since.
  status := case when p_expected is null then 'absent' else 'conflict' end;
  version := case when p_expected is not null then v_version::text end;
  return next;
end $$;
