-- Operations on several entries, conditional ones, and the sweep of expired ones. An expired entry is absent for each of them,
-- judged by the clock once its row is held: what is read before the lock may be over when the lock is there.

create index persist_kv_expiry on persist.persist_kv (store, expires_at) where expires_at is not null;

-- Sets entries, all or none. `p_entries` is a JSON array of [key, value, encoding | null, ttl in ms | null], no key twice.
create function persist.kv_set_many(p_store text, p_entries text)
returns table (written int)
language plpgsql as $$
declare
  v_entries jsonb := p_entries::jsonb;
  v_lane smallint;
  v_seq bigint;
  v_now timestamptz;
begin
  written := jsonb_array_length(v_entries);
  select t.taken_lane, t.last_seq into v_lane, v_seq from persist.take_lane(p_store, written) t;
  v_now := clock_timestamp();
  -- In key order, so that two calls cannot wait for each other.
  insert into persist.persist_kv as e
    (store, key, value, encoding, version, expires_at, updated_at, deleted, lane, seq)
  select p_store, n.item->>0, n.item->1, n.item->>2, 1,
         v_now + (n.item->>3)::double precision * interval '1 millisecond', v_now, false, v_lane,
         v_seq - written + n.place
  from (
    select a.item, row_number() over (order by (a.item->>0) collate "C") as place
    from jsonb_array_elements(v_entries) a(item)
  ) n
  order by n.place
  on conflict (store, key) do update
  set value = excluded.value, encoding = excluded.encoding, version = e.version + 1, expires_at = excluded.expires_at,
      updated_at = excluded.updated_at, deleted = false, lane = excluded.lane, seq = excluded.seq;
  return next;
end $$;

-- Deletes entries, all or none. `p_keys` is a JSON array of keys; `deleted` those that were there, in key order.
create function persist.kv_delete_many(p_store text, p_keys text)
returns table (deleted jsonb)
language plpgsql as $$
declare
  v_keys text[] := array(select jsonb_array_elements_text(p_keys::jsonb));
  v_live text[];
  v_lane smallint;
  v_seq bigint;
  v_now timestamptz := clock_timestamp();
begin
  deleted := '[]';
  -- A delete that changes nothing must not move the feed.
  perform 1
  from persist.persist_kv e
  where e.store = p_store and e.key = any(v_keys) and not e.deleted and (e.expires_at is null or e.expires_at > v_now)
  limit 1;
  if found then
    select t.taken_lane, t.last_seq into v_lane, v_seq from persist.take_lane(p_store, cardinality(v_keys)) t;
    select array_agg(h.key order by h.key) filter (where h.expires_at is null or h.expires_at > clock_timestamp())
    into v_live
    from (
      select e.key, e.expires_at
      from persist.persist_kv e
      where e.store = p_store and e.key = any(v_keys) and not e.deleted
      order by e.key
      for update
    ) h;
    v_now := clock_timestamp();
    update persist.persist_kv e
    set value = null, encoding = null, version = e.version + 1, expires_at = null, updated_at = v_now, deleted = true,
        lane = v_lane, seq = v_seq - cardinality(v_keys) + array_position(v_live, e.key)
    where e.store = p_store and e.key = any(v_live);
    deleted := coalesce(to_jsonb(v_live), '[]');
  end if;
  return next;
end $$;

-- Adds to a number; an entry that is absent counts as 0 and gets the life `p_ttl_ms`, one that is there keeps its own.
-- `status` is 'applied' with the new `total`, or 'not-a-number' or 'out-of-range', and nothing was written then.
create function persist.kv_increment(p_store text, p_key text, p_by text, p_ttl_ms text)
returns table (status text, total text)
language plpgsql as $$
declare
  v_total numeric := p_by::numeric;
  v_life interval := p_ttl_ms::double precision * interval '1 millisecond';
  v_lane smallint;
  v_seq bigint;
  v_now timestamptz;
  v_value jsonb;
  v_expires_at timestamptz;
begin
  select t.taken_lane, t.last_seq into v_lane, v_seq from persist.take_lane(p_store, 1) t;
  -- Again only when the row that was in the way is swept before it can be locked.
  loop
    v_now := clock_timestamp();
    insert into persist.persist_kv
      (store, key, value, encoding, version, expires_at, updated_at, deleted, lane, seq)
    values (p_store, p_key, to_jsonb(v_total), null, 1, v_now + v_life, v_now, false, v_lane, v_seq)
    on conflict (store, key) do nothing;
    if found then
      status := 'applied';
      total := v_total::text;
      return next;
      return;
    end if;
    select e.value, e.expires_at into v_value, v_expires_at
    from persist.persist_kv e
    where e.store = p_store and e.key = p_key
    for update;
    exit when found;
  end loop;

  v_now := clock_timestamp();
  if v_value is null or v_expires_at <= v_now then
    v_expires_at := v_now + v_life;
  elsif jsonb_typeof(v_value) <> 'number' then
    status := 'not-a-number';
    return next;
    return;
  else
    v_total := trim_scale((v_value #>> '{}')::numeric + v_total);
  end if;
  if abs(v_total) > 9007199254740991 then
    status := 'out-of-range';
    return next;
    return;
  end if;

  update persist.persist_kv e
  set value = to_jsonb(v_total), encoding = null, version = e.version + 1, expires_at = v_expires_at, updated_at = v_now,
      deleted = false, lane = v_lane, seq = v_seq
  where e.store = p_store and e.key = p_key;
  status := 'applied';
  total := v_total::text;
  return next;
end $$;

-- Sets an entry that is as expected: `p_expected` with its encoding, compared as jsonb, or null for absent.
-- `status` is 'applied' or 'differs'.
create function persist.kv_compare_set(
  p_store text, p_key text, p_expected text, p_expected_encoding text, p_value text, p_encoding text, p_ttl_ms text)
returns table (status text)
language plpgsql as $$
declare
  v_expected jsonb := p_expected::jsonb;
  v_value jsonb := p_value::jsonb;
  v_life interval := p_ttl_ms::double precision * interval '1 millisecond';
  v_lane smallint;
  v_seq bigint;
  v_now timestamptz := clock_timestamp();
  v_current jsonb;
  v_encoding text;
  v_expires_at timestamptz;
begin
  status := 'differs';
  -- First look without a lock: a comparison that fails must not move the feed.
  select e.value, e.encoding, e.expires_at into v_current, v_encoding, v_expires_at
  from persist.persist_kv e
  where e.store = p_store and e.key = p_key;
  if v_expires_at <= v_now then
    v_current := null;
    v_encoding := null;
  end if;
  if v_current is distinct from v_expected or v_encoding is distinct from p_expected_encoding then
    return next;
    return;
  end if;

  -- Second look with the row held. Again only when the row that was in the way is swept before it can be locked.
  select t.taken_lane, t.last_seq into v_lane, v_seq from persist.take_lane(p_store, 1) t;
  loop
    select e.value, e.encoding, e.expires_at into v_current, v_encoding, v_expires_at
    from persist.persist_kv e
    where e.store = p_store and e.key = p_key
    for update;
    exit when found or v_expected is not null;
    v_now := clock_timestamp();
    insert into persist.persist_kv
      (store, key, value, encoding, version, expires_at, updated_at, deleted, lane, seq)
    values (p_store, p_key, v_value, p_encoding, 1, v_now + v_life, v_now, false, v_lane, v_seq)
    on conflict (store, key) do nothing;
    if found then
      status := 'applied';
      return next;
      return;
    end if;
  end loop;

  v_now := clock_timestamp();
  if v_expires_at <= v_now then
    v_current := null;
    v_encoding := null;
  end if;
  if v_current is not distinct from v_expected and v_encoding is not distinct from p_expected_encoding then
    update persist.persist_kv e
    set value = v_value, encoding = p_encoding, version = e.version + 1, expires_at = v_now + v_life, updated_at = v_now,
        deleted = false, lane = v_lane, seq = v_seq
    where e.store = p_store and e.key = p_key;
    status := 'applied';
  end if;
  return next;
end $$;

-- Clears away up to `p_limit` expired entries and never waits: a row that somebody writes is left to the next sweep.
--
-- No change for anybody who has seen the entry, since every reader and replica judges the same `expires_at`; so no lane is
-- taken. A replica that is behind may hold an earlier value of the key that does not expire. Where there was one, the row
-- becomes a tombstone in its old place in the feed, which such a replica has yet to read; where there was none (version 1)
-- the row goes.
--
-- A fresh write cannot be lost: a row is chosen by what it is when its lock is there, and the lock stays to the end.
create function persist.kv_sweep(p_store text, p_limit int)
returns table (swept int)
language plpgsql as $$
declare
  v_now timestamptz := clock_timestamp();
  v_keys text[];
begin
  v_keys := array(
    select e.key
    from persist.persist_kv e
    where e.store = p_store and e.expires_at <= v_now
    order by e.expires_at
    limit p_limit
    for update skip locked);
  delete from persist.persist_kv e
  where e.store = p_store and e.key = any(v_keys) and e.version = 1 and e.expires_at <= v_now;
  update persist.persist_kv e
  set value = null, encoding = null, expires_at = null, updated_at = e.expires_at, deleted = true
  where e.store = p_store and e.key = any(v_keys) and e.expires_at <= v_now;
  swept := cardinality(v_keys);
  return next;
end $$;
