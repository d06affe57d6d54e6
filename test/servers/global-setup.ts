import type { TestProject } from "vitest/node";
import { startLocalNeon } from "../../src/local/index.ts";
import { startPgBouncer } from "./pgbouncer.ts";
import { startPostgres } from "./postgres.ts";
import { findPostgres } from "./postgres-binaries.ts";
import type { Servers } from "./provided.ts";

/** Starts the servers of a run once for all projects; what it returns stops them. */
export default async function startServers(project: TestProject): Promise<() => Promise<void>> {
  const stops: (() => Promise<unknown>)[] = [];
  async function stopServers(): Promise<void> {
    // Clients before servers; the two Postgres last and together.
    for (const stop of stops.reverse()) await stop();
  }
  try {
    project.provide("servers", await start(stops));
  } catch (error) {
    await stopServers();
    throw error;
  }
  return stopServers;
}

async function start(stops: (() => Promise<unknown>)[]): Promise<Servers> {
  const { main, system } = await findPostgres();
  const { temporary } = main;
  if (temporary !== undefined) stops.push(temporary.remove);

  const starting = [startPostgres({ ...main, collation: "linguistic" })];
  if (system !== undefined) starting.push(startPostgres(system));
  const outcomes = await Promise.allSettled(starting);
  stops.push(() =>
    Promise.all(outcomes.map(async (outcome) => outcome.status === "fulfilled" && outcome.value.stop())),
  );
  const [postgres, systemPostgres] = await Promise.all(starting);
  if (postgres === undefined) throw new Error("startPostgres gave no server");

  const pgbouncer = await startPgBouncer({ upstream: postgres, poolMode: "transaction", defaultPoolSize: 20 });
  stops.push(pgbouncer.stop);
  const neon = await startLocalNeon({ database: postgres.url });
  stops.push(neon.close);
  return {
    postgres: postgres.url,
    ...(systemPostgres && { system: { version: systemPostgres.version, url: systemPostgres.url } }),
    pgbouncer: pgbouncer.url,
    neon: neon.url,
  };
}
