-- Writes the row, its place in the look-up by user, and the audit entry. The caller holds the profile's lock and has decided.
create function pson.pson_write_profile(
  p_profile_id text, p_document jsonb, p_revision int, p_action text, p_context jsonb, p_idempotency_key text)
returns void
language plpgsql as $$
declare
  v_tenant text := p_document->>'tenant_id';
  v_user text := p_document->>'user_id';
  v_old jsonb;
  v_payload jsonb;
  v_hash text;
begin
  select p.document into v_old from pson.pson_profiles p where p.profile_id = p_profile_id;

  select jsonb_strip_nulls(jsonb_build_object(
    'changed_paths', coalesce(jsonb_agg(k.name order by k.name), '[]'),
    'actor', p_context->'actor', 'request_id', p_context->'request_id', 'trace_id', p_context->'trace_id',
    'document_hash', encode(sha256(convert_to(p_document::text, 'UTF8')), 'hex')))
  into v_payload
  from (select jsonb_object_keys(coalesce(v_old, '{}') || p_document) as name) k
  where v_old->k.name is distinct from p_document->k.name;

  v_hash := pson.pson_append_audit(p_profile_id, v_tenant, p_revision, p_action, v_payload, p_idempotency_key);

  insert into pson.pson_profiles as p
    (profile_id, user_id, tenant_id, revision, document, head_hash, created_at, updated_at)
  values (p_profile_id, v_user, v_tenant, p_revision, p_document, v_hash, clock_timestamp(), clock_timestamp())
  on conflict (profile_id) do update
  set user_id = excluded.user_id, revision = excluded.revision, document = excluded.document,
      head_hash = excluded.head_hash, updated_at = excluded.updated_at;

  delete from pson.pson_domain_index d where d.profile_id = p_profile_id and d.user_id <> v_user;
  insert into pson.pson_domain_index as d (user_id, profile_id, tenant_id, domains, added_at, saved_at)
  values (v_user, p_profile_id, v_tenant, coalesce(p_document->'domains'->'active', '[]'), clock_timestamp(),
          clock_timestamp())
  on conflict (user_id, profile_id) do update set domains = excluded.domains, saved_at = excluded.saved_at;
end $$;

-- Saves a document: the next revision, the audit entry and the look-up together. The document is stored as it is but for
-- `metadata.revision`. `p_expected` is null (any), 'present', or the revision the caller last saw, '0' for a profile that must
-- not exist. `p_context` is a JSON object of which actor, request_id and trace_id are recorded. `p_tenant` confines the call.
-- With `p_idempotency_key` a save that was done under that key is not done again, not even after the profile was deleted.
--
-- Revisions go on after a deletion: one number never stands for two documents. An id stays with its tenant for the same time.
--
-- One row: `status` 'created' or 'saved' with the new revision; 'repeated' with that of the first time; 'key-reused' when the
-- key was used for another document; 'conflict' with the revision that is there (0 for none); 'forbidden' when id, document
-- and `p_tenant` are not of one tenant.
create function pson.pson_save_profile(
  p_profile_id text, p_document text, p_expected text, p_context text, p_tenant text, p_idempotency_key text)
returns table (status text, revision int)
language plpgsql as $$
declare
  v_document jsonb := p_document::jsonb;
  v_tenant text := v_document->>'tenant_id';
  v_key text := encode(sha256(convert_to(p_profile_id || ' ' || p_idempotency_key, 'UTF8')), 'hex');
  v_old pson.pson_profiles;
  v_first pson.pson_profile_audit;
  v_last pson.pson_profile_audit;
begin
  perform pson.pson_enter_tenant(coalesce(p_tenant, v_tenant));
  if p_tenant is not null and v_tenant is distinct from p_tenant then
    status := 'forbidden';
    return next;
    return;
  end if;
  perform pson.pson_lock_profile(p_profile_id);

  if v_key is not null then
    select a.* into v_first
    from pson.pson_profile_audit a
    where a.profile_id = p_profile_id and a.idempotency_key = v_key and a.tenant_id is not distinct from v_tenant;
    if found then
      v_document := pson.pson_with_revision(v_document, v_first.revision);
      revision := v_first.revision;
      status := case
        when v_first.payload->>'document_hash' <> encode(sha256(convert_to(v_document::text, 'UTF8')), 'hex')
        then 'key-reused' else 'repeated'
      end;
      return next;
      return;
    end if;
  end if;

  select p.* into v_old from pson.pson_profiles p where p.profile_id = p_profile_id;
  v_last := pson.pson_last_entry(p_profile_id);
  revision := coalesce(v_old.revision, 0);
  status := case
    when v_last.profile_id is not null and v_last.tenant_id is distinct from v_tenant then 'forbidden'
    when p_expected = 'present' and v_old.profile_id is null then 'conflict'
    when p_expected <> 'present' and revision::text <> p_expected then 'conflict'
    when v_old.profile_id is null then 'created'
    else 'saved'
  end;
  if status in ('created', 'saved') then
    revision := greatest(revision, coalesce(v_last.revision, 0)) + 1;
    perform pson.pson_write_profile(
      p_profile_id, pson.pson_with_revision(v_document, revision), revision, 'save', p_context::jsonb, v_key);
  end if;
  return next;
end $$;

create function pson.pson_with_revision(p_document jsonb, p_revision int)
returns jsonb
language plpgsql immutable as $$
begin
  return jsonb_set(p_document, '{metadata}',
    coalesce(p_document->'metadata', '{}') || jsonb_build_object('revision', p_revision));
end $$;

-- Saves many documents in the order given, each as `pson_save_profile` does, all or none. `p_documents` is a JSON array. All
-- locks are taken first, in the order of profile ids, so that two such calls cannot wait for each other. A key counts for each
-- document together with its position.
-- One row per document, in order. When one is refused: SQLSTATE OT003 with its `part` (from 0), `status` and `revision` as
-- JSON in DETAIL, and nothing was saved.
create function pson.pson_save_profiles(
  p_documents text, p_expected text, p_context text, p_tenant text, p_idempotency_key text)
returns table (status text, revision int)
language plpgsql as $$
declare
  v_documents jsonb := p_documents::jsonb;
  v_item record;
begin
  for v_item in
    select distinct (i.item->>'profile_id') collate "C" as id
    from jsonb_array_elements(v_documents) i(item)
    order by id
  loop
    perform pson.pson_lock_profile(v_item.id);
  end loop;

  for v_item in
    select i.item, i.ordinality - 1 as part
    from jsonb_array_elements(v_documents) with ordinality i(item, ordinality)
    order by i.ordinality
  loop
    select s.status, s.revision into status, revision
    from pson.pson_save_profile(v_item.item->>'profile_id', v_item.item::text, p_expected, p_context, p_tenant,
                                p_idempotency_key || ' ' || v_item.part) s;
    if status not in ('created', 'saved', 'repeated') then
      raise exception 'a document was refused' using errcode = 'OT003',
        detail = jsonb_build_object('part', v_item.part, 'status', status, 'revision', revision)::text;
    end if;
    return next;
  end loop;
end $$;

-- Stores a document with the revision that it names, as the document repository of the serialization engine does: the caller
-- counts. `status` is 'created', 'saved' or 'forbidden'. Storing the same document again changes nothing but the look-up's
-- order.
create function pson.pson_put_profile(p_profile_id text, p_document text, p_context text, p_tenant text)
returns table (status text)
language plpgsql as $$
declare
  v_document jsonb := p_document::jsonb;
  v_tenant text := v_document->>'tenant_id';
  v_old pson.pson_profiles;
  v_last pson.pson_profile_audit;
begin
  perform pson.pson_enter_tenant(coalesce(p_tenant, v_tenant));
  status := 'forbidden';
  if p_tenant is null or v_tenant is not distinct from p_tenant then
    perform pson.pson_lock_profile(p_profile_id);
    select p.* into v_old from pson.pson_profiles p where p.profile_id = p_profile_id;
    v_last := pson.pson_last_entry(p_profile_id);
    if v_last.profile_id is null or v_last.tenant_id is not distinct from v_tenant then
      status := case when v_old.profile_id is null then 'created' else 'saved' end;
      if v_old.document is distinct from v_document then
        perform pson.pson_write_profile(
          p_profile_id, v_document, (v_document->'metadata'->>'revision')::int, 'write', p_context::jsonb, null);
      else
        perform pson.pson_touch_index(v_old.user_id, p_profile_id, p_tenant);
      end if;
    end if;
  end if;
  return next;
end $$;

-- Makes a profile the one that its user saved last. Nothing happens when it is, or when it is not this user's.
create function pson.pson_touch_index(p_user_id text, p_profile_id text, p_tenant text)
returns void
language plpgsql as $$
declare
  v_latest timestamptz;
begin
  select max(d.saved_at) into v_latest
  from pson.pson_domain_index d
  where d.user_id = p_user_id and d.profile_id <> p_profile_id and (p_tenant is null or d.tenant_id = p_tenant);
  update pson.pson_domain_index d
  set saved_at = greatest(clock_timestamp(), v_latest + interval '1 microsecond')
  where d.user_id = p_user_id and d.profile_id = p_profile_id and d.saved_at <= v_latest
    and (p_tenant is null or d.tenant_id = p_tenant);
end $$;

-- The same as a call of its own, for callers that keep an index themselves: ours is kept by the writes.
create function pson.pson_put_index(p_user_id text, p_latest_profile_id text, p_tenant text)
returns table (status text)
language plpgsql as $$
begin
  perform pson.pson_enter_tenant(p_tenant);
  perform pson.pson_lock_profile(p_latest_profile_id);
  perform pson.pson_touch_index(p_user_id, p_latest_profile_id, p_tenant);
  status := 'saved';
  return next;
end $$;

-- Records a revision of a profile that is there, for callers that count themselves. One that the log holds already is left
-- as it is. `status` is 'saved' or 'absent'.
create function pson.pson_put_revision(
  p_profile_id text, p_revision int, p_document text, p_context text, p_tenant text)
returns table (status text)
language plpgsql as $$
declare
  v_context jsonb := p_context::jsonb;
  v_old pson.pson_profiles;
  v_hash text;
begin
  perform pson.pson_enter_tenant(coalesce(p_tenant, p_document::jsonb->>'tenant_id'));
  perform pson.pson_lock_profile(p_profile_id);
  select p.* into v_old
  from pson.pson_profiles p
  where p.profile_id = p_profile_id and (p_tenant is null or p.tenant_id = p_tenant);
  status := case when v_old.profile_id is null then 'absent' else 'saved' end;
  perform 1
  from pson.pson_profile_audit a
  where a.profile_id = p_profile_id and a.revision = p_revision and a.action <> 'delete' and a.payload is not null;
  if not found and status = 'saved' then
    v_hash := pson.pson_append_audit(p_profile_id, v_old.tenant_id, p_revision, 'write',
      jsonb_strip_nulls(jsonb_build_object(
        'changed_paths', '[]'::jsonb, 'actor', v_context->'actor', 'request_id', v_context->'request_id',
        'trace_id', v_context->'trace_id',
        'document_hash', encode(sha256(convert_to((p_document::jsonb)::text, 'UTF8')), 'hex'))), null);
    update pson.pson_profiles p set head_hash = v_hash where p.profile_id = p_profile_id;
  end if;
  return next;
end $$;
