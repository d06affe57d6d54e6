-- The records and entries of a page, most of them in one statement.

-- The records of a page, or with 'kv' its entries. Rows that are as they were left are written in one statement; what was edited
-- here goes through `sync_meet`, one by one. `lost` counts what the remote has to get again.
create function persist.sync_apply_states(
  p_store text, p_remote text, p_kind text, p_changes jsonb, p_position jsonb, p_keep_value boolean)
returns table (written int, unchanged int, conflicts int, lost int)
language plpgsql as $$
declare
  v_keys text[] := array(
    select c.item->>'key' from jsonb_array_elements(p_changes) c(item) where c.item->>'kind' = p_kind order by c.item->>'key' collate "C");
  v_generation int;
  v_is_replaced boolean;
  v_client text;
  v_places jsonb;
  v_differ bigint;
  v_lane smallint;
  v_last_seq bigint;
  -- As many as could differ: the second look may find more than the first one did.
  v_places_taken constant bigint := cardinality(v_keys);
  v_judged jsonb;
  v_written jsonb;
  v_doubtful jsonb;
  v_echoes jsonb;
  v_lost jsonb;
  v_item jsonb;
  v_outcome text;
  v_attempt int;
begin
  written := 0;
  unchanged := 0;
  conflicts := 0;
  lost := 0;
  if v_keys = '{}' then
    return next;
    return;
  end if;
  select m.generation, coalesce(m.resync in ('epoch', 'rewind'), false), m.client
  into v_generation, v_is_replaced, v_client
  from persist.persist_sync_remotes m
  where m.store = p_store and m.remote = p_remote;
  v_places := (select jsonb_object_agg(p.item->>0, p.item->1) from jsonb_array_elements(p_position) p(item));

  -- First look without a lock: a page that brings nothing new must not move the feed. Second look with the rows held.
  -- One word for each change: what became of it.
  for v_attempt in 1..2 loop
    select jsonb_agg(jsonb_build_array(j.key, j.local_version, j.word, j.change, j.lost_version) order by j.key collate "C"),
           count(*) filter (where j.word in ('write', 'slow'))
    into v_judged, v_differ
    from (
      select c.item->>'key' as key, coalesce(l.version, 0) as local_version, c.item as change,
             case
               when b.seq is not null and (c.item->>'version')::bigint <= b.version
                    and coalesce((v_places->>(b.lane::text))::bigint, 0) < b.seq then 'stale'
               when coalesce(l.deleted, true) = coalesce((c.item->>'deleted')::boolean, false)
                    and l.value is not distinct from c.item->'value'
                    and l.encoding is not distinct from c.item->>'encoding'
                    and l.expires_at is not distinct from (c.item->>'expiresAt')::timestamptz then 'same'
               -- What was sent from here, in the place that the answer gave; it may have been edited here again.
               when c.item->>'seq' = b.lane || ':' || b.seq and (c.item->>'version')::bigint = b.version
                    and (c.item->'by'->>'client' = v_client or c.item->>'hlc' = b.hlc) then 'echo'
               when l.version is not null and l.version is distinct from b.local_version
                    and not (l.deleted and b.version is null) then 'slow'
               -- An earlier state than the one that was known: the remote has lost that one, and gets it again.
               when (c.item->>'version')::bigint < b.known_version
                    and persist.hlc_of_change(p_store, c.item) collate "C" < b.hlc collate "C" then 'lost'
               -- What the remote had taken is gone there, or was given out again; or it is not what was pushed, nor what came after it.
               when (c.item->>'version')::bigint <= b.known_version and not l.deleted then 'doubtful'
               else 'write'
             end as word,
             case when b.known_version = 9223372036854775807 then (c.item->>'version')::bigint + 1 else b.known_version
             end as lost_version
      from jsonb_array_elements(p_changes) c(item)
      -- `limit 1` makes these look-ups by key, whatever the planner thinks of the size of the tables.
      left join lateral (
        (select r.version, r.deleted, r.value, null as encoding, null::timestamptz as expires_at
         from persist.persist_records r
         where p_kind = 'record' and r.store = p_store and r.key = c.item->>'key'
         limit 1)
        union all
        (select e.version, e.deleted, e.value, e.encoding, e.expires_at
         from persist.persist_kv e
         where p_kind = 'kv' and e.store = p_store and e.key = c.item->>'key'
         limit 1)
      ) l on true
      left join lateral (
        select k.version, k.local_version, k.hlc, k.lane, k.seq,
               -- What the remote has had, where it may have less now.
               case when k.lost_version is not null then k.lost_version
                    when v_is_replaced or k.seq is not null then k.version
                    when k.deleted and k.version = 0 then 9223372036854775807
               end as known_version
        from persist.persist_sync_bases k
        where k.store = p_store and k.remote = p_remote and k.kind = p_kind and k.key = c.item->>'key'
        limit 1
      ) b on true
      where c.item->>'kind' = p_kind
    ) j;
    exit when v_attempt = 2 or v_differ = 0;

    select t.taken_lane, t.last_seq into v_lane, v_last_seq from persist.take_lane(p_store, v_places_taken) t;
    if p_kind = 'record' then
      perform 1 from persist.persist_records r where r.store = p_store and r.key = any(v_keys) order by r.key for update;
    else
      perform 1 from persist.persist_kv e where e.store = p_store and e.key = any(v_keys) order by e.key for update;
    end if;
  end loop;

  -- A row that somebody made in between is not at the version that was judged: it is left alone and met one by one.
  if p_kind = 'record' then
    with written as (
      insert into persist.persist_records as r
        (store, key, value, version, updated_at, deleted, lane, seq, hlc, hlc_version)
      select p_store, j.item->>0, j.item->3->'value', (j.item->>1)::bigint + 1, (j.item->3->>'updatedAt')::timestamptz,
             coalesce((j.item->3->>'deleted')::boolean, false), v_lane, v_last_seq - v_places_taken + j.place,
             persist.hlc_of_change(p_store, j.item->3), (j.item->>1)::bigint + 1
      from (
        select w.item, row_number() over (order by w.place) as place
        from jsonb_array_elements(v_judged) with ordinality w(item, place)
        where w.item->>2 = 'write'
      ) j
      on conflict (store, key) do update
      set value = excluded.value, version = excluded.version, updated_at = excluded.updated_at, deleted = excluded.deleted,
          lane = excluded.lane, seq = excluded.seq, by_client = null, by_mutation = null, hlc = excluded.hlc,
          hlc_version = excluded.hlc_version
      where r.version = excluded.version - 1
      returning r.key, r.version
    )
    select jsonb_object_agg(w.key, w.version) into v_written from written w;
  else
    with written as (
      insert into persist.persist_kv as e
        (store, key, value, encoding, expires_at, version, updated_at, deleted, lane, seq, hlc, hlc_version)
      select p_store, j.item->>0, j.item->3->'value', j.item->3->>'encoding', (j.item->3->>'expiresAt')::timestamptz,
             (j.item->>1)::bigint + 1, (j.item->3->>'updatedAt')::timestamptz,
             coalesce((j.item->3->>'deleted')::boolean, false), v_lane, v_last_seq - v_places_taken + j.place,
             persist.hlc_of_change(p_store, j.item->3), (j.item->>1)::bigint + 1
      from (
        select w.item, row_number() over (order by w.place) as place
        from jsonb_array_elements(v_judged) with ordinality w(item, place)
        where w.item->>2 = 'write'
      ) j
      on conflict (store, key) do update
      set value = excluded.value, encoding = excluded.encoding, expires_at = excluded.expires_at, version = excluded.version,
          updated_at = excluded.updated_at, deleted = excluded.deleted, lane = excluded.lane, seq = excluded.seq,
          hlc = excluded.hlc, hlc_version = excluded.hlc_version
      where e.version = excluded.version - 1
      returning e.key, e.version
    )
    select jsonb_object_agg(w.key, w.version) into v_written from written w;
  end if;

  insert into persist.persist_sync_bases
    as b (store, remote, kind, key, version, local_version, deleted, hlc, value, generation, lost_version)
  select p_store, p_remote, p_kind, d.item->>0, (d.item->3->>'version')::bigint, d.local_version,
         coalesce((d.item->3->>'deleted')::boolean, false), persist.hlc_of_change(p_store, d.item->3),
         case when p_keep_value then d.item->3->'value' end, v_generation, d.lost_version
  from (
    select j.item, j.place, case j.item->>2 when 'lost' then (j.item->>4)::bigint end as lost_version,
           case j.item->>2 when 'write' then (v_written->>(j.item->>0))::bigint
                           else (j.item->>1)::bigint end as local_version
    from jsonb_array_elements(v_judged) with ordinality j(item, place)
    where j.item->>2 in ('same', 'lost') or v_written ? (j.item->>0)
  ) d
  -- A tombstone of what was never here needs no note.
  where not (d.local_version = 0 and coalesce((d.item->3->>'deleted')::boolean, false))
  order by d.place
  on conflict (store, remote, kind, key) do update
  set version = excluded.version, local_version = excluded.local_version, deleted = excluded.deleted,
      -- What was lost keeps the stamp under which it is sent again.
      hlc = case when excluded.lost_version is null then excluded.hlc else b.hlc end,
      value = excluded.value, lane = null, seq = null, generation = excluded.generation, lost_version = excluded.lost_version,
      theirs = null, is_manual = false;

  select jsonb_object_agg(j.item->>0, j.item->3) filter (where j.item->>2 = 'doubtful'),
         jsonb_object_agg(j.item->>0, persist.hlc_of_change(p_store, j.item->3)) filter (where j.item->>2 = 'echo'),
         jsonb_agg(jsonb_build_array(p_kind, j.item->>0)) filter (where j.item->>2 = 'lost')
  into v_doubtful, v_echoes, v_lost
  from jsonb_array_elements(v_judged) j(item);
  if v_doubtful is not null then
    -- What both sides began with is not known, but where it was lost before.
    update persist.persist_sync_bases b
    set value = case when b.lost_version is not null then b.value end, lane = null, seq = null, generation = v_generation,
        lost_version = coalesce(b.lost_version, b.version), theirs = v_doubtful->b.key, is_manual = false
    where b.store = p_store and b.remote = p_remote and b.kind = p_kind
      and b.key = any(array(select jsonb_object_keys(v_doubtful)));
  end if;
  if v_echoes is not null then
    update persist.persist_sync_bases b
    set lane = null, seq = null, generation = v_generation, hlc = v_echoes->>b.key
    where b.store = p_store and b.remote = p_remote and b.kind = p_kind
      and b.key = any(array(select jsonb_object_keys(v_echoes)));
  end if;
  if v_lost is not null then
    lost := jsonb_array_length(v_lost);
    perform persist.sync_resend(p_store, p_remote, v_lost);
  end if;

  select count(*) filter (where v_written ? (j.item->>0)), count(*) filter (where j.item->>2 in ('same', 'lost', 'echo')),
         count(*) filter (where j.item->>2 = 'doubtful')
  into written, unchanged, conflicts
  from jsonb_array_elements(v_judged) j(item);

  for v_item in
    select j.item->3
    from jsonb_array_elements(v_judged) with ordinality j(item, place)
    where j.item->>2 = 'slow' or (j.item->>2 = 'write' and not coalesce(v_written ? (j.item->>0), false))
    order by j.place
  loop
    select t.outcome into v_outcome from persist.sync_meet(p_store, p_remote, v_item, p_keep_value) t;
    written := written + (v_outcome = 'written')::int;
    unchanged := unchanged + (v_outcome = 'unchanged')::int;
    conflicts := conflicts + (v_outcome = 'conflict')::int;
  end loop;
  return next;
end $$;
