import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { neonHttp } from "../../src/driver/neon-http.ts";
import { neonWebsocket } from "../../src/driver/neon-websocket.ts";
import { pg } from "../../src/driver/pg.ts";
import { postgres } from "../../src/driver/postgres.ts";
import type { Driver } from "../../src/driver.ts";
import { PersistError } from "../../src/errors.ts";
import { startWireProxy } from "../servers/wire-proxy.ts";

/**
 * A line that is cut between any two bytes of a batch: the batch is applied whole or not at all, the error's outcome is true,
 * and the driver's next call works on a new connection.
 */
const routes = {
  "pg, direct": { server: () => inject("servers").postgres, open: (url: string) => pg(url) },
  "pg, PgBouncer": { server: () => inject("servers").pgbouncer, open: (url: string) => pg(url) },
  "postgres, direct": { server: () => inject("servers").postgres, open: (url: string) => postgres(url) },
  "postgres, PgBouncer": {
    server: () => inject("servers").pgbouncer,
    open: (url: string) => postgres(url, { pooler: "transaction" }),
  },
  "neon-http": { server: () => inject("servers").neon, open: (url: string) => neonHttp(url) },
  // Its client computes SCRAM in JavaScript, about 100 ms per connection: fewer cuts.
  "neon-websocket": { server: () => inject("servers").neon, open: (url: string) => neonWebsocket(url), step: 150 },
} satisfies Record<string, Route>;

interface Route {
  readonly server: () => string;
  readonly open: (url: string) => Driver;
  /** Bytes from one cut to the next. */
  readonly step?: number;
}

const table = `lost_line_${Math.random().toString(36).slice(2, 8)}`;
const insert = (id: string) => ({ text: `insert into ${table} (id) values ($1)`, params: [id] });

describe("a line that is cut during a batch", () => {
  let direct: Driver;
  beforeAll(async () => {
    direct = pg(inject("servers").postgres);
    await direct.query({ text: `create table ${table} (id text primary key)`, params: [] });
  });
  afterAll(() => direct.close());

  /** Behind a lock on the table: what was sent may still be on its way to a commit. */
  async function rowsOf(round: string): Promise<number> {
    const [, rows] = await direct.batch([
      { text: `lock table ${table} in share row exclusive mode`, params: [] },
      { text: `select count(*)::int4 as n from ${table} where id like $1 || '-%'`, params: [round] },
    ]);
    return Number(rows?.[0]?.["n"]);
  }

  for (const [name, { server, open, step = 36 }] of Object.entries<Route>(routes)) {
    for (const kind of ["fin", "rst"] as const) {
      it(`(${kind}) over ${name} leaves all of it or nothing, and says so`, { timeout: 60_000 }, async () => {
        const upstream = new URL(server());
        const proxy = await startWireProxy({ upstream: { host: upstream.hostname, port: Number(upstream.port) } });
        const outcomes: Record<string, number> = {};
        let cuts = 0;
        for (let bytes = 0; bytes <= 900; bytes += step) {
          for (const side of ["afterClientBytes", "afterServerBytes"] as const) {
            const round = `${name}-${kind}-${side}-${bytes}`;
            const driver = open(proxy.url(server()));
            await driver.query({ text: "select 1", params: [] });
            proxy.reset();
            proxy.cut(kind, side === "afterClientBytes" ? { afterClientBytes: bytes } : { afterServerBytes: bytes });
            const outcome = await driver
              .batch([insert(`${round}-a`), insert(`${round}-b`), insert(`${round}-c`)], { timeoutMs: 5_000 })
              .then(() => "applied", outcomeOf);
            await proxy.restore();
            cuts += proxy.cuts();
            outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;

            expect(await driver.query({ text: "select 1 as one", params: [] })).toEqual([{ one: 1 }]);
            await driver.close();
            const rows = await rowsOf(round);
            expect(rows, `${round}: ${outcome}`).toBeOneOf(possible[outcome] ?? []);
          }
        }
        await proxy.close();
        expect(cuts).toBeGreaterThan(4);
        expect(outcomes["unknown"]).toBeGreaterThan(0);
      });
    }
  }
});

/** Long enough to be sent statement by statement: until COMMIT is, there is nothing that could be applied. */
describe("a line that is cut before the COMMIT of a long batch", () => {
  it.each(["fin", "rst"] as const)("(%s) leaves nothing, and says so", async (kind) => {
    const direct = pg(inject("servers").postgres);
    const long = `lost_long_${kind}_${Math.random().toString(36).slice(2, 8)}`;
    await direct.query({ text: `create table ${long} (body text)`, params: [] });
    const upstream = new URL(inject("servers").postgres);
    const proxy = await startWireProxy({ upstream: { host: upstream.hostname, port: Number(upstream.port) } });
    const driver = postgres(proxy.url(inject("servers").postgres), { pooler: "transaction" });
    await driver.query({ text: "select 1", params: [] });
    const statement = { text: `insert into ${long} (body) values ($1)`, params: ["x".repeat(9_000)] };
    // Behind the answer to BEGIN, within that to the first statement.
    proxy.cut(kind, { afterServerBytes: 60 });
    const failure = await driver.batch([statement, statement]).then(
      () => "applied",
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({ code: "connection", outcome: "rolled-back", retryable: true });
    const lock = { text: `lock table ${long} in share row exclusive mode`, params: [] };
    const count = { text: `select count(*)::int4 as n from ${long}`, params: [] };
    expect((await direct.batch([lock, count]))[1]).toEqual([{ n: 0 }]);
    await direct.query({ text: `drop table ${long}`, params: [] });
    for (const opened of [driver, direct, proxy]) await opened.close();
  });
});

const possible: Readonly<Record<string, number[]>> = {
  applied: [3],
  unknown: [0, 3],
  "rolled-back": [0],
  rejected: [0],
  "not-sent": [0],
};

function outcomeOf(error: unknown): string {
  if (!(error instanceof PersistError)) throw error;
  if (error.code === "timeout") throw error;
  return error.outcome;
}
