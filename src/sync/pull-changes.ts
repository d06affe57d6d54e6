import { placeOf, reaches } from "./cursor-place.ts";
import type { ChangePage, Cursor, Resync } from "./replica.ts";
import { restartPull } from "./restart-pull.ts";
import type { SyncRound } from "./sync-round.ts";

/** Another process that pulls the same way is ahead: after so many meetings it will do the rest. */
const MAX_STALE = 5;

/**
 * Takes in what is new at the remote, page by page, while the next page is on its way. Whether it got to the end: it may end
 * earlier with the budget, or where another process pulls the same.
 */
export async function pullChanges(round: SyncRound): Promise<boolean> {
  const { budget, tally } = round;
  const pageAfter = (cursor: Cursor | null) => (budget.isSpent() ? undefined : fetchPage(round, cursor));
  let done = 0;
  let stale = 0;
  let next = pageAfter(round.cursor);
  try {
    while (next !== undefined) {
      const { from, answer } = next;
      const page = await answer;
      if ("resync" in page) {
        await restartPull(round, page.resync, from);
        next = pageAfter(round.cursor);
        continue;
      }
      next = page.more ? pageAfter(page.cursor) : undefined;
      tally.head = page.head;
      const kept = await keep(round, page, from);
      if (kept === "ok") {
        done += page.changes.length;
        tellProgress(round, done, page);
        if (page.more) continue;
        if (!(await isRewound(round))) return true;
        await restartPull(round, "rewind", page.cursor);
        next = pageAfter(round.cursor);
      } else if (kept === "replaced") {
        next?.drop();
        await restartPull(round, "epoch", from);
        next = pageAfter(round.cursor);
      } else {
        next?.drop();
        stale += 1;
        await findCursor(round);
        next = stale > MAX_STALE ? undefined : pageAfter(round.cursor);
      }
    }
    return false;
  } finally {
    next?.drop();
  }
}

/**
 * The remote has taken something, and its feed was read to the end without it. A replica of it may have answered that is behind; else
 * it was put back to an earlier state, and as long as nobody writes there nothing else would tell.
 */
async function isRewound({ replica, awaited, budget }: SyncRound): Promise<boolean> {
  if (awaited === null || budget.isSpent()) return false;
  return !reaches((await replica.head(budget.step())).head, awaited);
}

/** Somebody else has moved it. */
async function findCursor(round: SyncRound): Promise<void> {
  const { cursor, resync } = await round.device.open(round.newClient(), round.budget.keep());
  round.cursor = cursor;
  round.isResyncing = resync !== null;
}

function tellProgress({ tell }: SyncRound, done: number, { changes, more }: ChangePage): void {
  if (changes.length === 0) return;
  tell({ type: "sync:progress", phase: "pull", done, ...(more ? {} : { total: done }) });
}

interface FetchedPage {
  readonly from: Cursor | null;
  readonly answer: Promise<ChangePage | Resync>;
  /** Gives it up. */
  drop(): void;
}

function fetchPage({ replica, settings, budget }: SyncRound, from: Cursor | null): FetchedPage {
  const abort = new AbortController();
  const { timeoutMs, signal } = budget.step();
  const answer = replica.pull(from, settings.limits.maxChanges, {
    timeoutMs,
    signal: signal ? AbortSignal.any([signal, abort.signal]) : abort.signal,
    scope: settings.scope === "" ? undefined : settings.scope,
  });
  // Heard of when it is its turn, or never.
  answer.catch(() => undefined);
  return { from, answer, drop: () => abort.abort() };
}

/** Whether the page fits where the store is now. */
async function keep(round: SyncRound, page: ChangePage, from: Cursor | null): Promise<"ok" | "stale" | "replaced"> {
  const { device, budget, settings, tally } = round;
  round.awaited = null;
  if (page.changes.length === 0 && page.cursor === from && !round.isResyncing && !round.isAwaiting) return "ok";
  const place = placeOf(page.cursor);
  const applied = await device.apply(
    {
      from,
      to: page.cursor,
      position: JSON.stringify(place.lanes),
      changes: JSON.stringify(page.changes),
      more: page.more,
      keepValue: settings.strategy === "merge",
      epoch: place.epoch,
      scope: settings.scope,
    },
    budget.keep(),
  );
  if (applied === "stale" || applied === "replaced") return applied;
  tally.pulled += page.changes.length;
  tally.written += applied.written;
  round.cursor = page.cursor;
  round.isResyncing &&= page.more;
  round.hasToResend ||= applied.resend;
  round.awaited = applied.awaited;
  if (!page.more) round.isAwaiting = applied.awaited !== null;
  return "ok";
}
