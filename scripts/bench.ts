import { parseArgs } from "node:util";
import type { Bench } from "./bench/bench.ts";
import { syncBench } from "./bench/sync.ts";
import { writeBench } from "./bench/write.ts";

/**
 * `npm run bench -- [name] [--option value …]`: measures, beside other ways to do the same on this machine. Medians, and ratios:
 * figures of another machine say nothing.
 */
const benches: Readonly<Record<string, Bench>> = { write: writeBench, sync: syncBench };

const given = process.argv.slice(2);
const isNamed = given[0] !== undefined && !given[0].startsWith("-");
const bench = benches[(isNamed && given[0]) || "write"];
if (bench === undefined) {
  console.error("usage: npm run bench -- [name] [options]; without a name: write\n");
  for (const [name, { about, options }] of Object.entries(benches)) {
    const flags = Object.entries(options).map(([flag, value]) => `--${flag} ${value}`);
    console.error(`  ${name.padEnd(8)} ${about}\n${" ".repeat(11)}${flags.join(" ")}`);
  }
  process.exit(2);
}

const { values } = parseArgs({
  args: isNamed ? given.slice(1) : given,
  options: Object.fromEntries(
    Object.entries(bench.options).map(([flag, value]) => [flag, { type: "string", default: String(value) } as const]),
  ),
});
await bench.run(Object.fromEntries(Object.entries(values).map(([flag, value]) => [flag, Number(value)])));
