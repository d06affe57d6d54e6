-- Writes that are done once however often they are sent. Each carries a key; the key's row and the write commit together, so
-- whoever comes again with the key finds the row, or neither.
--
-- `digest` tells whether it is the same write, `answer` is what its function answered. Not part of the change feed.
create table persist.persist_idempotency (
  store text collate "C" not null,
  key text collate "C" not null,
  digest text not null,
  answer jsonb,
  expires_at timestamptz not null,
  primary key (store, key)
);

create index persist_idempotency_expiry on persist.persist_idempotency (store, expires_at);

-- What makes two calls the same: the function and its arguments as JSON, whatever the order of members. The ids of events do
-- not count: they may be new each time that a call is made.
create function persist.call_digest(p_store text, p_call jsonb)
returns text
language plpgsql immutable as $$
declare
  v_content jsonb := p_call;
begin
  if p_call->>0 = 'event_append' then
    select (p_call - 2) || coalesce(jsonb_agg(e.event - 0 order by e.place), '[]') into v_content
    from jsonb_array_elements(p_call->2->0) with ordinality e(event, place);
  elsif p_call->>0 = 'transact' then
    select (p_call - 1) || jsonb_agg(
      case when i.item->>1 = 'append' then
        (i.item - 3) || (
          select jsonb_build_array(jsonb_agg(e.event - 0 order by e.place))
          from jsonb_array_elements(i.item->3) with ordinality e(event, place))
      else i.item end order by i.place)
    into v_content
    from jsonb_array_elements(p_call->1->0) with ordinality i(item, place);
  end if;
  return encode(sha256(convert_to(v_content::text, 'UTF8')), 'hex');
end $$;

-- Calls a function that writes, once for each key. `p_call` is a JSON array of the function's name and its arguments behind
-- p_store: a text, number or null as it is, what the function takes as JSON text as an array of that one value, or of none for
-- null. `p_life_ms` is how long the key is remembered.
--
-- One row: `status` 'done'; 'repeated', nothing was written now and the answer is that of the first time; or 'refused': nothing
-- was written, the answer says why, and the key is free again. `answer` is a JSON array of the rows of the function. Raises
-- OT004 when the key was used for another call.
--
-- The key's row is held before anything else is: two calls with one key queue up there, and the lane and the rows come after,
-- as in every write.
create function persist.write_once(p_store text, p_key text, p_call text, p_life_ms text)
returns table (status text, answer jsonb)
language plpgsql as $$
declare
  v_call jsonb := p_call::jsonb;
  v_function text := v_call->>0;
  v_digest text := persist.call_digest(p_store, v_call);
  -- The start of the transaction, so that the calls of one transaction judge a key alike.
  v_now timestamptz := now();
  v_expires_at timestamptz := v_now + p_life_ms::double precision * interval '1 millisecond';
  v_known text;
  v_expired text[];
begin
  insert into persist.persist_idempotency as i (store, key, digest, answer, expires_at)
  values (p_store, p_key, v_digest, null, v_expires_at)
  on conflict (store, key) do update
  set digest = excluded.digest, answer = null, expires_at = excluded.expires_at
  where i.expires_at <= v_now;
  if not found then
    select i.digest, i.answer into v_known, answer
    from persist.persist_idempotency i
    where i.store = p_store and i.key = p_key;
    if v_known <> v_digest then
      raise exception 'the idempotency key was used for another call' using errcode = 'OT004', detail = '{}';
    end if;
    status := 'repeated';
    return next;
    return;
  end if;

  -- A function with one column gives no row to make an object of.
  case v_function
  when 'record_put' then
    select jsonb_agg(to_jsonb(f)) into answer
    from persist.record_put(p_store, v_call->>1, (v_call->2->0)::text, v_call->>3) f;
  when 'record_delete' then
    select jsonb_agg(to_jsonb(f)) into answer
    from persist.record_delete(p_store, v_call->>1, v_call->>2) f;
  when 'record_patch' then
    select jsonb_agg(to_jsonb(f)) into answer
    from persist.record_patch(p_store, v_call->>1, (v_call->2->0)::text, v_call->>3, (v_call->>4)::int) f;
  when 'record_put_many' then
    select jsonb_agg(to_jsonb(f)) into answer
    from persist.record_put_many(p_store, (v_call->1->0)::text) f;
  when 'record_delete_many' then
    select jsonb_agg(jsonb_build_object('deleted_key', f.deleted_key)) into answer
    from persist.record_delete_many(p_store, (v_call->1->0)::text) f;
  when 'event_append' then
    select jsonb_agg(to_jsonb(f) order by f.place) into answer
    from persist.event_append(p_store, v_call->>1, (v_call->2->0)::text, v_call->>3)
         with ordinality f(status, id, version, "timestamp", place);
  when 'kv_set' then
    select jsonb_agg(to_jsonb(f)) into answer
    from persist.kv_set(p_store, v_call->>1, (v_call->2->0)::text, v_call->>3, v_call->>4) f;
  when 'kv_delete' then
    select jsonb_agg(jsonb_build_object('status', f.status)) into answer
    from persist.kv_delete(p_store, v_call->>1) f;
  when 'kv_set_many' then
    select jsonb_agg(jsonb_build_object('written', f.written)) into answer
    from persist.kv_set_many(p_store, (v_call->1->0)::text) f;
  when 'kv_delete_many' then
    select jsonb_agg(jsonb_build_object('deleted', f.deleted)) into answer
    from persist.kv_delete_many(p_store, (v_call->1->0)::text) f;
  when 'kv_increment' then
    select jsonb_agg(to_jsonb(f)) into answer
    from persist.kv_increment(p_store, v_call->>1, v_call->>2, v_call->>3) f;
  when 'kv_compare_set' then
    select jsonb_agg(jsonb_build_object('status', f.status)) into answer
    from persist.kv_compare_set(
      p_store, v_call->>1, (v_call->2->0)::text, v_call->>3, (v_call->4->0)::text, v_call->>5, v_call->>6) f;
  when 'transact' then
    select jsonb_agg(to_jsonb(f)) into answer
    from persist.transact(p_store, (v_call->1->0)::text) f;
  end case;
  answer := coalesce(answer, '[]');

  -- What the caller is told as an error is no answer to keep: it may be mended and sent again under the same key.
  status := 'done';
  perform 1
  from jsonb_array_elements(answer) r(item)
  where r.item->>'status' in ('conflict', 'id-conflict', 'too-large', 'not-a-number', 'out-of-range')
     or (v_function = 'record_patch' and r.item->>'status' = 'absent');
  if found then
    status := 'refused';
    delete from persist.persist_idempotency i where i.store = p_store and i.key = p_key;
  else
    update persist.persist_idempotency i
    set answer = write_once.answer
    where i.store = p_store and i.key = p_key;
  end if;

  -- Each call clears away more than it brings. Last, since from here on it waits for nobody.
  v_expired := array(
    select i.key
    from persist.persist_idempotency i
    where i.store = p_store and i.expires_at <= v_now
    order by i.expires_at
    limit 4
    for update skip locked);
  delete from persist.persist_idempotency i where i.store = p_store and i.key = any(v_expired) and i.expires_at <= v_now;
  return next;
end $$;
