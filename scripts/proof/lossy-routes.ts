import { neonHttp } from "../../src/driver/neon-http.ts";
import { neonWebsocket } from "../../src/driver/neon-websocket.ts";
import { pg } from "../../src/driver/pg.ts";
import { pglite } from "../../src/driver/pglite.ts";
import { postgres } from "../../src/driver/postgres.ts";
import type { Driver } from "../../src/driver.ts";
import { ConnectionError } from "../../src/errors.ts";
import { startLocalNeon } from "../../src/local/index.ts";
import { createDatabase } from "../../test/servers/provided.ts";
import { startWireProxy, type WireProxy } from "../../test/servers/wire-proxy.ts";

/** A way to a database on which replies are lost after the commit. */
export interface LossyRoute {
  readonly name: string;
  open(serverUrl: string, options: LossyOptions): Promise<LossyDrivers>;
}

export interface LossyOptions {
  /** The share of replies to lose, from 0 to 1. */
  readonly loss: number;
  readonly lanes: number;
}

export interface LossyDrivers {
  /** One for each lane, all on one new database. */
  readonly drivers: readonly Driver[];
  /** From now on replies are lost. */
  begin(): void;
  end(): void;
  lostReplies(): number;
  close(): Promise<void>;
}

export const lossyRoutes: readonly LossyRoute[] = [
  overNeon("neon-http", (url) => neonHttp(url)),
  overNeon("neon-websocket", (url) => neonWebsocket(url)),
  overTcp("postgres", (url) => postgres(url, { pooler: "transaction" })),
  overTcp("pg", (url) => pg(url)),
  { name: "pglite", open: openPglite },
];

/** The local endpoint loses them. */
function overNeon(name: string, connect: (url: string) => Driver): LossyRoute {
  return {
    name,
    async open(serverUrl, { loss, lanes }) {
      const database = await createDatabase(serverUrl);
      const local = await startLocalNeon({ database: database.url });
      const drivers = Array.from({ length: lanes }, () => connect(local.url));
      return {
        drivers,
        begin() {
          const when = (sql: string) => /\b(?:write_once|kv_increment)\(/.test(sql);
          local.faults.arm({ kind: "drop-reply", probability: loss, seed: 7, when });
        },
        end: () => local.faults.clear(),
        lostReplies: () => local.faults.fired("drop-reply"),
        async close() {
          await Promise.all(drivers.map((driver) => driver.close()));
          await local.close();
          await database.drop();
        },
      };
    },
  };
}

/**
 * A proxy for each lane cuts the connection with the first byte of the reply: the server sends none before it has committed.
 * Only of an open connection, else it would be the greeting that is lost.
 */
function overTcp(name: string, connect: (url: string) => Driver): LossyRoute {
  return {
    name,
    async open(serverUrl, { loss, lanes }) {
      const database = await createDatabase(serverUrl);
      const { hostname, port } = new URL(database.url);
      const proxies: WireProxy[] = [];
      for (let lane = 0; lane < lanes; lane++) {
        proxies.push(await startWireProxy({ upstream: { host: hostname, port: Number(port) } }));
      }
      const random = seededRandom();
      let share = 0;
      const drivers = proxies.map((proxy) => {
        let isOpen = false;
        return beforeEachCall(connect(proxy.url(database.url)), async (send) => {
          if (isOpen && random() < share) proxy.cut("rst", { afterServerBytes: 0 });
          isOpen = false;
          const answer = await send();
          isOpen = true;
          return answer;
        });
      });
      return {
        drivers,
        begin() {
          for (const proxy of proxies) proxy.reset();
          share = loss;
        },
        end() {
          share = 0;
        },
        lostReplies: () => proxies.reduce((sum, proxy) => sum + proxy.cuts(), 0),
        async close() {
          await Promise.all(drivers.map((driver) => driver.close()));
          await Promise.all(proxies.map((proxy) => proxy.close()));
          await database.drop();
        },
      };
    },
  };
}

/** There is no wire to cut: the answer is thrown away here. */
async function openPglite(_serverUrl: string, { loss, lanes }: LossyOptions): Promise<LossyDrivers> {
  const database = pglite();
  const random = seededRandom();
  let share = 0;
  let lost = 0;
  const lossy = beforeEachCall(database, async (send) => {
    const answer = await send();
    if (random() >= share) return answer;
    lost += 1;
    throw new ConnectionError("the reply was thrown away", { outcome: "unknown" });
  });
  return {
    drivers: Array.from({ length: lanes }, () => lossy),
    begin() {
      share = loss;
    },
    end() {
      share = 0;
    },
    lostReplies: () => lost,
    close: () => database.close(),
  };
}

function beforeEachCall(driver: Driver, around: <T>(send: () => Promise<T>) => Promise<T>): Driver {
  return {
    ...driver,
    query: (statement, options) => around(() => driver.query(statement, options)),
    batch: (statements, options) => around(() => driver.batch(statements, options)),
  };
}

/** Mulberry32, the same choices in each run. */
function seededRandom(): () => number {
  let state = 7;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
