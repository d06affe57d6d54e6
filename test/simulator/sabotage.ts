import pgPackage from "pg";
import { withDatabase } from "../servers/provided.ts";
import type { FaultTally } from "./faults.ts";

export interface Sabotage {
  /** How many blows there were before. */
  readonly blows: { count: number };
  readonly tally: FaultTally;
  /** Of a superuser. */
  readonly database: string;
  /** Whose connections are hurt. */
  readonly role: string;
  poolerUrl(): string;
  restartPooler(): Promise<void>;
  /** What new processes would do: the connections of before are given up, and new ones are needed. */
  openDriversAnew(): void;
}

/** How long it lasts between two blows, in milliseconds. */
const PAUSE_MS = 25;

/** How long there is no place left at the pooler: until somebody was sent away, or nobody comes. */
const FULL_MS = 1_000;

/** The pooler is killed once in so many blows. */
const POOLER_EVERY = 400;

/** Ends backends, cancels statements and takes connections away for as long as the work lasts. */
export async function sabotage(target: Sabotage, work: () => Promise<void>): Promise<void> {
  const { tally } = target;
  const admin = new pgPackage.Client(target.database);
  const elsewhere = new pgPackage.Client(withDatabase(target.database, "postgres"));
  await Promise.all([admin.connect(), elsewhere.connect()]);
  await elsewhere.query("begin");
  await elsewhere.query("select pg_current_xact_id()");
  tally.count("long transaction in another database");

  let isOver = false;
  const working = work().finally(() => {
    isOver = true;
  });
  // Heard of below.
  working.catch(() => undefined);
  try {
    while (!isOver) {
      target.blows.count += 1;
      await blow(admin, target, target.blows.count);
      await pause(PAUSE_MS);
    }
  } finally {
    await Promise.allSettled([working]);
    await elsewhere.query("rollback");
    await Promise.all([admin.end(), elsewhere.end()]);
  }
  await working;
}

async function blow(
  admin: pgPackage.Client,
  { tally, role, poolerUrl, restartPooler, openDriversAnew }: Sabotage,
  count: number,
): Promise<void> {
  if (count % POOLER_EVERY === 20) {
    await restartPooler();
    tally.count("pooler killed and restarted");
  } else if (count % 10 === 7) {
    const refusals = () => tally.counts()["connections of the server exhausted"];
    const before = refusals();
    await takeConnections(poolerUrl(), openDriversAnew, () => refusals() > before);
  } else if (count % 4 === 1) {
    if (await hurt(admin, "pg_terminate_backend", role)) tally.count("backend terminated");
  } else {
    await hurt(admin, "pg_cancel_backend", role);
  }
}

/** One that works on something of sync, where there is one. */
async function hurt(
  admin: pgPackage.Client,
  how: "pg_terminate_backend" | "pg_cancel_backend",
  role: string,
): Promise<boolean> {
  const { rows } = await admin.query(
    `select ${how}(a.pid) as is_hurt from pg_stat_activity a
     where a.usename = $1 and a.state = 'active' and a.query like '%persist%' limit 1`,
    [role],
  );
  return rows[0]?.is_hurt === true;
}

/** Takes every place that the pooler has for clients; those who come then are sent away. */
async function takeConnections(url: string, othersCome: () => void, isFelt: () => boolean): Promise<void> {
  const taken: pgPackage.Client[] = [];
  try {
    for (;;) {
      const client = new pgPackage.Client(url);
      client.on("error", () => undefined);
      await client.connect();
      taken.push(client);
    }
  } catch {
    othersCome();
    for (let waited = 0; waited < FULL_MS && !isFelt(); waited += PAUSE_MS) await pause(PAUSE_MS);
  } finally {
    await Promise.all(taken.map((client) => client.end().catch(() => undefined)));
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
