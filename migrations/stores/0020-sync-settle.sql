-- What becomes of edits that the remote has answered.

-- Takes the remote's answer to what is in flight: a JSON array of {id, status, version?, seq?, gone?, current?, why?, serverTime?}. What was
-- applied leaves the queue and is in step; a conflict brings a change to be met; what was rejected is a dead letter. Answers to a
-- client id that has been changed since, or to what is not in flight, count for nothing.
create function persist.sync_settle(
  p_store text, p_remote text, p_owner text, p_client text, p_results text, p_keep_value boolean)
returns table (applied int, conflicts int, rejected int, skewed int)
language plpgsql as $$
declare
  v_remote persist.persist_sync_remotes;
  v_results jsonb := p_results::jsonb;
  v_now timestamptz := clock_timestamp();
  v_places jsonb := '[]';
  v_ahead bigint;
  v_reached jsonb;
  v_item record;
  v_local_version bigint;
  v_known bigint;
  v_by_id jsonb;
  v_taken bigint[];
  v_events text[];
  v_states jsonb;
  v_keys text[];
  v_behind jsonb;
  v_outcome text;
begin
  applied := 0;
  conflicts := 0;
  rejected := 0;
  skewed := 0;
  select m.* into v_remote
  from persist.persist_sync_remotes m
  where m.store = p_store and m.remote = p_remote
  for update;
  if v_remote.client is distinct from p_client then
    return next;
    return;
  end if;
  v_ahead := v_remote.clock_ahead_ms;
  v_reached := (select jsonb_object_agg(p.item->>0, p.item->1) from jsonb_array_elements(v_remote.position) p(item));

  select jsonb_object_agg(s.item->>'id', s.item), array_agg((s.item->>'id')::bigint) into v_by_id, v_taken
  from jsonb_array_elements(v_results) s(item)
  where s.item->>'status' in ('applied', 'duplicate');
  with done as (
    delete from persist.persist_sync_queue q
    where q.store = p_store and q.remote = p_remote and q.status = 'in_flight' and q.mutation = any(v_taken)
    returning q.mutation, q.kind, q.key, q.local_version, q.operation, q.payload
  )
  select count(*), array_agg(d.key) filter (where d.kind = 'event'),
         jsonb_agg(jsonb_build_array(
           d.kind, d.key, d.local_version, d.operation, d.payload->'base', d.payload->'hlc', d.payload->'value',
           v_by_id->(d.mutation::text)) order by d.kind, d.key collate "C"),
         array_agg(d.key)
  into applied, v_events, v_states, v_keys
  from done d;

  -- A dead letter of a key is settled by a later write of it that was taken, but for one that holds what was overwritten here.
  delete from persist.persist_sync_queue q
  where q.store = p_store and q.remote = p_remote and q.status = 'failed' and q.mutation > 0 and q.key = any(v_keys)
    and (q.kind = 'event' and q.key = any(v_events)
      or exists (select 1 from jsonb_array_elements(v_states) a(item) where a.item->>0 = q.kind and a.item->>1 = q.key));

  delete from persist.persist_sync_bases b
  where b.store = p_store and b.remote = p_remote and b.kind = 'event' and b.key = any(v_events);
  with noted as (
    insert into persist.persist_sync_bases as b
      (store, remote, kind, key, version, local_version, deleted, hlc, value, lane, seq, generation)
    select p_store, p_remote, a.item->>0, a.item->>1,
           coalesce(
             (a.item->7->>'version')::bigint,
             greatest(
               -- What it came to may have been pulled before.
               case when p.seq is null then k.version end,
               coalesce(
                 nullif((a.item->>4)::bigint, 0) + 1,
                 -- Where there was nothing to delete there still is nothing.
                 case when a.item->>3 in ('delete', 'kv.delete') then 0 else 1 end))),
           (a.item->>2)::bigint, a.item->>3 in ('delete', 'kv.delete'),
           -- Without a stamp the remote gives it the time at which it was taken, which the feed will tell.
           coalesce(a.item->>5, persist.hlc_of_edit(p_store, null, v_now, k.hlc, v_ahead, v_remote.client)),
           case when p_keep_value then a.item->6 end, p.lane, p.seq, v_remote.generation
    from jsonb_array_elements(v_states) a(item)
    left join lateral (
      select b.hlc, b.version
      from persist.persist_sync_bases b
      where b.store = p_store and b.remote = p_remote and b.kind = a.item->>0 and b.key = a.item->>1
      limit 1
    ) k on true
    -- What made no difference there has a place that may have been read long ago. It does not come again.
    left join lateral (
      select s.lane, s.seq
      from (
        select split_part(a.item->7->>'seq', ':', 1)::smallint as lane, split_part(a.item->7->>'seq', ':', 2)::bigint as seq
      ) s
      where s.seq > coalesce((v_reached->>(s.lane::text))::bigint, 0)
    ) p on true
    -- Of an event only that is noted, until it comes back.
    where a.item->>0 <> 'event' or p.seq is not null
    on conflict (store, remote, kind, key) do update
    set version = excluded.version, local_version = excluded.local_version, deleted = excluded.deleted,
        hlc = excluded.hlc, value = excluded.value, lane = excluded.lane, seq = excluded.seq,
        generation = excluded.generation, lost_version = null,
        theirs = case when (b.theirs->>'version')::bigint > excluded.version then b.theirs end, is_manual = false
    returning b.theirs
  )
  select coalesce(jsonb_agg(n.theirs) filter (where n.theirs is not null), '[]') into v_behind from noted n;

  -- What was taken and is deleted there by now, without a trace.
  select v_behind || coalesce(jsonb_agg(jsonb_build_object(
           'kind', a.item->0, 'key', a.item->1, 'version', 0, 'deleted', true, 'gone', true)), '[]')
  into v_behind
  from jsonb_array_elements(v_states) a(item)
  where a.item->7 ? 'gone';

  if v_behind <> '[]' or exists (
    select 1 from jsonb_array_elements(v_results) s(item) where s.item->>'status' in ('conflict', 'gone')) then
    perform t.taken_lane from persist.take_lane(p_store, 0) t;
  end if;

  -- A later change of the remote, which was pulled while the edit was on its way.
  for v_item in
    select s.item from jsonb_array_elements(v_behind) s(item) order by s.item->>'kind' = 'kv', s.item->>'key' collate "C"
  loop
    select t.outcome into v_outcome from persist.sync_meet(p_store, p_remote, v_item.item, p_keep_value) t;
    if v_item.item ? 'gone' and v_outcome <> 'conflict' then
      delete from persist.persist_sync_bases b
      where b.store = p_store and b.remote = p_remote and b.kind = v_item.item->>'kind' and b.key = v_item.item->>'key';
    end if;
  end loop;

  select jsonb_object_agg(s.item->>'id', s.item), array_agg((s.item->>'id')::bigint) into v_by_id, v_taken
  from jsonb_array_elements(v_results) s(item)
  where s.item->>'status' not in ('applied', 'duplicate');
  for v_item in
    select q.id, q.kind, q.key, q.payload, v_by_id->(q.mutation::text) as result,
           q.local_version as sent_version, b.version, b.local_version, b.theirs
    from persist.persist_sync_queue q
    left join lateral (
      select k.version, k.local_version, k.theirs
      from persist.persist_sync_bases k
      where k.store = p_store and k.remote = p_remote and k.kind = q.kind and k.key = q.key
      limit 1
    ) b on true
    where q.store = p_store and q.remote = p_remote and q.status = 'in_flight' and q.mutation = any(v_taken)
    order by q.kind = 'kv', q.key
  loop
    case v_item.result->>'status'
    when 'conflict', 'gone' then
      conflicts := conflicts + 1;
      delete from persist.persist_sync_queue q where q.store = p_store and q.remote = p_remote and q.id = v_item.id;
      v_places := v_places || coalesce(persist.sync_place(p_store, v_item.kind, v_item.key), '[]');
      -- The answer is that of the first time, and a later change may have been pulled since: it waits to be decided, or what is here is in
      -- step with it, or another edit was made on it, whose answer is yet to come.
      select l.local_version into v_local_version from persist.sync_local(p_store, v_item.kind, v_item.key) l;
      v_known := case
        when v_item.theirs is not null then (v_item.theirs->>'version')::bigint
        when v_local_version = v_item.local_version or v_local_version <> v_item.sent_version then v_item.version
      end;
      if coalesce(v_known, 0) <= coalesce((v_item.result->'current'->>'version')::bigint, 0)
         and (v_item.result->'current' is not null or v_item.result->>'status' = 'gone') then
        select t.outcome into v_outcome
        from persist.sync_meet(
          p_store, p_remote,
          coalesce(v_item.result->'current', '{"version": 0, "deleted": true, "gone": true}')
            || jsonb_build_object('kind', v_item.kind, 'key', v_item.key)
            -- A deletion has no value, however it came.
            - case when (v_item.result->'current'->>'deleted')::boolean then 'value' else '' end,
          p_keep_value) t;
      end if;
    when 'skew' then
      if v_item.payload->>'hlc' like '%-' || v_remote.client then
        skewed := skewed + 1;
        v_ahead := greatest(0, v_remote.clock_ahead_ms + left(v_item.payload->>'hlc', 15)::bigint
          - floor(extract(epoch from (v_item.result->>'serverTime')::timestamptz) * 1000)::bigint);
        delete from persist.persist_sync_queue q where q.store = p_store and q.remote = p_remote and q.id = v_item.id;
        v_places := v_places || coalesce(persist.sync_place(p_store, v_item.kind, v_item.key), '[]');
      else
        -- The stamp is of another store: no clock of this one would make it right.
        rejected := rejected + 1;
        update persist.persist_sync_queue q
        set status = 'failed', reason = 'skew', updated_at = v_now
        where q.store = p_store and q.remote = p_remote and q.id = v_item.id;
      end if;
    when 'rejected' then
      rejected := rejected + 1;
      update persist.persist_sync_queue q
      set status = 'failed', reason = coalesce(v_item.result->>'why', 'rejected'), updated_at = v_now
      where q.store = p_store and q.remote = p_remote and q.id = v_item.id;
    else
      null;
    end case;
  end loop;

  update persist.persist_sync_remotes m
  set acknowledged = greatest(m.acknowledged, (
        select max((s.item->>'id')::bigint) from jsonb_array_elements(v_results) s(item)
        where (s.item->>'id')::bigint <= m.last_mutation)),
      pushed = persist.sync_reconsider(p_store, m.pushed, v_places), clock_ahead_ms = v_ahead,
      pushed_at = case when v_results = '[]' then m.pushed_at else v_now end,
      -- The lease of who has taken over since stays.
      lease_owner = nullif(m.lease_owner, p_owner),
      lease_until = case when m.lease_owner <> p_owner then m.lease_until end
  where m.store = p_store and m.remote = p_remote;
  return next;
end $$;
