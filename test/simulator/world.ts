import { createStore, type Store } from "../../src/create-store.ts";
import type { Driver } from "../../src/driver.ts";
import type { SyncLimits } from "../../src/sync/limits.ts";
import type { Cursor, Replica } from "../../src/sync/replica.ts";
import { storeReplica } from "../../src/sync/store-replica.ts";
import type { Strategy } from "../../src/sync/strategy.ts";
import { collectTombstones } from "./collection.ts";
import type { Dice } from "./dice.ts";
import { faultyDriver } from "./faulty-driver.ts";
import { faultyReplica } from "./faulty-replica.ts";
import type { Ground } from "./ground.ts";
import { httpLink } from "./http-link.ts";
import type { Ledger } from "./ledger.ts";
import type { HeldRequests } from "./network.ts";
import type { ServerModel } from "./server-model.ts";
import type { StoreCopies } from "./store-copies.ts";
import type { Turns } from "./turns.ts";

/** What all that takes part in one schedule shares. */
export interface World {
  /** Begins the names of its stores. */
  readonly name: string;
  readonly dice: Dice;
  /** Waits for its turn before each statement. */
  readonly driver: Driver;
  /** The same, but nothing that befalls the server reaches it. */
  readonly apart: Driver;
  /** As `apart`, inside a turn: see {@link alone}. */
  readonly apartInTurn: Driver;
  readonly ground: Pick<Ground, "quiet" | "openTransaction" | "spoilDevice">;
  /** How often the server was put back. */
  readonly restores: { count: number };
  readonly turns: Turns;
  readonly copies: StoreCopies;
  readonly strategy: Strategy | undefined;
  readonly held: HeldRequests;
  readonly ledger: Ledger;
  /** Undefined where statements run at the same time, so that nobody can tell in which order. */
  readonly model: ServerModel | undefined;
  /** The name of the server's store. */
  readonly server: string;
  /** Writes a line of the account of what happened. */
  readonly note: (text: string) => void;
  /** What must not be. Does not stop the statement that showed it. */
  readonly found: (error: unknown) => void;
}

/** Small, so that pages and pushes are cut. */
export const limits: SyncLimits = {
  maxChanges: 7,
  maxPageBytes: 4000,
  maxMutations: 6,
  maxPushBytes: 16_000,
  maxValueBytes: 4000,
};

/** Several statements that nobody of the same schedule gets between. */
export async function alone<T>(world: World, work: (driver: Driver) => Promise<T>): Promise<T> {
  return world.turns.take(() => work(world.apartInTurn));
}

/** A store as its application has it. A call is sent once: waits would make an order that nobody can repeat. */
export function storeOf(driver: Driver, name: string): Promise<Store> {
  return createStore(name, { driver, migrate: "off", retry: false });
}

/** The server as a device reaches it. */
export function linkToServer(world: World, principal: string, way: "direct" | "http"): Replica {
  const { dice, held, server } = world;
  const atServer = () =>
    storeReplica({
      driver: faultyDriver(world.driver, dice, "worker"),
      store: server,
      principal,
      limits,
      migrate: "off",
    });
  const inner = way === "http" ? httpLink({ store: server, principal, limits, dice, replica: atServer }) : atServer();
  return faultyReplica(inner, {
    dice,
    held,
    foreignCursor: () => foreignCursor(world),
    collect: () => collectTombstones(world),
    era: () => world.restores.count,
  });
}

async function foreignCursor(world: World): Promise<Cursor> {
  const replica = storeReplica({ driver: world.apart, store: `${world.name}/none`, principal: "p", migrate: "off" });
  const page = await replica.pull(null, 1);
  if ("resync" in page) throw new Error("a store that was never written to asks for a resync");
  return page.cursor;
}
