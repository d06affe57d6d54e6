-- `event_feed` under the epoch that replicas are told (`sync_epoch`): so a dump that is restored elsewhere, whose feed has passed a
-- reader's cursor meanwhile, is told apart from the history that the cursor was made in.
create function persist.event_feed_v2(p_store text, p_epoch text, p_cursor text, p_limit int)
returns table (status text, why text, epoch text, "position" jsonb, events jsonb, more boolean)
language plpgsql stable as $$
declare
  v_own text;
begin
  select min(c.epoch::text), persist.sync_epoch(p_store, min(c.epoch::text)::uuid)
  into v_own, epoch
  from persist.persist_sync_clock c
  where c.store = p_store;
  if p_epoch is not null and p_epoch is distinct from epoch then
    status := 'resync';
    why := 'epoch';
    return next;
    return;
  end if;
  select f.status, f.why, f.position, f.events, f.more
  into status, why, "position", events, more
  from persist.event_feed(p_store, case when p_epoch is not null then v_own end, p_cursor, p_limit) f;
  return next;
end $$;
