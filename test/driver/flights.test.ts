import { readFileSync } from "node:fs";
import { afterEach, describe, expect, inject, it } from "vitest";
import { neonHttp } from "../../src/driver/neon-http.ts";
import { neonWebsocket } from "../../src/driver/neon-websocket.ts";
import { pg } from "../../src/driver/pg.ts";
import { postgres } from "../../src/driver/postgres.ts";
import type { Driver } from "../../src/driver.ts";
import { startWireProxy, type WireProxy } from "../servers/wire-proxy.ts";

/**
 * Counts what crosses the wire and holds it to the table of ARCHITECTURE.md. The proxy holds every answer back for a while,
 * so that only a client that waits makes another flight.
 */
const DELAY_MS = 15;

interface Route {
  readonly row: string;
  readonly server: () => string;
  readonly open: (url: string) => Driver;
}

const routes: readonly Route[] = [
  { row: "neon-http", server: () => inject("servers").neon, open: (url) => neonHttp(url) },
  { row: "neon-websocket", server: () => inject("servers").neon, open: (url) => neonWebsocket(url) },
  { row: "pg, direct", server: () => inject("servers").postgres, open: (url) => pg(url) },
  { row: "pg, PgBouncer", server: () => inject("servers").pgbouncer, open: (url) => pg(url) },
  { row: "postgres, direct", server: () => inject("servers").postgres, open: (url) => postgres(url) },
  {
    row: "postgres, PgBouncer",
    server: () => inject("servers").pgbouncer,
    open: (url) => postgres(url, { pooler: "transaction" }),
  },
];

// Long enough that a batch of them is more than one write of every driver.
const query = { text: "select $1::int4 as n, $2::text as t", params: [1, "x".repeat(700)] };
const failing = { text: "select 1 / $1::int4 as n", params: [0] };

describe("flights per call", () => {
  let proxy: WireProxy | undefined;
  afterEach(() => proxy?.close());

  for (const { row, server, open } of routes) {
    it(`of ${row} are those of ARCHITECTURE.md`, async () => {
      const upstream = new URL(server());
      const wire = await startWireProxy({
        upstream: { host: upstream.hostname, port: Number(upstream.port) },
        delayMs: DELAY_MS,
      });
      proxy = wire;
      const url = wire.url(server());

      async function flightsOf(call: () => Promise<unknown>): Promise<number> {
        wire.reset();
        await call();
        return wire.flights();
      }
      async function fresh(
        first: (driver: Driver) => Promise<unknown>,
        rest: ((driver: Driver) => Promise<unknown>)[],
      ) {
        const driver = open(url);
        const counts = [await flightsOf(() => first(driver))];
        for (const call of rest) counts.push(await flightsOf(() => call(driver)));
        await driver.close();
        return counts;
      }
      const ask = (driver: Driver) => driver.query(query);
      const transact = (driver: Driver) => driver.batch([query, query, query]);
      const fail = (driver: Driver) => driver.batch([query, failing, query]).catch(() => undefined);

      const [firstQuery, nextQuery, nextBatch, failedBatch] = await fresh(ask, [ask, transact, fail]);
      const [firstBatch] = await fresh(transact, []);
      expect({ firstQuery, nextQuery, firstBatch, nextBatch, failedBatch }).toEqual(documented(row));
    });
  }
});

/** The row of the table headed "Flights" in ARCHITECTURE.md. */
function documented(row: string): Record<string, number> {
  const line = readFileSync(new URL("../../ARCHITECTURE.md", import.meta.url), "utf8")
    .split("\n")
    .find((text) => text.startsWith(`| ${row} |`));
  const [firstQuery, nextQuery, firstBatch, nextBatch, failedBatch] = (line ?? "").split("|").slice(2).map(Number);
  return { firstQuery, nextQuery, firstBatch, nextBatch, failedBatch } as Record<string, number>;
}
