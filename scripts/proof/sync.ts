import { mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Bug, bugs, spoiled } from "../../test/simulator/bugs.ts";
import { type FaultTally, faultTally, missingFaults } from "../../test/simulator/faults.ts";
import { type Ground, pgliteGround } from "../../test/simulator/ground.ts";
import { pgbouncerGround } from "../../test/simulator/pgbouncer-ground.ts";
import { DEFAULT_STEPS, runSchedules } from "../../test/simulator/run-schedules.ts";
import { ScheduleFailure } from "../../test/simulator/schedule.ts";
import { numberOf, type Proof, ProofFailure, type ProofValues } from "./proof.ts";

/** Up to so many schedules for each bug: one that is not found by then counts as missed. */
const SCHEDULES_PER_BUG = 400;

/** Five devices, a server and a writer beside them, with everything that can go wrong, and then a look at what is there. */
export const syncProof: Proof = {
  about:
    "sync loses nothing, does nothing twice and comes to rest, whatever goes wrong; and the simulator finds five bugs",
  options: { schedules: 300, seed: 1, over: "both", steps: DEFAULT_STEPS, bug: "none", results: "none" },
  async run(serverUrl, values) {
    if (values["bug"] === "all") return findAll(serverUrl, values);
    const bug = chosenBug(values);
    const names = bug === undefined ? chosenGrounds(values) : [bug.ground];
    const schedules = Math.ceil(numberOf(values, "schedules") / names.length);
    const results: Result[] = [];
    for (const name of names) {
      const seed = numberOf(values, "seed") + results.reduce((sum, each) => sum + each.schedules, 0);
      results.push(await runOn(name, serverUrl, { seed, schedules, steps: numberOf(values, "steps"), bug }));
    }
    printFaults(results);
    if (values["results"] !== "none") save(String(values["results"]), results, numberOf(values, "steps"));
    for (const { ground, missing } of results) {
      if (missing.length > 0)
        throw new ProofFailure(`over ${ground} these never happened: ${missing.join(", ")}; run more schedules`);
    }
  },
};

type GroundName = "pglite" | "pgbouncer";

interface RunOptions {
  readonly seed: number;
  readonly schedules: number;
  readonly steps: number;
  readonly bug?: Bug | undefined;
}

interface Result extends Omit<RunOptions, "bug" | "steps"> {
  readonly ground: GroundName;
  readonly seconds: number;
  readonly counts: ReturnType<FaultTally["counts"]>;
  readonly missing: readonly string[];
}

async function runOn(name: GroundName, serverUrl: string, options: RunOptions): Promise<Result> {
  const { seed, schedules, steps, bug } = options;
  const ground = await openGround(name, serverUrl);
  const tally = faultTally();
  const startedAt = performance.now();
  const progress = progressLine(`${name}, seed ${seed}`, schedules);
  try {
    await runSchedules(bug ? await spoiled(ground, bug) : ground, { seed, schedules, steps, tally, progress });
  } catch (error) {
    if (!(error instanceof ScheduleFailure)) throw error;
    const file = join(tmpdir(), `onetrip-sync-${name}-${error.seed}.log`);
    writeFileSync(file, error.account);
    throw new ProofFailure(
      `over ${name}: ${error.message}\n\nEvery statement: ${file}\nAgain: --over ${name} --seed ${error.seed} --schedules 1`,
    );
  } finally {
    await ground.close();
  }
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  return {
    ground: name,
    seed,
    schedules,
    seconds,
    counts: tally.counts(),
    missing: missingFaults(tally, ground.reached),
  };
}

function openGround(name: GroundName, serverUrl: string): Promise<Ground> {
  return name === "pglite" ? pgliteGround() : pgbouncerGround(serverUrl);
}

/** Each bug by itself: the first schedule that shows it. */
async function findAll(serverUrl: string, values: ProofValues): Promise<void> {
  const missed: string[] = [];
  for (const bug of bugs) {
    const seed = numberOf(values, "seed");
    const run = runOn(bug.ground, serverUrl, {
      seed,
      schedules: SCHEDULES_PER_BUG,
      steps: numberOf(values, "steps"),
      bug,
    });
    const finding = await run.then(
      () => undefined,
      (error: unknown) => {
        if (error instanceof ProofFailure) return error.message;
        throw error;
      },
    );
    if (finding === undefined) missed.push(bug.name);
    console.log(
      `${finding ? "found " : "missed"}  ${bug.name}  ${finding?.split("\n").slice(0, 2).join(" ").slice(0, 160) ?? ""}`,
    );
  }
  if (missed.length > 0) throw new ProofFailure(`the simulator did not find: ${missed.join(", ")}`);
}

function chosenBug(values: ProofValues): Bug | undefined {
  if (values["bug"] === "none") return undefined;
  const bug = bugs.find(({ name }) => name === values["bug"]);
  if (bug) return bug;
  throw new ProofFailure(`--bug is one of: ${bugs.map(({ name }) => name).join(", ")}, all, none`);
}

function chosenGrounds(values: ProofValues): readonly GroundName[] {
  const over = values["over"];
  if (over === "both") return ["pglite", "pgbouncer"];
  if (over === "pglite" || over === "pgbouncer") return [over];
  throw new ProofFailure("--over is pglite, pgbouncer or both");
}

/** One line that is written over on a terminal, and now and then a line elsewhere. */
function progressLine(what: string, total: number): (done: number) => void {
  let told = 0;
  return (done) => {
    const isTerminal = process.stderr.isTTY === true;
    if (!isTerminal && done < total && done - told < total / 10) return;
    told = done;
    process.stderr.write(
      `${isTerminal ? "\r" : ""}${what}: ${done} of ${total} schedules${isTerminal && done < total ? "" : "\n"}`,
    );
  };
}

function printFaults(results: readonly Result[]): void {
  const rows = Object.keys(results[0]?.counts ?? {}).map((fault) => [
    fault,
    Object.fromEntries(results.map(({ ground, counts }) => [ground, (counts as Record<string, number>)[fault]])),
  ]);
  console.table(Object.fromEntries(rows));
}

function save(file: string, results: readonly Result[], steps: number): void {
  mkdirSync(dirname(file), { recursive: true });
  const runs = results.map(({ missing: _, ...run }) => ({ ...run, steps, failed: 0 }));
  writeFileSync(file, `${JSON.stringify({ proof: "sync", devices: 5, runs }, undefined, 2)}\n`);
}
