-- The receiving half of a store that syncs with a remote. Changes are those of `sync_pull_v2`, as JSON. Every function here locks
-- the remote's row first, then a lane, then rows in key order; what makes no difference takes no lane and moves no row.

-- What the remote no longer has, when all of it was pulled again: keys that the last generation did not note.
--
-- Under 'epoch' and 'rewind' the remote has lost them, and they wait to be sent; what was deleted stays noted, should another replica
-- bring it back. Else they were deleted there so long ago that no trace is left: they are deleted here too, and an edit of one meets a
-- deletion that cannot be undone by sending it. Of keys outside of `p_scope` nothing was pulled, and nothing is known.
create function persist.sync_sweep(p_store text, p_remote text, p_scope text, p_keep_value boolean)
returns table (written int, conflicts int)
language plpgsql as $$
declare
  v_remote persist.persist_sync_remotes;
  v_records text[];
  v_entries text[];
  v_count bigint;
  v_lane smallint;
  v_last_seq bigint;
  v_now timestamptz;
  v_base record;
  v_outcome text;
begin
  written := 0;
  conflicts := 0;
  select m.* into v_remote from persist.persist_sync_remotes m where m.store = p_store and m.remote = p_remote;
  if v_remote.resync in ('epoch', 'rewind') then
    update persist.persist_sync_bases b
    set version = 0, value = null, lost_version = coalesce(b.lost_version, nullif(b.version, 0)), theirs = null, is_manual = false,
        generation = v_remote.generation
    where b.store = p_store and b.remote = p_remote and b.generation < v_remote.generation and b.kind <> 'event';
    return next;
    return;
  end if;

  -- What is as it was left, in one statement for each kind: there may be many.
  v_records := array(
    select b.key
    from persist.persist_sync_bases b
    join persist.persist_records r on r.store = p_store and r.key = b.key
    where b.store = p_store and b.remote = p_remote and b.kind = 'record' and b.generation < v_remote.generation
      and starts_with(b.key, p_scope) and b.theirs is null and b.lost_version is null and r.version = b.local_version and not r.deleted
    order by b.key);
  v_entries := array(
    select b.key
    from persist.persist_sync_bases b
    join persist.persist_kv e on e.store = p_store and e.key = b.key
    where b.store = p_store and b.remote = p_remote and b.kind = 'kv' and b.generation < v_remote.generation
      and starts_with(b.key, p_scope) and b.theirs is null and b.lost_version is null and e.version = b.local_version and not e.deleted
    order by b.key);
  v_count := cardinality(v_records) + cardinality(v_entries);
  if v_count > 0 then
    select t.taken_lane, t.last_seq into v_lane, v_last_seq from persist.take_lane(p_store, v_count) t;
    v_now := clock_timestamp();
    perform 1 from persist.persist_records r where r.store = p_store and r.key = any(v_records) order by r.key for update;
    with gone as (
      update persist.persist_records r
      set value = null, version = r.version + 1, updated_at = v_now, deleted = true, lane = v_lane,
          seq = v_last_seq - v_count + k.place, by_client = null, by_mutation = null,
          hlc = persist.hlc_of_time(p_store, v_now), hlc_version = r.version + 1
      from unnest(v_records) with ordinality k(key, place)
      join persist.persist_sync_bases b on b.store = p_store and b.remote = p_remote and b.kind = 'record' and b.key = k.key
      where r.store = p_store and r.key = k.key and r.version = b.local_version
      returning r.key
    )
    select coalesce(array_agg(g.key), '{}') into v_records from gone g;
    perform 1 from persist.persist_kv e where e.store = p_store and e.key = any(v_entries) order by e.key for update;
    with gone as (
      update persist.persist_kv e
      set value = null, encoding = null, expires_at = null, version = e.version + 1, updated_at = v_now, deleted = true,
          lane = v_lane, seq = v_last_seq - cardinality(v_entries) + k.place,
          hlc = persist.hlc_of_time(p_store, v_now), hlc_version = e.version + 1
      from unnest(v_entries) with ordinality k(key, place)
      join persist.persist_sync_bases b on b.store = p_store and b.remote = p_remote and b.kind = 'kv' and b.key = k.key
      where e.store = p_store and e.key = k.key and e.version = b.local_version
      returning e.key
    )
    select coalesce(array_agg(g.key), '{}') into v_entries from gone g;
    written := cardinality(v_records) + cardinality(v_entries);
  end if;
  -- These, and what was deleted here as well.
  delete from persist.persist_sync_bases b
  where b.store = p_store and b.remote = p_remote and b.generation < v_remote.generation and starts_with(b.key, p_scope)
    and not (b.deleted and b.version = 0 and b.hlc is not null and b.theirs is null)
    and case b.kind
      when 'record' then
        not exists (select 1 from persist.persist_records r where r.store = p_store and r.key = b.key and not r.deleted)
      when 'kv' then
        not exists (select 1 from persist.persist_kv e where e.store = p_store and e.key = b.key and not e.deleted)
    end;

  -- What was edited here, one by one.
  v_lane := null;
  for v_base in
    select b.kind, b.key
    from persist.persist_sync_bases b
    where b.store = p_store and b.remote = p_remote and b.generation < v_remote.generation and starts_with(b.key, p_scope)
      and b.kind <> 'event'
      -- What is known to be deleted and gone stays so.
      and not (b.deleted and b.version = 0 and b.hlc is not null and b.theirs is null)
    order by b.kind, b.key
  loop
    if v_lane is null then
      select t.taken_lane into v_lane from persist.take_lane(p_store, 0) t;
    end if;
    select t.outcome into v_outcome
    from persist.sync_meet(p_store, p_remote, jsonb_build_object(
      'kind', v_base.kind, 'key', v_base.key, 'version', 0, 'deleted', true, 'gone', true), p_keep_value) t;
    if v_outcome = 'conflict' then
      conflicts := conflicts + 1;
    else
      written := written + (v_outcome = 'written')::int;
      delete from persist.persist_sync_bases b
      where b.store = p_store and b.remote = p_remote and b.kind = v_base.kind and b.key = v_base.key;
    end if;
  end loop;
  return next;
end $$;

-- Whether something in flight builds on a version that the remote has no more and counts up to again: a record that was deleted there,
-- whose tombstone is gone, and that was made anew. Sent as it is, it would pass for an edit of the new one.
create function persist.sync_is_void(p_store text, p_remote text)
returns boolean
language plpgsql stable as $$
begin
  return exists (
    select 1
    from persist.persist_sync_queue q
    left join persist.persist_sync_bases b
      on b.store = p_store and b.remote = p_remote and b.kind = q.kind and b.key = q.key
    where q.store = p_store and q.remote = p_remote and q.status = 'in_flight' and (q.payload->>'base')::bigint > 0
      and case when b.theirs is null then coalesce(b.version, 0) < (q.payload->>'base')::bigint
               else coalesce((b.theirs->>'version')::bigint, 0) <= (q.payload->>'base')::bigint end);
end $$;

-- One page and the cursor that it brings, together. `p_from` is the cursor that it was asked with, `p_position` the lanes of `p_to` and
-- `p_epoch` its epoch, null while there is no history, and `p_scope` what was asked for. `status`: 'ok'; or nothing was applied:
-- 'stale' when the store is not at `p_from` any more, 'replaced' when the page is of another history than the store has read. `resend`:
-- the page has shown that something has to be sent which was sent before. `awaited` is how far the remote's feed has to get,
-- [[lane, seq], …] with seqs as text, until all that it has taken is pulled; null when it is, and while there are more pages.
create function persist.sync_apply(
  p_store text, p_remote text, p_from text, p_to text, p_position text, p_changes text, p_more boolean, p_keep_value boolean,
  p_epoch text, p_scope text)
returns table (status text, written int, unchanged int, conflicts int, resend boolean, awaited jsonb)
language plpgsql as $$
declare
  v_remote persist.persist_sync_remotes;
  v_changes jsonb := p_changes::jsonb;
  v_position jsonb := p_position::jsonb;
  v_now timestamptz := clock_timestamp();
  v_reached jsonb := (
    select coalesce(jsonb_object_agg(p.item->>0, p.item->1), '{}') from jsonb_array_elements(p_position::jsonb) p(item));
  v_lost jsonb := '[]';
  v_new_client text := gen_random_uuid()::text;
  v_part record;
begin
  status := 'stale';
  written := 0;
  unchanged := 0;
  conflicts := 0;
  resend := false;
  select m.* into v_remote
  from persist.persist_sync_remotes m
  where m.store = p_store and m.remote = p_remote
  for update;
  if v_remote.remote is null or v_remote.cursor is distinct from p_from then
    return next;
    return;
  end if;
  if v_remote.epoch <> p_epoch then
    status := 'replaced';
    return next;
    return;
  end if;
  status := 'ok';

  -- In the order of every other write of several kinds.
  for v_part in
    select a.written, a.unchanged, a.conflicts, a.lost
    from persist.sync_apply_states(p_store, p_remote, 'record', v_changes, v_position, p_keep_value) a
    union all
    select a.written, a.unchanged, 0, 0
    from persist.sync_apply_events(p_store, p_remote, v_changes) a
    union all
    select a.written, a.unchanged, a.conflicts, a.lost
    from persist.sync_apply_states(p_store, p_remote, 'kv', v_changes, v_position, false) a
  loop
    written := written + v_part.written;
    unchanged := unchanged + v_part.unchanged;
    conflicts := conflicts + v_part.conflicts;
    resend := resend or v_part.lost > 0;
  end loop;

  if v_remote.resync is null and not p_more then
    -- All was read up to here, and what was pushed came back by now, or what followed on it did. What did not is gone: the remote
    -- is an earlier one than that which took it. It waits to be sent again.
    with lost as (
      update persist.persist_sync_bases b
      set version = 0, value = null, lane = null, seq = null, lost_version = coalesce(b.lost_version, nullif(b.version, 0)), deleted = false
      where b.store = p_store and b.remote = p_remote and b.seq is not null and b.theirs is null
        and b.seq <= coalesce((v_reached->>(b.lane::text))::bigint, 0)
      returning b.kind, b.key
    )
    select coalesce(jsonb_agg(jsonb_build_array(l.kind, l.key)), '[]') into v_lost from lost l;
    if v_lost <> '[]' then
      resend := true;
      perform persist.sync_resend(p_store, p_remote, v_lost);
    end if;
  end if;
  if v_remote.resync is not null and not p_more then
    select s.written, s.conflicts into v_part from persist.sync_sweep(p_store, p_remote, p_scope, p_keep_value) s;
    written := written + v_part.written;
    conflicts := conflicts + v_part.conflicts;
    if v_remote.resync in ('epoch', 'rewind', 'scope') or persist.sync_is_void(p_store, p_remote) then
      -- What is in flight was numbered for another history, or scope. It waits again, under a client id that this one does not know.
      resend := true;
      with void as (
        delete from persist.persist_sync_queue q
        where q.store = p_store and q.remote = p_remote and q.status = 'in_flight'
        returning q.kind, q.key
      )
      select coalesce(jsonb_agg(jsonb_build_array(v.kind, v.key)), '[]') into v_lost from void v;
      perform persist.sync_resend(p_store, p_remote, v_lost);
      update persist.persist_sync_remotes m
      set client = v_new_client, last_mutation = 0, acknowledged = 0
      where m.store = p_store and m.remote = p_remote;
    end if;
  end if;
  if p_to <> coalesce(p_from, '') or v_remote.resync is not null then
    update persist.persist_sync_remotes m
    set "cursor" = p_to, "position" = v_position, pulled_at = v_now, resync = case when p_more then m.resync end,
        epoch = coalesce(p_epoch, m.epoch)
    where m.store = p_store and m.remote = p_remote;
  end if;
  if not p_more then
    select jsonb_agg(jsonb_build_array(a.lane, a.seq::text)) into awaited
    from (
      select b.lane, max(b.seq) as seq
      from persist.persist_sync_bases b
      where b.store = p_store and b.remote = p_remote and b.seq is not null
      group by b.lane
    ) a;
    if v_remote.epoch is not null and v_position = '[]' then
      awaited := coalesce(awaited, '[[0, "1"]]');
    end if;
  end if;
  return next;
end $$;

-- After the remote has answered that the cursor cannot be continued: the next pull begins at the start. What is here stays, and stays
-- readable; `sync_sweep` ends it.
create function persist.sync_restart(p_store text, p_remote text, p_why text)
returns table (generation int)
language plpgsql as $$
declare
  v_replaced boolean := p_why in ('epoch', 'rewind');
begin
  update persist.persist_sync_remotes m
  set generation = m.generation + 1, "cursor" = null, "position" = '[]', resync = p_why,
      epoch = case when not v_replaced then m.epoch end,
      -- What lay outside of the scope before was passed over.
      pushed = case when v_replaced or p_why = 'scope' then '[]' else m.pushed end
  where m.store = p_store and m.remote = p_remote
  returning m.generation into generation;
  if v_replaced then
    perform persist.sync_lose_events(p_store, p_remote);
  else
    delete from persist.persist_sync_bases b
    where b.store = p_store and b.remote = p_remote and b.kind = 'event';
  end if;
  update persist.persist_sync_bases b
  set lane = null, seq = null
  where b.store = p_store and b.remote = p_remote and b.seq is not null;
  return next;
end $$;
