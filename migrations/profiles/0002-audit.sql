-- The hash of an entry: of everything in it but the payload, for which its commitment stands.
create function pson.pson_audit_hash(p_entry pson.pson_profile_audit)
returns text
language plpgsql stable as $$
begin
  return encode(sha256(convert_to(jsonb_build_array(
    p_entry.profile_id, p_entry.entry, p_entry.chain, p_entry.revision, p_entry.action, p_entry.tenant_id,
    p_entry.idempotency_key,
    to_char(p_entry.recorded_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    p_entry.commitment, p_entry.previous_hash)::text, 'UTF8')), 'hex');
end $$;

create function pson.pson_audit_commitment(p_salt text, p_payload jsonb)
returns text
language plpgsql immutable as $$
begin
  return encode(sha256(convert_to(p_salt || p_payload::text, 'UTF8')), 'hex');
end $$;

create function pson.pson_last_entry(p_profile_id text)
returns pson.pson_profile_audit
language plpgsql as $$
declare
  v_entry pson.pson_profile_audit;
begin
  select a.* into v_entry
  from pson.pson_profile_audit a
  where a.profile_id = p_profile_id
  order by a.entry desc
  limit 1;
  return v_entry;
end $$;

-- Appends one entry and returns its hash. The caller holds the profile's lock. A profile whose last entry is a deletion
-- begins a new chain, which is tied to the old one by its hash.
create function pson.pson_append_audit(
  p_profile_id text, p_tenant text, p_revision int, p_action text, p_payload jsonb, p_idempotency_key text)
returns text
language plpgsql as $$
declare
  v_last pson.pson_profile_audit := pson.pson_last_entry(p_profile_id);
  v_entry pson.pson_profile_audit;
begin
  v_entry.profile_id := p_profile_id;
  v_entry.entry := coalesce(v_last.entry, 0) + 1;
  v_entry.chain := coalesce(v_last.chain, 1) + (coalesce(v_last.action, '') = 'delete')::int;
  v_entry.revision := p_revision;
  v_entry.action := p_action;
  v_entry.tenant_id := p_tenant;
  v_entry.idempotency_key := p_idempotency_key;
  v_entry.recorded_at := clock_timestamp();
  v_entry.payload := p_payload;
  v_entry.salt := replace(gen_random_uuid()::text, '-', '');
  v_entry.commitment := pson.pson_audit_commitment(v_entry.salt, p_payload);
  v_entry.previous_hash := coalesce(v_last.entry_hash, '');
  v_entry.entry_hash := pson.pson_audit_hash(v_entry);
  insert into pson.pson_profile_audit select v_entry.*;
  return v_entry.entry_hash;
end $$;

-- A page of the log. `p_after` is the entry behind which to go on, in the direction of reading; null for the first page.
-- Entries are numbered under the profile's lock, so a page neither skips nor repeats, whoever saves meanwhile.
create function pson.pson_list_audit(
  p_profile_id text, p_tenant text, p_after text, p_newest_first boolean, p_limit int)
returns table (entry text, chain int, revision int, action text, recorded_at text, payload jsonb, entry_hash text)
language plpgsql as $$
begin
  perform pson.pson_enter_tenant(p_tenant);
  if p_newest_first then
    return query
    select a.entry::text, a.chain, a.revision, a.action,
           to_char(a.recorded_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), a.payload, a.entry_hash
    from pson.pson_profile_audit a
    where a.profile_id = p_profile_id and (p_tenant is null or a.tenant_id = p_tenant)
      and (p_after is null or a.entry < p_after::bigint)
    order by a.entry desc
    limit p_limit;
  else
    return query
    select a.entry::text, a.chain, a.revision, a.action,
           to_char(a.recorded_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), a.payload, a.entry_hash
    from pson.pson_profile_audit a
    where a.profile_id = p_profile_id and (p_tenant is null or a.tenant_id = p_tenant)
      and (p_after is null or a.entry > p_after::bigint)
    order by a.entry
    limit p_limit;
  end if;
end $$;

-- Walks the log of a profile and computes it anew. One row: `valid`, the number of `entries`, and for an invalid log the first
-- `bad_entry` and `why`: 'missing' (there is none of that number), 'link' (not tied to the entry before), 'entry' (its own
-- fields were changed), 'payload' (that was changed), 'erased' (a payload is gone though the profile was not deleted), 'head'
-- (the end was cut off at that number, or the profile was written without an entry).
-- All of it is one query: a save meanwhile is either seen in the log and in the profile, or in neither.
create function pson.pson_verify_audit(p_profile_id text, p_tenant text)
returns table (valid boolean, entries text, bad_entry text, why text)
language plpgsql as $$
declare
  v_row record;
  v_entry pson.pson_profile_audit;
  v_count bigint := 0;
  v_previous text := '';
  v_action text := 'delete';
  v_head text;
begin
  perform pson.pson_enter_tenant(p_tenant);
  for v_row in
    select a as entry, p.head_hash, coalesce(max(a.entry) filter (where a.action = 'delete') over (), 0) as last_deleted
    from (select p_profile_id as profile_id) i
    left join pson.pson_profiles p
      on p.profile_id = i.profile_id and (p_tenant is null or p.tenant_id = p_tenant)
    left join pson.pson_profile_audit a
      on a.profile_id = i.profile_id and (p_tenant is null or a.tenant_id = p_tenant)
    order by a.entry
  loop
    v_entry := v_row.entry;
    v_head := v_row.head_hash;
    exit when v_entry.entry is null;
    v_count := v_count + 1;
    why := case
      when v_entry.entry <> v_count then 'missing'
      when v_entry.previous_hash <> v_previous then 'link'
      when v_entry.entry_hash <> pson.pson_audit_hash(v_entry) then 'entry'
      when v_entry.payload is not null
       and v_entry.commitment <> pson.pson_audit_commitment(coalesce(v_entry.salt, ''), v_entry.payload) then 'payload'
      when v_entry.payload is null and v_entry.entry > v_row.last_deleted then 'erased'
    end;
    exit when why is not null;
    v_previous := v_entry.entry_hash;
    v_action := v_entry.action;
  end loop;

  if why is null and coalesce(v_head <> v_previous, v_action <> 'delete') then
    why := 'head';
    bad_entry := (v_count + 1)::text;
  elsif why is not null then
    bad_entry := v_count::text;
  end if;
  valid := why is null;
  entries := v_count::text;
  return next;
end $$;
