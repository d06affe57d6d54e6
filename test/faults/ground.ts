import { setTimeout as sleep } from "node:timers/promises";
import pgPackage from "pg";
import { type LocalNeon, startLocalNeon } from "../../src/local/index.ts";
import { type PgBouncer, startPgBouncer } from "../servers/pgbouncer.ts";
import { withDatabase } from "../servers/provided.ts";
import { startWireProxy, type WireProxy } from "../servers/wire-proxy.ts";
import type { Fault } from "./fault.ts";
import type { Ledger } from "./ledger.ts";
import type { Way } from "./ways.ts";

/** What lies between the driver of one cell and its database, to be broken. */
export interface Ground {
  /** What the driver is given. */
  readonly url: string;
  /** Between the driver and what it connects to. */
  readonly line: WireProxy;
  /** Between the pooler or the endpoint and the server. */
  readonly behind: WireProxy;
  readonly ledger: Ledger;
  /** Where `line` leads to; new connections follow a change. */
  readonly target: { host: string; port: number };
  /** Of a fault that asks for it, on a way that has one. */
  readonly pooler: OwnPooler | undefined;
  /** On a way that has one. */
  readonly endpoint: LocalNeon | undefined;
  /** Only for a fault that asks for it. */
  readonly role: string;
  /** The backend that serves the driver. Set by the phase. */
  backend: number;
  close(): Promise<void>;
}

export interface OwnPooler {
  kill(signal: NodeJS.Signals): void;
  /** Another one in the place of one that was killed. */
  replace(): Promise<void>;
  /** A command for its console. */
  command(text: string): Promise<void>;
  /** It tries a server that has refused it only now and then. */
  untilServing(): Promise<void>;
  /** A client that takes a place; its end gives it back. */
  occupy(): Promise<pgPackage.Client>;
}

export async function layGround(way: Way, { setting = {} }: Fault, ledger: Ledger): Promise<Ground> {
  const closings: (() => Promise<unknown>)[] = [];
  async function later<T>(thing: T, close: (thing: T) => Promise<unknown>): Promise<T> {
    closings.unshift(() => close(thing));
    return thing;
  }

  const role = setting.limitedRole
    ? await later(await createLimitedRole(ledger), (name) => dropRole(ledger, name))
    : "";
  const serverUrl = new URL(ledger.database.postgres);
  if (role !== "") Object.assign(serverUrl, { username: role, password: PASSWORD });
  const behind = await later(await startWireProxy({ upstream: addressOf(serverUrl.href) }), (proxy) => proxy.close());

  let pooler: PgBouncer | undefined;
  async function startPooler(): Promise<PgBouncer> {
    await pooler?.stop();
    pooler = await startPgBouncer({ upstream: { url: behind.url(serverUrl.href) }, ...poolerOptions(setting.pooler) });
    return pooler;
  }
  let endpoint: LocalNeon | undefined;
  let url = serverUrl.href;
  if (way.server === "pgbouncer") {
    url = ledger.database.pgbouncer;
    if (setting.pooler !== undefined || role !== "") {
      url = (await startPooler()).url;
      closings.unshift(async () => pooler?.stop());
    }
  } else if (way.server === "endpoint") {
    endpoint = await later(await startLocalNeon({ database: behind.url(serverUrl.href) }), (local) => local.close());
    url = endpoint.url;
  }
  const target = addressOf(url);
  const line = await later(await startWireProxy({ upstream: target }), (proxy) => proxy.close());

  return {
    url: line.url(url),
    line,
    behind,
    ledger,
    target,
    role,
    backend: 0,
    get pooler() {
      return pooler && poolerOf(pooler, async () => void Object.assign(target, addressOf((await startPooler()).url)));
    },
    endpoint,
    async close() {
      for (const close of closings) await close();
    },
  };
}

const PASSWORD = "only-here";

function poolerOptions({ default_pool_size, ...settings }: Readonly<Record<string, string | number>> = {}) {
  return { ...(default_pool_size && { defaultPoolSize: Number(default_pool_size) }), settings };
}

function poolerOf(pooler: PgBouncer, replace: () => Promise<void>): OwnPooler {
  async function connect(url: string): Promise<pgPackage.Client> {
    const client = new pgPackage.Client(url);
    client.on("error", () => undefined);
    await client.connect();
    return client;
  }
  return {
    kill: pooler.kill,
    replace,
    occupy: () => connect(pooler.url),
    async untilServing() {
      for (;;) {
        const client = await connect(pooler.url).catch(() => undefined);
        const isServed = await client?.query("select 1").then(
          () => true,
          () => false,
        );
        await client?.end().catch(() => undefined);
        if (isServed) return;
        await sleep(20);
      }
    },
    async command(text) {
      const admin = await connect(withDatabase(pooler.url, "pgbouncer"));
      await admin.query(text);
      await admin.end();
    },
  };
}

/** Every connection of it is one too many. */
async function createLimitedRole(ledger: Ledger): Promise<string> {
  const name = `limited_${Math.random().toString(36).slice(2, 10)}`;
  await ledger.run(`create role ${name} login password '${PASSWORD}' connection limit 0`);
  return name;
}

async function dropRole(ledger: Ledger, name: string): Promise<void> {
  await ledger.run(`drop role ${name}`);
}

function addressOf(url: string): { host: string; port: number } {
  const { hostname, port } = new URL(url);
  return { host: hostname, port: Number(port) };
}
