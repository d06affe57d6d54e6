-- Removes a profile with its look-up, erases the payloads of its audit entries, and leaves a tombstone without personal data.
-- One row: `status` 'deleted', 'absent', or 'conflict' with the `revision` that is there.
create function pson.pson_delete_profile(p_profile_id text, p_expected text, p_tenant text)
returns table (status text, revision int)
language plpgsql as $$
declare
  v_old pson.pson_profiles;
begin
  perform pson.pson_enter_tenant(p_tenant);
  perform pson.pson_lock_profile(p_profile_id);
  select p.* into v_old
  from pson.pson_profiles p
  where p.profile_id = p_profile_id and (p_tenant is null or p.tenant_id = p_tenant);

  revision := coalesce(v_old.revision, 0);
  status := case
    when v_old.profile_id is null and (p_expected is null or p_expected = '0') then 'absent'
    when p_expected = 'present' and v_old.profile_id is null then 'conflict'
    when p_expected <> 'present' and revision::text <> p_expected then 'conflict'
    else 'deleted'
  end;
  if status = 'deleted' then
    delete from pson.pson_domain_index d where d.profile_id = p_profile_id;
    delete from pson.pson_profiles p where p.profile_id = p_profile_id;
    perform pson.pson_erase_audit(p_profile_id);
    perform pson.pson_append_audit(p_profile_id, v_old.tenant_id, v_old.revision, 'delete', '{}', null);
  end if;
  return next;
end $$;

-- With the rights of the owner, since the application's role has none to update the log. Only for a profile that is gone; the
-- log's own guard sees to that as well.
create function pson.pson_erase_audit(p_profile_id text)
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update pson.pson_profile_audit a
  set payload = null, salt = null
  where a.profile_id = p_profile_id and a.payload is not null
    and not exists (select 1 from pson.pson_profiles p where p.profile_id = p_profile_id);
end $$;
