import fc from "fast-check";
import type { Store } from "../../../src/create-store.ts";
import type { Driver } from "../../../src/driver.ts";
import { PersistError } from "../../../src/errors.ts";
import { type Replica, type SyncOnceOptions, syncOnce } from "../../../src/sync/index.ts";
import type { Fault, Faulty } from "../faulty.ts";

/** Of the next few requests. */
export const anyFaults: fc.Arbitrary<readonly Fault[]> = fc.array(
  fc.constantFrom<Fault>("none", "request lost", "reply lost", "twice"),
  { maxLength: 4 },
);

/** Small, so that pages and pushes are cut. */
const limits = { maxChanges: 3, maxMutations: 3 };

/** One cycle through a network with these faults. What it loses is no error; whatever else goes wrong is one. */
export async function syncThrough(
  device: Store,
  remote: Replica & Faulty,
  faults: readonly Fault[],
  options: SyncOnceOptions = {},
): Promise<void> {
  remote.plan(...faults);
  try {
    await syncOnce(device, remote, { name: "server", limits, ...options });
  } catch (error) {
    if (!(error instanceof PersistError && error.code === "connection")) throw error;
  } finally {
    remote.plan();
  }
}

/** The clocks of these stores as one text: it stays the same as long as nobody writes. */
export async function clocksOf(driver: Driver, stores: readonly Store[]): Promise<string> {
  const text = `select coalesce(string_agg(c.store || ' ' || c.lane || ':' || c.seq, ', ' order by c.store, c.lane), '') as clocks
from persist.persist_sync_clock c
where c.store = any(array(select jsonb_array_elements_text($1::text::jsonb)))`;
  const [row] = await driver.query({ text, params: [JSON.stringify(stores.map(({ name }) => name))] });
  return String(row?.["clocks"]);
}

export interface QueuedEdit {
  readonly key: string;
  readonly status: string;
  readonly reason: string | null;
}

/** What waits on a device, and what was put aside. */
export async function queueOf(driver: Driver, { name }: Store): Promise<readonly QueuedEdit[]> {
  const text = "select key, status, reason from persist.persist_sync_queue where store = $1 order by key";
  const rows = await driver.query({ text, params: [name] });
  return rows.map(({ key, status, reason }) => ({
    key: String(key),
    status: String(status),
    reason: reason === null ? null : String(reason),
  }));
}
