-- One change of a remote and one key of this store, which may have been edited. Whoever calls these holds the remote's row, then a
-- lane: rows come after both, in key order.

-- Where a row stands in this store's feed, [[lane, seq]], or nothing.
create function persist.sync_place(p_store text, p_kind text, p_key text)
returns jsonb
language plpgsql stable as $$
begin
  return case p_kind
    when 'record' then (
      select jsonb_build_array(jsonb_build_array(r.lane, r.seq))
      from persist.persist_records r
      where r.store = p_store and r.key = p_key)
    when 'kv' then (
      select jsonb_build_array(jsonb_build_array(e.lane, e.seq))
      from persist.persist_kv e
      where e.store = p_store and e.key = p_key)
    else (
      select jsonb_build_array(jsonb_build_array(v.lane, v.seq))
      from persist.persist_events v
      where v.store = p_store and v.id = p_key)
  end;
end $$;

-- What stands under these keys, [[kind, key], …], is looked at again when the next mutations are taken.
create function persist.sync_resend(p_store text, p_remote text, p_keys jsonb)
returns void
language plpgsql as $$
declare
  v_places jsonb;
begin
  select jsonb_agg(p.place->0) into v_places
  from jsonb_array_elements(p_keys) k(item)
  cross join lateral (select persist.sync_place(p_store, k.item->>0, k.item->>1) as place) p
  where p.place is not null;
  if v_places is not null then
    update persist.persist_sync_remotes m
    set pushed = persist.sync_reconsider(p_store, m.pushed, v_places)
    where m.store = p_store and m.remote = p_remote;
  end if;
end $$;

-- Notes what the remote has of one key, and that the store's row is in step with it at `p_local_version`. -1 for never.
create function persist.sync_note(
  p_store text, p_remote text, p_kind text, p_key text, p_change jsonb, p_local_version bigint, p_generation int,
  p_keep_value boolean)
returns void
language plpgsql as $$
begin
  insert into persist.persist_sync_bases
    (store, remote, kind, key, version, local_version, deleted, hlc, value, generation)
  values (
    p_store, p_remote, p_kind, p_key, coalesce((p_change->>'version')::bigint, 0), p_local_version,
    coalesce((p_change->>'deleted')::boolean, false),
    persist.hlc_of_change(p_store, p_change),
    case when p_keep_value then p_change->'value' end, p_generation)
  on conflict (store, remote, kind, key) do update
  set version = excluded.version, local_version = excluded.local_version, deleted = excluded.deleted, hlc = excluded.hlc,
      value = excluded.value, lane = null, seq = null, generation = excluded.generation, lost_version = null,
      theirs = null, is_manual = false;
end $$;

-- Writes a remote's state of one key over whatever is there. `local_version` is the row's new version, 0 when there was nothing to
-- delete.
create function persist.sync_write(p_store text, p_kind text, p_key text, p_change jsonb)
returns table (local_version bigint)
language plpgsql as $$
declare
  v_deleted boolean := coalesce((p_change->>'deleted')::boolean, false);
  v_updated_at timestamptz := coalesce((p_change->>'updatedAt')::timestamptz, clock_timestamp());
  v_hlc text := coalesce(p_change->>'hlc', persist.hlc_of_time(p_store, v_updated_at));
  v_lane smallint;
  v_seq bigint;
begin
  local_version := 0;
  select t.taken_lane, t.last_seq into v_lane, v_seq from persist.take_lane(p_store, 1) t;
  if p_kind = 'record' and v_deleted then
    update persist.persist_records r
    set value = null, version = r.version + 1, updated_at = v_updated_at, deleted = true, lane = v_lane, seq = v_seq,
        by_client = null, by_mutation = null, hlc = v_hlc, hlc_version = r.version + 1
    where r.store = p_store and r.key = p_key
    returning r.version into local_version;
  elsif p_kind = 'record' then
    insert into persist.persist_records as r
      (store, key, value, version, updated_at, deleted, lane, seq, hlc, hlc_version)
    values (p_store, p_key, p_change->'value', 1, v_updated_at, false, v_lane, v_seq, v_hlc, 1)
    on conflict (store, key) do update
    set value = excluded.value, version = r.version + 1, updated_at = excluded.updated_at, deleted = false,
        lane = excluded.lane, seq = excluded.seq, by_client = null, by_mutation = null, hlc = excluded.hlc,
        hlc_version = r.version + 1
    returning r.version into local_version;
  elsif v_deleted then
    update persist.persist_kv e
    set value = null, encoding = null, expires_at = null, version = e.version + 1, updated_at = v_updated_at, deleted = true,
        lane = v_lane, seq = v_seq, hlc = v_hlc, hlc_version = e.version + 1
    where e.store = p_store and e.key = p_key
    returning e.version into local_version;
  else
    insert into persist.persist_kv as e
      (store, key, value, encoding, expires_at, version, updated_at, deleted, lane, seq, hlc, hlc_version)
    values (p_store, p_key, p_change->'value', p_change->>'encoding', (p_change->>'expiresAt')::timestamptz, 1, v_updated_at,
            false, v_lane, v_seq, v_hlc, 1)
    on conflict (store, key) do update
    set value = excluded.value, encoding = excluded.encoding, expires_at = excluded.expires_at, version = e.version + 1,
        updated_at = excluded.updated_at, deleted = false, lane = excluded.lane, seq = excluded.seq, hlc = excluded.hlc,
        hlc_version = e.version + 1
    returning e.version into local_version;
  end if;
  local_version := coalesce(local_version, 0);
  return next;
end $$;

-- A record or entry as it is here, as a change reads: for comparison. One row always; `local_version` is 0 when there is none.
create function persist.sync_local(p_store text, p_kind text, p_key text)
returns table (local_version bigint, deleted boolean, value jsonb, encoding text, expires_at timestamptz, updated_at timestamptz,
               hlc text, lane smallint, seq bigint)
language plpgsql as $$
begin
  local_version := 0;
  deleted := true;
  if p_kind = 'record' then
    select r.version, r.deleted, r.value, r.updated_at, case when r.hlc_version = r.version then r.hlc end, r.lane, r.seq
    into local_version, deleted, value, updated_at, hlc, lane, seq
    from persist.persist_records r
    where r.store = p_store and r.key = p_key
    for update;
  else
    select e.version, e.deleted, e.value, e.encoding, e.expires_at, e.updated_at,
           case when e.hlc_version = e.version then e.hlc end, e.lane, e.seq
    into local_version, deleted, value, encoding, expires_at, updated_at, hlc, lane, seq
    from persist.persist_kv e
    where e.store = p_store and e.key = p_key
    for update;
  end if;
  local_version := coalesce(local_version, 0);
  deleted := coalesce(deleted, true);
  return next;
end $$;

-- Takes in one change of a key that may have been edited here. `outcome`: 'unchanged', 'written', or 'conflict': the change waits in
-- `theirs` for a decision. The caller holds the remote's row, and a lane.
create function persist.sync_meet(p_store text, p_remote text, p_change jsonb, p_keep_value boolean)
returns table (outcome text)
language plpgsql as $$
declare
  v_kind text := p_change->>'kind';
  v_key text := p_change->>'key';
  v_version bigint := coalesce((p_change->>'version')::bigint, 0);
  v_deleted boolean := coalesce((p_change->>'deleted')::boolean, false);
  v_remote persist.persist_sync_remotes;
  v_base persist.persist_sync_bases;
  v_local record;
  v_sent bigint;
  v_lost bigint;
  v_is_edited boolean;
begin
  outcome := 'unchanged';
  select m.* into v_remote from persist.persist_sync_remotes m where m.store = p_store and m.remote = p_remote;
  select l.* into v_local from persist.sync_local(p_store, v_kind, v_key) l;
  select b.* into v_base
  from persist.persist_sync_bases b
  where b.store = p_store and b.remote = p_remote and b.kind = v_kind and b.key = v_key;

  if v_local.deleted = v_deleted and v_local.value is not distinct from p_change->'value'
     and v_local.encoding is not distinct from p_change->>'encoding'
     and v_local.expires_at is not distinct from (p_change->>'expiresAt')::timestamptz then
    perform persist.sync_note(
      p_store, p_remote, v_kind, v_key, p_change, v_local.local_version, v_remote.generation, p_keep_value);
    return next;
    return;
  end if;

  -- What was sent from here and answered by nobody: the change says that it has arrived. Not what a copy of this store sent under the
  -- same number.
  select q.local_version into v_sent
  from persist.persist_sync_queue q
  where q.store = p_store and q.remote = p_remote and q.kind = v_kind and q.key = v_key and q.status = 'in_flight'
    and p_change->'by'->>'client' = v_remote.client and (p_change->'by'->>'mutation')::bigint = q.mutation
    and q.payload->'value' is not distinct from p_change->'value' and (q.operation = 'delete') = v_deleted;
  if found then
    perform persist.sync_note(p_store, p_remote, v_kind, v_key, p_change, v_sent, v_remote.generation, p_keep_value);
    return next;
    return;
  end if;

  -- What the edit was made on, told once more: nobody has changed it there.
  if v_base.theirs is null and v_version > 0 and v_version = v_base.version and v_deleted = v_base.deleted
     and v_base.hlc = persist.hlc_of_change(p_store, p_change) then
    update persist.persist_sync_bases b
    set lane = null, seq = null, generation = v_remote.generation
    where b.store = p_store and b.remote = p_remote and b.kind = v_kind and b.key = v_key;
    return next;
    return;
  end if;

  -- An earlier state than the one that this store's was made on: the remote has lost that one, and gets it again.
  v_lost := case
    when v_base.lost_version is not null then v_base.lost_version
    when v_remote.resync in ('epoch', 'rewind') then v_base.version
    -- Deleted, and there was nothing to delete.
    when v_base.deleted and v_base.version = 0 then v_version + 1
  end;
  if v_version < v_lost and not p_change ? 'gone'
     and persist.hlc_of_change(p_store, p_change) collate "C" < v_base.hlc collate "C" then
    update persist.persist_sync_bases b
    set version = v_version, deleted = v_deleted, value = case when p_keep_value then p_change->'value' end, lane = null,
        seq = null, generation = v_remote.generation, lost_version = v_lost, theirs = null, is_manual = false
    where b.store = p_store and b.remote = p_remote and b.kind = v_kind and b.key = v_key;
    perform persist.sync_resend(p_store, p_remote, jsonb_build_array(jsonb_build_array(v_kind, v_key)));
    return next;
    return;
  end if;

  v_is_edited := case
    when v_base.key is null then not v_local.deleted
    else v_local.local_version <> v_base.local_version
         -- What was lost meets what was written since, unless that builds on it, or it was deleted here.
         or (v_version <= coalesce(v_base.lost_version, -1) and not v_local.deleted)
  end;
  if not v_is_edited then
    outcome := 'written';
    perform persist.sync_note(
      p_store, p_remote, v_kind, v_key, p_change, w.local_version, v_remote.generation, p_keep_value)
    from persist.sync_write(p_store, v_kind, v_key, p_change) w;
    return next;
    return;
  end if;

  outcome := 'conflict';
  insert into persist.persist_sync_bases as b
    (store, remote, kind, key, version, local_version, deleted, generation, theirs)
  values (p_store, p_remote, v_kind, v_key, 0, -1, true, v_remote.generation, p_change)
  on conflict (store, remote, kind, key) do update
  set theirs = excluded.theirs, generation = excluded.generation;
  return next;
end $$;
