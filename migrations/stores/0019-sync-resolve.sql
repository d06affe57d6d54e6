-- What becomes of edits that have met a change of the remote.

-- Changes of a remote that met an edit, and what a decision needs. `base_version` and `local_version` are '0' for none; `is_edit` is
-- false for what is here only because the remote once had it, and has lost it.
create function persist.sync_unresolved(p_store text, p_remote text, p_limit int)
returns table (kind text, key text, base_version text, base_value jsonb, has_base_value boolean, local_version text, local_value jsonb,
               local_deleted boolean, local_hlc text, is_edit boolean, theirs jsonb)
language plpgsql as $$
begin
  return query
  select b.kind, b.key, b.version::text, b.value, b.value is not null, coalesce(r.version, e.version, 0)::text, coalesce(r.value, e.value),
         coalesce(r.deleted, e.deleted, true),
         persist.hlc_of_edit(
           p_store,
           case when r.hlc_version = r.version then r.hlc when e.hlc_version = e.version then e.hlc end,
           coalesce(r.updated_at, e.updated_at), b.hlc, m.clock_ahead_ms, m.client),
         b.lost_version is null or b.local_version <> coalesce(r.version, e.version, 0), b.theirs
  from persist.persist_sync_bases b
  join persist.persist_sync_remotes m on m.store = p_store and m.remote = p_remote
  left join persist.persist_records r on r.store = p_store and b.kind = 'record' and r.key = b.key
  left join persist.persist_kv e on e.store = p_store and b.kind = 'kv' and e.key = b.key
  where b.store = p_store and b.remote = p_remote and b.theirs is not null and not b.is_manual
    -- The answer to what is in flight says whether theirs came before it or after.
    and not exists (
      select 1
      from persist.persist_sync_queue q
      where q.store = p_store and q.remote = p_remote and q.kind = b.kind and q.key = b.key and q.status = 'in_flight')
  order by b.kind, b.key
  limit p_limit;
end $$;

-- Decides. `p_decisions` is a JSON array of [kind, key, local_version, theirs_version, choice, value?], the versions those that the
-- decision was made on, as numbers; one that has changed since is skipped and comes up again.
--
-- | choice | |
-- |---|---|
-- | local | the edit stays and will be sent, as made on theirs |
-- | remote | theirs is written; with `p_reason` the edit is kept as a dead letter |
-- | value | the value, or without one a deletion, is written and will be sent, as made on theirs |
-- | manual | both are kept until `sync_decide` |
create function persist.sync_resolve(p_store text, p_remote text, p_decisions text, p_keep_value boolean, p_reason text)
returns table (resolved int, skipped int)
language plpgsql as $$
declare
  v_remote persist.persist_sync_remotes;
  v_places jsonb := '[]';
  v_item jsonb;
  v_kind text;
  v_key text;
  v_theirs jsonb;
  v_local record;
begin
  resolved := 0;
  skipped := 0;
  select m.* into v_remote
  from persist.persist_sync_remotes m
  where m.store = p_store and m.remote = p_remote
  for update;

  -- The lane before the rows, as every writer does.
  if exists (select 1 from jsonb_array_elements(p_decisions::jsonb) d(item) where d.item->>4 in ('remote', 'value')) then
    perform t.taken_lane from persist.take_lane(p_store, 0) t;
  end if;
  for v_item in
    select d.item
    from jsonb_array_elements(p_decisions::jsonb) d(item)
    order by d.item->>0 = 'kv', (d.item->>1) collate "C"
  loop
    v_kind := v_item->>0;
    v_key := v_item->>1;
    select l.* into v_local from persist.sync_local(p_store, v_kind, v_key) l;
    select b.theirs into v_theirs
    from persist.persist_sync_bases b
    where b.store = p_store and b.remote = p_remote and b.kind = v_kind and b.key = v_key;
    if v_theirs is null or v_local.local_version <> (v_item->>2)::bigint
       or coalesce((v_theirs->>'version')::bigint, 0) <> (v_item->>3)::bigint then
      skipped := skipped + 1;
      continue;
    end if;
    resolved := resolved + 1;

    if v_item->>4 = 'manual' then
      update persist.persist_sync_bases b
      set is_manual = true
      where b.store = p_store and b.remote = p_remote and b.kind = v_kind and b.key = v_key;
      continue;
    end if;

    if v_item->>4 = 'remote' then
      if p_reason is not null then
        insert into persist.persist_sync_queue
          (store, remote, id, mutation, operation, kind, key, local_version, payload, status, reason, attempts, created_at, updated_at)
        values (
          p_store, p_remote, gen_random_uuid(), 0,
          case when v_kind = 'record' then case when v_local.deleted then 'delete' else 'put' end
               else case when v_local.deleted then 'kv.delete' else 'kv.set' end end,
          v_kind, v_key, v_local.local_version,
          jsonb_strip_nulls(jsonb_build_object(
            'key', v_key, 'encoding', v_local.encoding,
            'expiresAt', to_char(v_local.expires_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')))
            || case when v_local.deleted then '{}'::jsonb else jsonb_build_object('value', v_local.value) end,
          'failed', p_reason, 0, clock_timestamp(), clock_timestamp());
      end if;
      perform persist.sync_note(
        p_store, p_remote, v_kind, v_key, v_theirs, w.local_version, v_remote.generation, p_keep_value)
      from persist.sync_write(p_store, v_kind, v_key, v_theirs) w;
    else
      if v_item->>4 = 'value' then
        perform w.local_version
        from persist.sync_write(p_store, v_kind, v_key,
          case when jsonb_array_length(v_item) > 5 then jsonb_build_object('value', v_item->5) else '{"deleted": true}' end) w;
      end if;
      perform persist.sync_note(p_store, p_remote, v_kind, v_key, v_theirs, -1, v_remote.generation, p_keep_value);
      if v_item->>4 = 'value' then
        -- It is a write of its own, with a stamp of its own.
        update persist.persist_records r
        set hlc = null
        where r.store = p_store and v_kind = 'record' and r.key = v_key;
        update persist.persist_kv e
        set hlc = null
        where e.store = p_store and v_kind = 'kv' and e.key = v_key;
      end if;
      v_places := v_places || coalesce(persist.sync_place(p_store, v_kind, v_key), '[]');
    end if;
  end loop;

  if v_places <> '[]' then
    update persist.persist_sync_remotes m
    set pushed = persist.sync_reconsider(p_store, m.pushed, v_places)
    where m.store = p_store and m.remote = p_remote;
  end if;
  return next;
end $$;

-- Decides a conflict that waits for a person: `p_winner` 'local', 'remote' or 'value' with `p_value`, JSON text. `p_remote` is null for
-- any. `status`: 'resolved', with the record's version, null when it is deleted, or 'none': there is no such conflict.
create function persist.sync_decide(
  p_store text, p_remote text, p_key text, p_winner text, p_value text, p_keep_value boolean)
returns table (status text, version text)
language plpgsql as $$
declare
  v_found record;
  v_one int;
  v_done int := 0;
begin
  for v_found in
    select m.remote
    from persist.persist_sync_remotes m
    where m.store = p_store and (p_remote is null or m.remote = p_remote)
    order by m.remote
    for update
  loop
    perform t.taken_lane from persist.take_lane(p_store, 0) t;
    select f.resolved into v_one
    from persist.persist_sync_bases b
    cross join lateral persist.sync_local(p_store, 'record', b.key) l
    cross join lateral persist.sync_resolve(
      p_store, v_found.remote,
      jsonb_build_array(jsonb_build_array(
        'record', b.key, l.local_version, coalesce((b.theirs->>'version')::bigint, 0), p_winner)
        || case when p_winner = 'value' then jsonb_build_array(p_value::jsonb) else '[]' end)::text,
      p_keep_value, null) f
    where b.store = p_store and b.remote = v_found.remote and b.kind = 'record' and b.key = p_key and b.is_manual;
    v_done := v_done + coalesce(v_one, 0);
  end loop;
  status := case when v_done > 0 then 'resolved' else 'none' end;
  select r.version::text into version
  from persist.persist_records r
  where r.store = p_store and r.key = p_key and not r.deleted;
  return next;
end $$;

-- Conflicts that wait for a person. A side that is deleted has no value.
create function persist.sync_conflicts(p_store text, p_remote text, p_limit int)
returns table (remote text, key text, local_value jsonb, local_version text, local_deleted boolean, remote_value jsonb,
               remote_version text, remote_deleted boolean)
language plpgsql stable as $$
begin
  return query
  select b.remote, b.key, r.value, coalesce(r.version, 0)::text, coalesce(r.deleted, true), b.theirs->'value',
         coalesce(b.theirs->>'version', '0'), coalesce((b.theirs->>'deleted')::boolean, false)
  from persist.persist_sync_bases b
  left join persist.persist_records r on r.store = p_store and r.key = b.key
  where b.store = p_store and (p_remote is null or b.remote = p_remote) and b.kind = 'record' and b.theirs is not null
    and b.is_manual
  order by b.remote, b.key
  limit p_limit;
end $$;
