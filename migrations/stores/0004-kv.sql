-- Sets one entry. `p_ttl_ms` is its life in milliseconds by the database's clock, null for ever.
-- `p_encoding` says how a value that JSON cannot hold was written ('base64'), null for plain JSON.
create function persist.kv_set(p_store text, p_key text, p_value text, p_encoding text, p_ttl_ms text)
returns table (version text, updated_at text)
language plpgsql as $$
declare
  v_value jsonb := p_value::jsonb;
  v_life interval := p_ttl_ms::double precision * interval '1 millisecond';
  v_lane smallint;
  v_seq bigint;
  v_version bigint;
  v_updated_at timestamptz;
begin
  select t.taken_lane, t.last_seq into v_lane, v_seq from persist.take_lane(p_store, 1) t;
  insert into persist.persist_kv as e
    (store, key, value, encoding, version, expires_at, updated_at, deleted, lane, seq)
  values
    (p_store, p_key, v_value, p_encoding, 1, clock_timestamp() + v_life, clock_timestamp(), false, v_lane, v_seq)
  on conflict (store, key) do update
  set value = excluded.value, encoding = excluded.encoding, version = e.version + 1, expires_at = excluded.expires_at,
      updated_at = excluded.updated_at, deleted = false, lane = excluded.lane, seq = excluded.seq
  returning e.version, e.updated_at into v_version, v_updated_at;
  version := v_version::text;
  updated_at := to_char(v_updated_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
  return next;
end $$;

-- `status` is 'applied' or 'absent'. An expired entry is absent: the answer does not depend on whether it was swept.
create function persist.kv_delete(p_store text, p_key text)
returns table (status text)
language plpgsql as $$
declare
  v_lane smallint;
  v_seq bigint;
  v_now timestamptz := clock_timestamp();
begin
  status := 'absent';
  perform 1
  from persist.persist_kv e
  where e.store = p_store and e.key = p_key and not e.deleted and (e.expires_at is null or e.expires_at > v_now);
  if found then
    select t.taken_lane, t.last_seq into v_lane, v_seq from persist.take_lane(p_store, 1) t;
    update persist.persist_kv e
    set value = null, encoding = null, version = e.version + 1, expires_at = null, updated_at = v_now, deleted = true,
        lane = v_lane, seq = v_seq
    where e.store = p_store and e.key = p_key and not e.deleted and (e.expires_at is null or e.expires_at > v_now);
    if found then
      status := 'applied';
    end if;
  end if;
  return next;
end $$;
