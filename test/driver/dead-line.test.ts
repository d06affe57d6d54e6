import { expect, inject, it, vi } from "vitest";
import { neonWebsocket } from "../../src/driver/neon-websocket.ts";
import { pg } from "../../src/driver/pg.ts";
import { postgres } from "../../src/driver/postgres.ts";
import type { Driver } from "../../src/driver.ts";
import { failureOf } from "../contract/store.ts";
import { startWireProxy } from "../servers/wire-proxy.ts";

/** A line that is dead and stays so, without a word, while new connections work: a device that changed its network. */
const routes = {
  pg: { server: () => inject("servers").postgres, open: (url: string) => pg(url) },
  postgres: {
    server: () => inject("servers").postgres,
    open: (url: string) => postgres(url, { pooler: "transaction" }),
  },
  "neon-websocket": { server: () => inject("servers").neon, open: (url: string) => neonWebsocket(url) },
} satisfies Record<string, { server: () => string; open: (url: string) => Driver }>;

const one = { text: "select 1 as one", params: [] };

it.each(Object.entries(routes))("%s works again after one call on a dead line", async (_, { server, open }) => {
  const upstream = new URL(server());
  const proxy = await startWireProxy({ upstream: { host: upstream.hostname, port: Number(upstream.port) } });
  const driver = open(proxy.url(server()));
  await driver.query(one);
  proxy.strand();
  expect(await failureOf(driver.query(one, { timeoutMs: 200 }))).toMatchObject({ code: "timeout", outcome: "unknown" });
  expect(await driver.query(one, { timeoutMs: 10_000 })).toEqual([{ one: 1 }]);
  await driver.close();
  await proxy.close();
});

it.each(["pg", "postgres"] as const)("%s leaves no socket behind when it is closed on one", async (name) => {
  const { server, open } = routes[name];
  const upstream = new URL(server());
  const proxy = await startWireProxy({ upstream: { host: upstream.hostname, port: Number(upstream.port) } });
  const driver = open(proxy.url(server()));
  const ownSockets = () => process.getActiveResourcesInfo().filter((kind) => kind === "TCPSocketWrap").length;
  const before = ownSockets();
  await driver.query(one);
  const opened = ownSockets() - before;
  proxy.strand();
  await driver.close();
  // One of the client, and two of the proxy, which stay.
  await vi.waitFor(() => expect([opened, ownSockets() - before]).toEqual([3, 2]));
  await proxy.close();
});

it.each(Object.entries(routes))("%s works again after one that could not connect", async (_, { server, open }) => {
  const upstream = new URL(server());
  const proxy = await startWireProxy({ upstream: { host: upstream.hostname, port: Number(upstream.port) } });
  const driver = open(proxy.url(server()));
  proxy.blackhole();
  const failure = await failureOf(driver.query(one, { timeoutMs: 200 }));
  expect(failure).toMatchObject({ code: "timeout", outcome: "not-sent" });
  proxy.strand();
  await proxy.restore();
  expect(await driver.query(one, { timeoutMs: 10_000 })).toEqual([{ one: 1 }]);
  await driver.close();
  await proxy.close();
});
