-- The feed as a replica reads it: where it stands, whether a reader may go on, and a page of it.

-- The epoch that replicas are told: the clock's own, and where it is kept. So a dump that is restored elsewhere, a branch and a
-- server that was recovered to an earlier point have another, though the rows of the clock are the same.
create function persist.sync_epoch(p_store text, p_epoch uuid)
returns text
language plpgsql stable as $$
declare
  v_place text := concat_ws(
    '/', p_epoch, (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()),
    -- Where storage is shared by branches, each has a timeline of its own under one system identifier.
    pg_catalog.current_setting('neon.timeline_id', true));
begin
  if p_epoch is null then
    return null;
  end if;
  -- Not everywhere is everybody allowed to read the control file.
  if pg_catalog.has_function_privilege(pg_catalog.to_regprocedure('pg_catalog.pg_control_system()'), 'execute') then
    v_place := concat_ws('/', v_place, (select s.system_identifier from pg_catalog.pg_control_system() s));
  end if;
  if pg_catalog.has_function_privilege(pg_catalog.to_regprocedure('pg_catalog.pg_control_checkpoint()'), 'execute') then
    v_place := concat_ws('/', v_place, (select k.timeline_id from pg_catalog.pg_control_checkpoint() k));
  end if;
  return pg_catalog.md5(v_place)::uuid::text;
end $$;

-- Why a cursor cannot be continued, or null. `p_position` is [[lane, seq], …] or, where the reader began below a floor that it knew,
-- [lane, seq, floor]: the tombstones up to there are of things that it never had. `p_epoch` is '' for a cursor from before there was any
-- history: whoever holds it may have written since, and so is below every floor.
--
-- Called from a function that is stable, it sees the same snapshot.
create function persist.sync_refusal(p_store text, p_epoch text, p_position text)
returns text
language plpgsql stable as $$
declare
  v_position jsonb := p_position::jsonb;
  v_epoch text;
  v_is_ahead boolean;
  v_is_below boolean;
begin
  select persist.sync_epoch(p_store, min(c.epoch::text)::uuid),
         -- A lane that the cursor knows and the clock does not, as well as one that is not so far.
         coalesce(bool_or((k.item->>1)::bigint > c.seq), false) or count(k.item) < jsonb_array_length(v_position),
         bool_or(coalesce((k.item->>1)::bigint, 0) < c.floor and coalesce((k.item->>2)::bigint, 0) < c.floor)
  into v_epoch, v_is_ahead, v_is_below
  from persist.persist_sync_clock c
  left join jsonb_array_elements(v_position) k(item) on (k.item->>0)::int = c.lane
  where c.store = p_store;
  return case
    when p_epoch <> '' and v_epoch <> p_epoch then 'epoch'
    when v_is_ahead then 'rewind'
    when v_is_below then 'floor'
  end;
end $$;

-- Where the feed stands. `head` is the clock, [[lane, seq], …] with seqs as text; `epoch` null while the store has no history.
create function persist.sync_head(p_store text)
returns table (epoch text, head jsonb, server_time text)
language plpgsql stable as $$
begin
  select persist.sync_epoch(p_store, min(c.epoch::text)::uuid),
         coalesce(jsonb_agg(jsonb_build_array(c.lane, c.seq::text) order by c.lane), '[]')
  into epoch, head
  from persist.persist_sync_clock c
  where c.store = p_store;
  server_time := to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
  return next;
end $$;

-- One page of changes after a position. `p_epoch` is null for a reader that starts from nothing, else the epoch of its cursor;
-- `p_position` as for `sync_refusal`. Only keys and streams that begin with `p_scope`. `p_known_head` is what the reader
-- knows of the clock, "lane:seq,…", or null, and `p_known_epoch` under which epoch, where it knows that. One snapshot for the clock and the rows.
--
-- One row. `status`: 'ok'; 'unchanged' when the clock is as known: no row was read; 'resync' with `why`. `position` is the new one
-- and `head` the clock, with seqs as text. `changes` is a JSON array, in each lane by seq; `more` says that the page was cut.
-- `last_mutation` is that of `p_client`, null when `p_principal` has no such client.
create function persist.sync_pull_v2(
  p_store text, p_epoch text, p_position text, p_limit int, p_max_bytes int, p_scope text, p_client text, p_known_head text,
  p_known_epoch text, p_principal text)
returns table (status text, why text, epoch text, "position" jsonb, head jsonb, changes jsonb, more boolean, last_mutation text)
language plpgsql stable as $$
declare
  v_position jsonb := p_position::jsonb;
  -- Rows of a narrow scope may lie far apart: a page looks at so many of each kind, and at more only while it has found none.
  v_span constant int := 10000;
  v_head text;
  v_lane record;
  v_from bigint;
  v_to bigint;
  v_bound bigint;
  v_page jsonb;
  v_rows int;
  v_found int;
  v_bytes bigint;
  v_left int := p_limit;
  v_left_bytes bigint := p_max_bytes;
begin
  status := 'ok';
  more := false;
  select persist.sync_epoch(p_store, min(c.epoch::text)::uuid),
         coalesce(jsonb_agg(jsonb_build_array(c.lane, c.seq::text) order by c.lane), '[]'),
         coalesce(string_agg(c.lane || ':' || c.seq, ',' order by c.lane), '')
  into epoch, head, v_head
  from persist.persist_sync_clock c
  where c.store = p_store;
  if p_client is not null then
    select c.last_mutation::text into last_mutation
    from persist.persist_sync_clients c
    where c.store = p_store and c.client = p_client and c.principal = p_principal;
  end if;
  if p_epoch is not null then
    why := persist.sync_refusal(p_store, p_epoch, p_position);
  end if;
  if why is not null or (v_head = p_known_head and coalesce(p_known_epoch, epoch, '') = coalesce(epoch, '')) then
    status := case when why is null then 'unchanged' else 'resync' end;
    return next;
    return;
  end if;

  "position" := '[]';
  changes := '[]';
  for v_lane in
    select c.lane, c.seq, c.floor, coalesce((k.item->>1)::bigint, 0) as known,
           case when p_epoch is null then c.floor else (k.item->>2)::bigint end as known_floor
    from persist.persist_sync_clock c
    left join jsonb_array_elements(v_position) k(item) on (k.item->>0)::int = c.lane
    where c.store = p_store
    order by c.lane
  loop
    v_to := v_lane.known;
    while v_to < v_lane.seq and not more loop
      if v_left <= 0 or v_left_bytes <= 0 then
        more := true;
        exit;
      end if;
      v_from := v_to;
      v_bound := v_lane.seq;
      if p_scope <> '' then
        select coalesce(min(b.seq), v_lane.seq) into v_bound
        from (
          (select r.seq from persist.persist_records r
           where r.store = p_store and r.lane = v_lane.lane and r.seq > v_from order by r.seq offset v_span - 1 limit 1)
          union all
          (select e.seq from persist.persist_kv e
           where e.store = p_store and e.lane = v_lane.lane and e.seq > v_from order by e.seq offset v_span - 1 limit 1)
          union all
          (select v.seq from persist.persist_events v
           where v.store = p_store and v.lane = v_lane.lane and v.seq > v_from order by v.seq offset v_span - 1 limit 1)
        ) b;
      end if;

      -- One row more than fits tells whether the span is done. The first change of a page is never too large for it.
      select jsonb_agg(p.change order by p.seq) filter (where p.fits),
             count(*) filter (where p.fits), count(*), max(p.seq) filter (where p.fits), max(p.bytes) filter (where p.fits)
      into v_page, v_rows, v_found, v_to, v_bytes
      from (
        select s.seq, s.bytes,
               s.place <= v_left and (s.bytes <= v_left_bytes or (s.place = 1 and v_left = p_limit)) as fits,
               case when s.kind = 'event' then
                 jsonb_strip_nulls(jsonb_build_object(
                   'kind', s.kind, 'id', s.key, 'stream', s.stream, 'version', s.version, 'type', s.type,
                   'timestamp', to_char(s.written_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                   'seq', v_lane.lane || ':' || s.seq))
                 || jsonb_build_object('payload', s.value)
                 || case when s.metadata is null then '{}' else jsonb_build_object('metadata', s.metadata) end
               else
                 jsonb_strip_nulls(jsonb_build_object(
                   'kind', s.kind, 'key', s.key, 'deleted', case when s.deleted then true end, 'version', s.version,
                   'seq', v_lane.lane || ':' || s.seq,
                   'updatedAt', to_char(s.written_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                   'hlc', s.hlc, 'encoding', s.encoding,
                   'expiresAt', to_char(s.expires_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                   'by', case when s.by_client is not null then
                     jsonb_build_object('client', s.by_client, 'mutation', s.by_mutation) end))
                 || case when s.deleted then '{}' else jsonb_build_object('value', s.value) end
               end as change
        from (
          select n.*, row_number() over w as place,
                 sum(coalesce(octet_length(n.value::text), 0) + coalesce(octet_length(n.metadata::text), 0)
                     + octet_length(n.key) + coalesce(octet_length(n.stream), 0) + 200) over w as bytes
          from (
            (select r.seq, 'record' as kind, r.key, r.value, r.version, r.deleted, r.updated_at as written_at,
                    case when r.hlc_version = r.version then r.hlc end as hlc, r.by_client, r.by_mutation,
                    null as encoding, null::timestamptz as expires_at,
                    null as stream, null as type, null::jsonb as metadata
             from persist.persist_records r
             where r.store = p_store and r.lane = v_lane.lane and r.seq > v_from and r.seq <= v_bound
               and starts_with(r.key, p_scope)
             order by r.seq
             limit v_left + 1)
            union all
            (select e.seq, 'kv', e.key, e.value, e.version, e.deleted, e.updated_at,
                    case when e.hlc_version = e.version then e.hlc end, null, null,
                    e.encoding, e.expires_at, null, null, null
             from persist.persist_kv e
             where e.store = p_store and e.lane = v_lane.lane and e.seq > v_from and e.seq <= v_bound
               and starts_with(e.key, p_scope)
             order by e.seq
             limit v_left + 1)
            union all
            (select v.seq, 'event', v.id, v.payload, v.version, false, v.timestamp, null, null, null,
                    null, null, v.stream, v.type, v.metadata
             from persist.persist_events v
             where v.store = p_store and v.lane = v_lane.lane and v.seq > v_from and v.seq <= v_bound
               and starts_with(v.stream, p_scope)
             order by v.seq
             limit v_left + 1)
          ) n
          window w as (order by n.seq rows unbounded preceding)
          order by n.seq
          limit v_left + 1
        ) s
      ) p;
      changes := changes || coalesce(v_page, '[]');
      v_left := v_left - v_rows;
      v_left_bytes := v_left_bytes - coalesce(v_bytes, 0);
      if v_rows < v_found then
        more := true;
        v_to := coalesce(v_to, v_from);
      else
        v_to := v_bound;
        more := v_bound < v_lane.seq and v_left < p_limit;
      end if;
    end loop;
    "position" := "position" || jsonb_build_array(
      jsonb_build_array(v_lane.lane, v_to::text)
      || case when v_to < v_lane.known_floor then jsonb_build_array(v_lane.known_floor::text) else '[]' end);
  end loop;
  return next;
end $$;
