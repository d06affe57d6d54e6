-- Reads. Each enters the caller's tenant and filters by it: row-level security is a second lock, not the only one.

-- `p_profile_ids` is a JSON array. `document` is null when its revision is one of `p_known` (a JSON array of revisions), or
-- whatever it is when `p_known` is 'any'.
create function pson.pson_read_profiles(p_profile_ids text, p_tenant text, p_known text)
returns table (profile_id text, revision int, document jsonb)
language plpgsql as $$
begin
  perform pson.pson_enter_tenant(p_tenant);
  return query
  select p.profile_id, p.revision,
         case when p_known is null then p.document
              when p_known = 'any' then null
              when p_known::jsonb @> to_jsonb(p.revision) then null
              else p.document end
  from jsonb_array_elements_text(p_profile_ids::jsonb) i(id)
  join pson.pson_profiles p on p.profile_id = i.id
  where p_tenant is null or p.tenant_id = p_tenant;
end $$;

-- The profiles of a user in the order in which they were first saved; `last_saved` marks the one saved last.
create function pson.pson_find_profiles(p_user_id text, p_tenant text, p_with_documents boolean)
returns table (profile_id text, revision int, document jsonb, last_saved boolean, saved_at text)
language plpgsql as $$
begin
  perform pson.pson_enter_tenant(p_tenant);
  return query
  select p.profile_id, p.revision, case when p_with_documents then p.document end,
         row_number() over (order by d.saved_at desc, d.profile_id desc) = 1,
         to_char(d.saved_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
  from pson.pson_domain_index d
  join pson.pson_profiles p on p.profile_id = d.profile_id and p.user_id = d.user_id
  where d.user_id = p_user_id and (p_tenant is null or p.tenant_id = p_tenant)
  order by d.added_at, d.profile_id;
end $$;

-- The document of the profile that a user saved last; no row when there is none.
create function pson.pson_read_latest_profile(p_user_id text, p_tenant text)
returns table (profile_id text, revision int, document jsonb)
language plpgsql as $$
begin
  perform pson.pson_enter_tenant(p_tenant);
  return query
  select p.profile_id, p.revision, p.document
  from pson.pson_domain_index d
  join pson.pson_profiles p on p.profile_id = d.profile_id and p.user_id = d.user_id
  where d.user_id = p_user_id and (p_tenant is null or p.tenant_id = p_tenant)
  order by d.saved_at desc, d.profile_id desc
  limit 1;
end $$;

-- The revisions that the log of a profile holds since it was last deleted, in order.
create function pson.pson_list_revisions(p_profile_id text, p_tenant text)
returns table (revision int)
language plpgsql as $$
begin
  perform pson.pson_enter_tenant(p_tenant);
  return query
  select distinct a.revision
  from pson.pson_profile_audit a
  where a.profile_id = p_profile_id and a.action <> 'delete' and (p_tenant is null or a.tenant_id = p_tenant)
    and a.chain = (select max(l.chain) from pson.pson_profile_audit l where l.profile_id = p_profile_id)
    and exists (select 1 from pson.pson_profiles p where p.profile_id = p_profile_id)
  order by a.revision;
end $$;
