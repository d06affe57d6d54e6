import { PersistError } from "../../src/errors.ts";
import { createStore, type Store } from "../../src/index.ts";
import { type LossyRoute, lossyRoutes } from "./lossy-routes.ts";
import { numberOf, type Proof, ProofFailure } from "./proof.ts";

export interface AmbiguousOptions {
  readonly increments: number;
  /** The share of replies that are lost, from 0 to 1. */
  readonly loss: number;
  /** Calls at the same time. */
  readonly lanes: number;
}

export interface AmbiguousResult {
  /** Calls that were answered: all of them, or there is no result. */
  readonly increments: number;
  /** Replies that were lost after the commit. */
  readonly lostReplies: number;
  /** Attempts beyond the first of each call. */
  readonly retries: number;
  /** Calls that were answered and not counted. */
  readonly lost: number;
  /** Counted, but not called for. */
  readonly doubled: number;
}

/** `keyed` is the product's own. `by hand` is what people write: send it again until it is answered. */
export type AmbiguousVariant = "keyed" | "by hand";

export const ambiguousProof: Proof = {
  about: "increments whose replies are lost after the commit are counted once, and without keys they are not",
  options: { increments: 20_000, loss: 0.05, lanes: 8, control: 1_000, transport: "all" },
  async run(serverUrl, values) {
    const options = { loss: numberOf(values, "loss"), lanes: numberOf(values, "lanes") };
    const counts = { keyed: numberOf(values, "increments"), "by hand": numberOf(values, "control") };
    const wanted = values["transport"];
    const routes = lossyRoutes.filter(({ name }) => wanted === "all" || wanted === name);
    if (routes.length === 0) {
      throw new ProofFailure(`--transport is one of: all, ${lossyRoutes.map(({ name }) => name).join(", ")}`);
    }
    const results: Record<string, AmbiguousResult> = {};
    for (const route of routes) {
      for (const variant of ["keyed", "by hand"] as const) {
        const label = `${route.name}, ${variant}`;
        results[label] = await runAmbiguous(serverUrl, route, variant, { ...options, increments: counts[variant] });
        console.log(`${label}:`, JSON.stringify(results[label]));
      }
    }
    console.table(results);
    for (const { name } of routes) check(name, results[`${name}, keyed`], results[`${name}, by hand`]);
  },
};

function check(name: string, keyed: AmbiguousResult | undefined, byHand: AmbiguousResult | undefined): void {
  if (keyed?.lost !== 0 || keyed.doubled !== 0) throw new ProofFailure(`${name}: increments were lost or doubled`);
  if (keyed.lostReplies === 0 || !byHand?.doubled) {
    throw new ProofFailure(`${name}: too few replies were lost: this run was too tame to show anything`);
  }
}

/** One run on a database of its own. */
export async function runAmbiguous(
  serverUrl: string,
  route: LossyRoute,
  variant: AmbiguousVariant,
  { increments, loss, lanes }: AmbiguousOptions,
): Promise<AmbiguousResult> {
  const opened = await route.open(serverUrl, { loss, lanes });
  try {
    // With 5 % lost, one call in 10^13 would lose ten replies in a row.
    const policy = variant === "keyed" ? { attempts: 10, baseMs: 1, maxMs: 20 } : (false as const);
    const stores = await Promise.all(opened.drivers.map((driver) => createStore("s", { driver, retry: policy })));
    await stores[0]?.migrate();
    let retries = 0;
    for (const store of stores) store.on("retry", () => (retries += 1));
    opened.begin();

    const totals: string[] = [];
    let next = 0;
    async function work(store: Store) {
      for (let n = next++; n < increments; n = next++) {
        const counter = `counter-${n % COUNTERS}`;
        const total =
          variant === "keyed"
            ? await store.kv.increment(counter, 1, { idempotencyKey: `increment ${n}` })
            : await incrementByHand(store, counter, () => (retries += 1));
        totals.push(`${counter} ${total}`);
      }
    }
    await Promise.all(stores.map(work));
    const lostReplies = opened.lostReplies();
    opened.end();

    const counted = await countersOf(stores[0]);
    const expected = (name: string) => totals.filter((total) => total.startsWith(`${name} `)).length;
    const surplus = counted.map(([name, count]) => count - expected(name));
    return {
      increments: totals.length,
      lostReplies,
      retries,
      // Each sum is answered to one call alone: two calls with one sum are one that was not counted.
      lost: Math.max(totals.length - new Set(totals).size, -surplus.reduce((sum, n) => sum + Math.min(0, n), 0)),
      doubled: surplus.reduce((sum, n) => sum + Math.max(0, n), 0),
    };
  } finally {
    await opened.close();
  }
}

/** Some are at the same time on one counter, and most are not. */
const COUNTERS = 50;

async function incrementByHand(store: Store, counter: string, onRetry: () => void): Promise<number> {
  for (;;) {
    try {
      return await store.kv.increment(counter);
    } catch (error) {
      if (!(error instanceof PersistError)) throw error;
      onRetry();
    }
  }
}

async function countersOf(store: Store | undefined): Promise<readonly (readonly [name: string, count: number])[]> {
  const entries = (await store?.kv.list<number>({ prefix: "counter-", limit: 1000 })) ?? [];
  return entries.map(({ key, value }) => [key, value]);
}
