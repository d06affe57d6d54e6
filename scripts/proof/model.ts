import { createStore } from "../../src/index.ts";
import { startLocalNeon } from "../../src/local/index.ts";
import { newSeed, runSchedules } from "../../test/model/schedules.ts";
import { type DatabaseUrls, type Way, ways } from "../../test/model/ways.ts";
import { startPgBouncer } from "../../test/servers/pgbouncer.ts";
import { createDatabase } from "../../test/servers/provided.ts";
import { numberOf, type Proof, ProofFailure, type ProofValues } from "./proof.ts";

/** Random lists of calls against stores over every driver, and against a model of a store that is plainly right. */
export const modelProof: Proof = {
  about: "records, events and kv do what a plain model of them does, over every driver",
  options: { schedules: 10_000, driver: "all", seed: "new", path: "all", replay: "all" },
  async run(serverUrl, values) {
    const chosen = chosenWays(values);
    const share = numberOf(values, "schedules") / chosen.reduce((sum, way) => sum + way.share, 0);
    const { urls, stop } = await startWays(serverUrl);
    try {
      for (const way of chosen) {
        const schedules = Math.ceil(way.share * share);
        const seed = values["seed"] === "new" ? newSeed() : numberOf(values, "seed");
        console.log(`${way.name}: ${schedules} schedules, --driver "${way.name}" --seed ${seed}`);
        await runWay(way, urls, { schedules, seed, path: given(values, "path"), replayPath: given(values, "replay") });
      }
    } finally {
      await stop();
    }
  },
};

function chosenWays(values: ProofValues): readonly Way[] {
  const chosen = ways.filter(({ name }) => values["driver"] === "all" || values["driver"] === name);
  if (chosen.length > 0) return chosen;
  throw new ProofFailure(`--driver is one of: ${ways.map(({ name }) => `"${name}"`).join(", ")}`);
}

function given(values: ProofValues, flag: string): string | undefined {
  return values[flag] === "all" ? undefined : values[flag];
}

async function startWays(serverUrl: string): Promise<{ urls: DatabaseUrls; stop(): Promise<void> }> {
  const database = await createDatabase(serverUrl);
  const pgbouncer = await startPgBouncer({ upstream: { url: database.url } });
  const neon = await startLocalNeon({ database: database.url });
  return {
    urls: { postgres: database.url, pgbouncer: pgbouncer.url, neon: neon.url },
    async stop() {
      await neon.close();
      await pgbouncer.stop();
      await database.drop();
    },
  };
}

async function runWay(way: Way, urls: DatabaseUrls, options: Parameters<typeof runSchedules>[1]): Promise<void> {
  const driver = way.open(urls);
  try {
    await runSchedules((name) => createStore(name, { driver }), options);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const { cause } = error;
    throw new ProofFailure(`${way.name}: ${error.message}\n${cause instanceof Error ? cause.message : ""}`);
  } finally {
    await driver.close();
  }
}
