import { setTimeout as sleep } from "node:timers/promises";
import pgPackage from "pg";
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from "vitest";
import { pg } from "../../src/driver/pg.ts";
import { postgres } from "../../src/driver/postgres.ts";
import type { Driver } from "../../src/driver.ts";
import { type PgBouncer, startPgBouncer } from "../servers/pgbouncer.ts";
import { createDatabase, type TestDatabase, withDatabase } from "../servers/provided.ts";
import { resultOf } from "./result-of.ts";

const CLIENTS = 500;
const SERVER_CONNECTIONS = 20;
const LOAD_MS = 6_000;
/** In between, every server connection is held up for longer than the pooler lets its clients wait. */
const HOLD_UP = { fromMs: 1_500, forMs: 2_500 };
const QUERY_WAIT_SECONDS = 2;
const TIMEOUT_MS = 4_000;
/** Of every tenth call. */
const HURRIED_MS = 250;

describe(`${CLIENTS} clients over ${SERVER_CONNECTIONS} connections`, () => {
  let database: TestDatabase;
  let pooler: PgBouncer;
  let direct: Driver;
  beforeAll(async () => {
    database = await createDatabase(inject("servers").postgres);
    pooler = await startPgBouncer({
      upstream: database,
      defaultPoolSize: SERVER_CONNECTIONS,
      // Without passwords: to check so many of them is more work than the calls.
      settings: { query_wait_timeout: QUERY_WAIT_SECONDS, auth_type: "trust" },
    });
    direct = pg(database.url);
    // Without a key: a write that was done twice is there twice.
    await direct.query({ text: "create table crowd (call text not null, part int4 not null)", params: [] });
  });
  afterAll(async () => {
    await direct.close();
    await pooler.stop();
    await database.drop();
  });

  it("fail in typed ways only, lose and double nothing, and leave nothing behind", { timeout: 40_000 }, async () => {
    const clients = Array.from({ length: CLIENTS }, (_, i) =>
      i % 2 === 0 ? pg(pooler.url) : postgres(pooler.url, { pooler: "transaction" }),
    );
    onTestFinished(async () => void (await Promise.all(clients.map((client) => client.close()))));
    const calls: Call[] = [];
    const endsAt = performance.now() + LOAD_MS;
    const load = clients.map((client, i) => useUntil(endsAt, client, { name: `c${i}`, calls }));
    await Promise.all([holdUp(direct), ...load]);
    const endedAt = performance.now();

    const fresh = pg(pooler.url);
    expect(await fresh.query({ text: "select 1 as one", params: [] }, { timeoutMs: 1_000 })).toEqual([{ one: 1 }]);
    await Promise.all([fresh, ...clients].map((client) => client.close()));
    await expect.poll(() => busy(direct, pooler), { timeout: 5_000 }).toEqual({ working: 0, clients: 0 });
    expect(performance.now() - endedAt).toBeLessThan(5_000);
    expect(await serverConnections(direct)).toBeLessThanOrEqual(SERVER_CONNECTIONS);

    const tally = Map.groupBy(calls, ({ result }) => result);
    const counts = Object.fromEntries([...tally].map(([result, some]) => [result, some.length]));
    expect(counts["ok"] ?? 0).toBeGreaterThan(calls.length / 2);
    expect(Object.keys(counts)).toEqual(expect.arrayContaining(["connection/not-sent", "timeout/unknown"]));
    await expectRows(direct, calls);
  });
});

interface Call {
  readonly id: string;
  readonly result: string;
  /** The rows that it writes. */
  readonly parts: number;
}

/** Reads, writes and batches, one after the other. */
async function useUntil(
  endsAt: number,
  driver: Driver,
  { name, calls }: { name: string; calls: Call[] },
): Promise<void> {
  for (let n = 0; performance.now() < endsAt; n++) {
    const id = `${name}-${n}`;
    const parts = n % 3;
    const options = { timeoutMs: n % 10 === 4 ? HURRIED_MS : TIMEOUT_MS };
    const send = [
      () => driver.query({ text: "select count(*)::int4 as n from crowd where call = $1", params: [id] }, options),
      () => driver.query(insertPart(id, 1), options),
      () => driver.batch([insertPart(id, 1), insertPart(id, 2)], options),
    ][parts];
    const result = send === undefined ? "ok" : await send().then(() => "ok", resultOf);
    calls.push({ id, result, parts });
    await sleep(200);
  }
}

/** It takes a while, so that a line forms. */
function insertPart(id: string, part: number) {
  return { text: "insert into crowd (call, part) select $1, $2::int4 from pg_sleep(0.02)", params: [id, part] };
}

async function holdUp(direct: Driver): Promise<void> {
  await sleep(HOLD_UP.fromMs);
  await direct.batch([
    { text: "lock table crowd in access exclusive mode", params: [] },
    { text: "select pg_sleep($1::float8)::text", params: [HOLD_UP.forMs / 1_000] },
  ]);
}

async function busy(direct: Driver, pooler: PgBouncer): Promise<{ working: number; clients: number }> {
  const [row] = await direct.query({
    text: `select count(*)::int4 as n from pg_stat_activity
           where datname = current_database() and state <> 'idle' and pid <> pg_backend_pid()`,
    params: [],
  });
  const admin = new pgPackage.Client(withDatabase(pooler.url, "pgbouncer"));
  await admin.connect();
  const { rows } = await admin.query("show clients");
  await admin.end();
  return { working: Number(row?.["n"]), clients: rows.filter((client) => client.database !== "pgbouncer").length };
}

async function serverConnections(direct: Driver): Promise<number> {
  const [row] = await direct.query({
    text: `select count(*)::int4 as n from pg_stat_activity
           where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()`,
    params: [],
  });
  return Number(row?.["n"]);
}

async function expectRows(direct: Driver, calls: readonly Call[]): Promise<void> {
  const rows = await direct.query({ text: "select call, count(*)::int4 as n from crowd group by call", params: [] });
  const written = new Map(rows.map((row) => [String(row["call"]), Number(row["n"])]));
  const wrong = calls.filter(({ id, result, parts }) => {
    const n = written.get(id) ?? 0;
    if (result === "ok") return n !== parts;
    return result.endsWith("/unknown") ? n !== 0 && n !== parts : n !== 0;
  });
  expect(wrong).toEqual([]);
}
