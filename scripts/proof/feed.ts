import pgPackage from "pg";
import { pg } from "../../src/driver/pg.ts";
import { storeMigrations } from "../../src/migrate/embedded.ts";
import { migrate } from "../../src/migrate/migrate.ts";
import { createDatabase } from "../../test/servers/provided.ts";
import { numberOf, type Proof, ProofFailure } from "./proof.ts";

export interface FeedOptions {
  readonly writers: number;
  readonly seconds: number;
  /** A transaction is held open for up to so long before it ends. */
  readonly holdMs: number;
  /** Of the transactions. */
  readonly rollbackPercent: number;
}

export interface FeedResult {
  readonly committed: number;
  readonly polls: number;
  readonly lanes: number;
  /** Keys whose last committed version was never delivered. */
  readonly lost: number;
  /** Changes that were delivered a second time. */
  readonly repeated: number;
}

/**
 * How numbers are given out. `lanes` is the product's own; `sequence` puts a bare sequence in its place, the usual way, which
 * numbers rows in another order than they commit in.
 */
export type FeedVariant = "lanes" | "sequence";

export const feedProof: Proof = {
  about: "a polling reader misses and repeats nothing, and the same run over a bare sequence does lose rows",
  options: { writers: 32, seconds: 6, hold: 30, rollback: 5 },
  async run(database, values) {
    const options = {
      writers: numberOf(values, "writers"),
      seconds: numberOf(values, "seconds"),
      holdMs: numberOf(values, "hold"),
      rollbackPercent: numberOf(values, "rollback"),
    };
    const results: Partial<Record<FeedVariant, FeedResult>> = {};
    for (const variant of ["lanes", "sequence"] as const) {
      console.log(`${variant}:`, options);
      results[variant] = await runFeed(database, variant, options);
    }
    console.table(results);
    const { lanes, sequence } = results;
    if (lanes?.lost !== 0 || lanes.repeated !== 0) throw new ProofFailure("the feed lost or repeated changes");
    if (!sequence?.lost)
      throw new ProofFailure("the bare sequence lost nothing: this run was too tame to show anything");
  },
};

/** One run on a database of its own. */
export async function runFeed(serverUrl: string, variant: FeedVariant, options: FeedOptions): Promise<FeedResult> {
  const database = await createDatabase(serverUrl);
  const driver = pg(database.url);
  try {
    await migrate(driver, storeMigrations, { schema: "persist" });
    if (variant === "sequence") for (const text of bareSequence) await driver.query({ text, params: [] });
    return await race(database.url, options);
  } finally {
    await driver.close();
    await database.drop();
  }
}

async function race(url: string, options: FeedOptions): Promise<FeedResult> {
  const committed = new Map<string, number>();
  let running = true;
  let written = false;
  let writes = 0;

  async function write(writer: number) {
    const client = await connect(url);
    for (let n = 0; running; n += 1) {
      // Half of the keys are fought over, half are new.
      const key = n % 2 === 0 ? `shared-${n % 20}` : `own-${writer}-${n}`;
      await client.query("begin");
      const put = await client.query("select version from persist.record_put($1, $2, $3, $4)", [
        "s",
        key,
        `${n}`,
        null,
      ]);
      await pause(Math.random() * options.holdMs);
      const isKept = Math.random() * 100 >= options.rollbackPercent;
      await client.query(isKept ? "commit" : "rollback");
      if (!isKept) continue;
      writes += 1;
      committed.set(key, Math.max(committed.get(key) ?? 0, Number(put.rows[0].version)));
    }
    await client.end();
  }

  const reader = await readFeed(url, () => !written);
  const writing = Array.from({ length: options.writers }, (_, i) => write(i));
  const reading = reader.run();
  await pause(options.seconds * 1000);
  running = false;
  await Promise.all(writing);
  written = true;
  await reading;

  const lost = [...committed].filter(([key, version]) => (reader.seen.get(key) ?? 0) < version).length;
  return { committed: writes, polls: reader.polls(), lanes: reader.lanes(), lost, repeated: reader.repeated() };
}

/** Polls while `isWritten`, then until nothing is left. */
async function readFeed(url: string, isWritten: () => boolean) {
  const client = await connect(url);
  const seen = new Map<string, number>();
  let polls = 0;
  let repeated = 0;
  let epoch: string | null = null;
  let position: [number, string][] = [];

  async function page(): Promise<boolean> {
    const text = "select epoch, position, changes, more from persist.sync_pull($1, $2, $3, $4, $5)";
    const { rows } = await client.query(text, ["s", epoch, JSON.stringify(position), 100, 1_000_000]);
    const [{ changes, more, ...next }] = rows;
    polls += 1;
    epoch = next.epoch;
    position = next.position;
    for (const { key, version } of changes) {
      if ((seen.get(key) ?? 0) >= Number(version)) repeated += 1;
      seen.set(key, Math.max(seen.get(key) ?? 0, Number(version)));
    }
    return more || changes.length > 0;
  }

  async function run() {
    while (isWritten()) {
      await page();
      await pause(1);
    }
    while (await page());
    await client.end();
  }
  return { run, seen, polls: () => polls, repeated: () => repeated, lanes: () => position.length };
}

/** One lane whose head is a sequence: numbers are given out at once and without a lock. */
const bareSequence = [
  "create sequence persist.bare",
  `create or replace function persist.take_lane(p_store text, p_count bigint, out taken_lane smallint, out last_seq bigint)
   language plpgsql as $$ begin taken_lane := 0; last_seq := nextval('persist.bare'); end $$`,
  "drop table persist.persist_sync_clock",
  `create view persist.persist_sync_clock as
   select 's'::text as store, 0::smallint as lane, last_value as seq, 0::bigint as floor,
          '00000000-0000-0000-0000-000000000000'::uuid as epoch
   from persist.bare`,
];

async function connect(url: string): Promise<pgPackage.Client> {
  const client = new pgPackage.Client(url);
  await client.connect();
  return client;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
