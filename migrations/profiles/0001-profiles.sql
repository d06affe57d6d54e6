-- Profiles: one row per profile, an append-only log of revisions, and the look-up by user as a table of its own.
-- `pson.` stands for the schema and `pson_` for the table prefix that the application names.

create table pson.pson_profiles (
  profile_id text collate "C" not null,
  user_id text collate "C" not null,
  tenant_id text collate "C",
  revision int not null,
  document jsonb not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (profile_id)
);

-- `changed_paths` names the top-level members that differ from the revision before.
create table pson.pson_profile_audit (
  profile_id text collate "C" not null,
  revision int not null,
  action text not null,
  changed_paths jsonb not null,
  actor text,
  request_id text,
  trace_id text,
  recorded_at timestamptz not null,
  primary key (profile_id, revision)
);

create table pson.pson_domain_index (
  user_id text collate "C" not null,
  profile_id text collate "C" not null,
  tenant_id text collate "C",
  domains jsonb not null,
  primary key (user_id, profile_id)
);

create index pson_domain_index_profile on pson.pson_domain_index (profile_id);

-- Saves a document: revision + 1, the audit entry and the index row together. The document is stored as it is but for
-- `metadata.revision`. `p_expected` is null (any), 'present', or the revision the caller last saw, '0' for a profile that
-- must not exist yet. `p_context` is a JSON object of which actor, request_id and trace_id are recorded.
--
-- One row: `status` 'saved' with the new revision; 'conflict' with the revision that is there (0 for none); 'forbidden' when
-- the profile belongs to another tenant than the document.
create function pson.pson_save_profile(p_profile_id text, p_document text, p_expected text, p_context text)
returns table (status text, revision int)
language plpgsql as $$
declare
  v_document jsonb := p_document::jsonb;
  v_context jsonb := p_context::jsonb;
  v_tenant text := v_document->>'tenant_id';
  v_user text := v_document->>'user_id';
  v_old pson.pson_profiles;
  v_now timestamptz;
  v_changed jsonb;
begin
  -- A row that is there is locked and read; one that is not is claimed, so that two first saves queue up as well. Again
  -- when the row that was in the way of the claim was deleted before it could be locked.
  loop
    v_now := clock_timestamp();
    insert into pson.pson_profiles (profile_id, user_id, tenant_id, revision, document, created_at, updated_at)
    values (p_profile_id, v_user, v_tenant, 0, '{}', v_now, v_now)
    on conflict (profile_id) do nothing;
    select p.* into v_old from pson.pson_profiles p where p.profile_id = p_profile_id for update;
    exit when found;
  end loop;

  revision := v_old.revision;
  status := case
    when v_old.revision > 0 and v_old.tenant_id is distinct from v_tenant then 'forbidden'
    when p_expected = 'present' and v_old.revision = 0 then 'conflict'
    when p_expected <> 'present' and v_old.revision::text <> p_expected then 'conflict'
    else 'saved'
  end;
  if status <> 'saved' then
    if v_old.revision = 0 then
      delete from pson.pson_profiles p where p.profile_id = p_profile_id;
    end if;
    return next;
    return;
  end if;

  v_now := clock_timestamp();
  revision := v_old.revision + 1;
  v_document := jsonb_set(v_document, '{metadata}',
    coalesce(v_document->'metadata', '{}') || jsonb_build_object('revision', revision));

  select coalesce(jsonb_agg(k.name order by k.name), '[]') into v_changed
  from (select jsonb_object_keys(v_old.document || v_document) as name) k
  where v_old.document->k.name is distinct from v_document->k.name;

  update pson.pson_profiles p
  set user_id = v_user, revision = v_old.revision + 1, document = v_document, updated_at = v_now
  where p.profile_id = p_profile_id;

  insert into pson.pson_profile_audit
    (profile_id, revision, action, changed_paths, actor, request_id, trace_id, recorded_at)
  values (p_profile_id, v_old.revision + 1, 'save', v_changed, v_context->>'actor', v_context->>'request_id',
          v_context->>'trace_id', v_now);

  delete from pson.pson_domain_index d where d.profile_id = p_profile_id and d.user_id <> v_user;
  insert into pson.pson_domain_index as d (user_id, profile_id, tenant_id, domains)
  values (v_user, p_profile_id, v_tenant, coalesce(v_document->'domains'->'active', '[]'))
  on conflict (user_id, profile_id) do update set domains = excluded.domains;
  return next;
end $$;
