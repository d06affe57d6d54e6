import { startLocalNeon } from "../../src/local/index.ts";
import { startPgBouncer } from "../../test/servers/pgbouncer.ts";
import { startPostgres } from "../../test/servers/postgres.ts";
import { findPostgres } from "../../test/servers/postgres-binaries.ts";
import { startWireProxy, type WireProxy } from "../../test/servers/wire-proxy.ts";
import { type Bench, clearProgress, showProgress } from "./bench.ts";
import { type Contender, contenders, prepareDatabase } from "./contenders.ts";

/** Ours beside what people write by hand. Cold opens what a fresh invocation opens; warm is the next write after it. */
export const writeBench: Bench = {
  about: "one write of a record over a line with a delay, beside what people write by hand",
  options: { rtt: 20, rounds: 25 },
  async run({ rtt = 0, rounds = 0 }) {
    const postgres = await startPostgres((await findPostgres()).main);
    const pgbouncer = await startPgBouncer({ upstream: postgres });
    const neon = await startLocalNeon({ database: postgres.url });
    const servers = { postgres: postgres.url, pgbouncer: pgbouncer.url, neon: neon.url };
    await prepareDatabase(servers.postgres);

    console.log(`One record written, ${rtt} ms round trip, median of ${rounds}; no TLS\n`);
    const results = [];
    for (const contender of contenders) {
      showProgress(contender.name);
      results.push(await measure(contender, { url: servers[contender.server], rttMs: rtt, rounds }));
    }
    clearProgress();
    print(results);

    await neon.close();
    await pgbouncer.stop();
    await postgres.stop();
  },
};

interface Measured {
  readonly name: string;
  readonly cold: Sample;
  readonly warm: Sample;
}

interface Sample {
  readonly ms: number;
  readonly flights: number;
}

interface Line {
  readonly url: string;
  readonly rttMs: number;
  readonly rounds: number;
}

async function measure({ name, open }: Contender, { url, rttMs, rounds }: Line): Promise<Measured> {
  const upstream = new URL(url);
  const wire = await startWireProxy({
    upstream: { host: upstream.hostname, port: Number(upstream.port) },
    delayMs: rttMs,
  });
  const cold: Sample[] = [];
  const warm: Sample[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const writer = open(wire.url(url));
    cold.push(await timed(wire, () => writer.write(`cold-${round}`)));
    warm.push(await timed(wire, () => writer.write(`warm-${round}`)));
    await writer.close();
  }
  await wire.close();
  return { name, cold: median(cold), warm: median(warm) };
}

async function timed(wire: WireProxy, work: () => Promise<unknown>): Promise<Sample> {
  wire.reset();
  const began = performance.now();
  await work();
  return { ms: performance.now() - began, flights: wire.flights() };
}

function median(samples: Sample[]): Sample {
  const sorted = samples.toSorted((a, b) => a.ms - b.ms);
  return sorted[Math.floor(sorted.length / 2)] ?? { ms: 0, flights: 0 };
}

function print(all: readonly Measured[]) {
  const best = { cold: Math.min(...all.map(({ cold }) => cold.ms)), warm: Math.min(...all.map(({ warm }) => warm.ms)) };
  const cells = ({ ms, flights }: Sample, fastest: number) =>
    `${flights} | ${ms.toFixed(0)} | ${(ms / fastest).toFixed(2)}×`;
  console.log("| what | flights cold | ms | ratio | flights warm | ms | ratio |\n|---|---|---|---|---|---|---|");
  for (const { name, cold, warm } of all)
    console.log(`| ${name} | ${cells(cold, best.cold)} | ${cells(warm, best.warm)} |`);
}
