import pgPackage from "pg";
import { withDatabase } from "../servers/provided.ts";
import type { Fault, FaultTally } from "./faults.ts";

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

/** How long a blow lasts at most that goes on until somebody has felt it. */
const BLOW_MS = 1_000;

/** The pooler is killed once in so many blows. */
const POOLER_EVERY = 400;

/** Ends backends, cancels statements and lets nobody connect, for as long as the work lasts. */
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
    await refuseClients(poolerUrl(), openDriversAnew, felt(tally, "connections of the server exhausted"));
  } else if (count % 100 === 3) {
    await lockRecords(admin, felt(tally, "lock timeout of the server, 55P03"));
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

/** Lets the pooler have no place left but the one from which this is said: those who come then are sent away. */
async function refuseClients(url: string, othersCome: () => void, felt: () => Promise<void>): Promise<void> {
  const console = new pgPackage.Client(withDatabase(url, "pgbouncer"));
  console.on("error", () => undefined);
  await console.connect();
  const { rows } = await console.query("show config");
  const places = rows.find(({ key }) => key === "max_client_conn")?.value;
  try {
    await console.query("set max_client_conn = 1");
    othersCome();
    await felt();
  } finally {
    await console.query(`set max_client_conn = ${places}`);
    await console.end();
  }
}

/** Nobody writes a record until somebody's patience has ended. */
async function lockRecords(admin: pgPackage.Client, felt: () => Promise<void>): Promise<void> {
  await admin.query("begin");
  try {
    await admin.query(`set local lock_timeout = ${BLOW_MS}`);
    await admin.query("lock table persist.persist_records in share mode");
    await felt();
  } catch (error) {
    // A transaction that stays open was there first: then it is that one which others wait for.
    if (!(error instanceof pgPackage.DatabaseError && error.code === "55P03")) throw error;
  } finally {
    await admin.query("rollback");
  }
}

/** Resolves when that has happened once more, or does not happen. */
function felt(tally: FaultTally, fault: Fault): () => Promise<void> {
  const before = tally.counts()[fault];
  return async () => {
    for (let waited = 0; waited < BLOW_MS && tally.counts()[fault] === before; waited += PAUSE_MS) {
      await pause(PAUSE_MS);
    }
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
