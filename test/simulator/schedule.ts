import type { PersistError } from "../../src/errors.ts";
import type { Change, MutationResult } from "../../src/sync/replica.ts";
import { valueText } from "./application-writes.ts";
import { differences } from "./checks.ts";
import { dice } from "./dice.ts";
import type { FaultTally } from "./faults.ts";
import type { Ground } from "./ground.ts";
import { type Ledger, ledger } from "./ledger.ts";
import { heldRequests } from "./network.ts";
import { type ObservedStatement, type Observer, observedDriver } from "./observed-driver.ts";
import { seededRandom } from "./random.ts";
import type { PushedMutation } from "./server-judgement.ts";
import { type ServerModel, serverModel } from "./server-model.ts";
import { readAgain, settle } from "./settle.ts";
import { type Stage, stage } from "./steps.ts";
import { freeTurns, seededTurns } from "./turns.ts";
import type { World } from "./world.ts";

export interface ScheduleOptions {
  readonly seed: number;
  readonly steps: number;
  readonly ground: Ground;
  readonly tally: FaultTally;
}

/** One schedule in two halves, between which others may end theirs. */
export interface Schedule {
  /** Random steps, with faults. */
  run(): Promise<void>;
  /** Waits for quiet, and looks at what is there then. */
  check(): Promise<void>;
}

/** What did not hold, with the steps before it. */
export class ScheduleFailure extends Error {
  override readonly name = "ScheduleFailure";
  readonly seed: number;
  /** The steps with every statement between them: where threads race, the seed alone does not bring it back. */
  readonly account: string;

  constructor(seed: number, what: readonly string[], account: readonly (string | ObservedStatement)[]) {
    const steps = account.filter((each) => typeof each === "string");
    super(`seed ${seed}:\n${what.join("\n")}\n\nafter these steps:\n${steps.join("\n")}`);
    this.seed = seed;
    this.account = account.map((each) => (typeof each === "string" ? each : `    ${JSON.stringify(each)}`)).join("\n");
  }
}

const strategies = [undefined, "last-write-wins", "merge", "manual"] as const;

export function schedule(options: ScheduleOptions): Schedule {
  const { seed, ground, tally } = options;
  const { copies, isOrdered } = ground;
  const random = seededRandom(seed);
  const account: (string | ObservedStatement)[] = [];
  const found: string[] = [];
  const name = `s${seed}`;
  const server = `${name}/server`;
  const written = ledger(isOrdered);
  const model = isOrdered ? serverModel() : undefined;
  const turns = isOrdered ? seededTurns(random) : freeTurns;
  const note = (text: string) => void account.push(text.replaceAll(`${name}/`, ""));
  const report = (error: unknown) => {
    found.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
  };
  const observer: Observer = {
    failed: (error) => countServerFault(error, tally),
    done(statement: ObservedStatement) {
      account.push(statement);
      try {
        observe(statement, { server, written, model });
      } catch (error) {
        report(error);
      }
    },
  };

  const world: World = {
    name,
    server,
    dice: dice(random, tally, note),
    driver: observedDriver(ground.driver(seed), turns, observer),
    apart: observedDriver(ground.apart, turns, observer),
    apartInTurn: observedDriver(ground.apart, freeTurns, observer),
    ground,
    turns,
    restores: { count: 0 },
    copies,
    strategy: random.pick(strategies),
    held: heldRequests(random),
    ledger: written,
    model,
    note,
    found: report,
  };
  note(`strategy: ${world.strategy ?? "none"}`);
  const on: Stage = stage(world);

  function failIfFound(): void {
    if (found.length > 0) throw new ScheduleFailure(seed, found, account);
  }

  async function guarded(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      report(error);
    }
    failIfFound();
  }

  return {
    run: () =>
      guarded(async () => {
        for (let step = 0; step < options.steps; step++) {
          await on.step();
          failIfFound();
        }
      }),
    check: () =>
      guarded(async () => {
        await settle(world, on);
        found.push(...(await differences(world, on)));
        if (found.length === 0) await readAgain(world, on);
        const stores = [server, `${server}~backup`, ...on.devices.map((each) => each.name)];
        if (found.length === 0) await copies.remove(stores);
      }),
  };
}

/** What the server itself has refused. Errors that were made up do not come from there. */
function countServerFault({ sqlstate, message }: PersistError, tally: FaultTally): void {
  if (sqlstate === "57014") tally.count("statement cancelled by the server, 57014");
  if (sqlstate === "55P03") tally.count("lock timeout of the server, 55P03");
  if (sqlstate === "53300" || /no more connections allowed/.test(message))
    tally.count("connections of the server exhausted");
}

interface Watched {
  readonly server: string;
  readonly written: Ledger;
  readonly model: ServerModel | undefined;
}

function observe(statement: ObservedStatement, { server, written, model }: Watched): void {
  if (statement.params[0] !== server) {
    written.observe(statement);
  } else if (statement.name === "sync_pull_v2" && model === undefined) {
    // Where an answer was lost between the database and here, what is pulled tells of it.
    for (const change of (statement.rows[0]?.["changes"] ?? []) as readonly Change[]) {
      if (change.kind !== "event")
        written.applied.add(
          `${change.kind}:${change.key} ${valueText({ deleted: change.deleted ?? false, value: change.value })}`,
        );
    }
  } else if (statement.name === "sync_push_v2") {
    const push = toPush(statement);
    model?.push(push);
    for (const mutation of push.mutations) {
      const result = push.results.find(({ id }) => id === mutation.id);
      // Where an answer can be lost between the database and here, a duplicate tells of it.
      const isTaken = result?.status === "applied" || (model === undefined && result?.status === "duplicate");
      if (!isTaken) continue;
      const [place, value] = stateAfter(mutation);
      written.took(place, value, `${push.client} ${mutation.id}`);
    }
  }
}

function toPush({ params, rows: [row], at }: ObservedStatement) {
  const [, client, principal, epoch, , ack, , mutations] = params;
  return {
    client: String(client),
    principal: String(principal),
    ack: ack === null ? null : Number(ack),
    hasCursor: epoch !== null,
    mutations: JSON.parse(String(mutations)) as readonly PushedMutation[],
    status: String(row?.["status"]),
    lastMutation: row?.["last_mutation"] === null ? null : Number(row?.["last_mutation"]),
    results: (row?.["results"] ?? []) as readonly MutationResult[],
    at,
  };
}

/** What a mutation leaves, as the ledger knows it. */
function stateAfter({ op, key, value }: PushedMutation): readonly [place: string, value: string] {
  const place = `${op.startsWith("kv.") ? "kv" : "record"}:${key}`;
  return [place, op === "delete" || op === "kv.delete" ? "deleted" : JSON.stringify(value)];
}
