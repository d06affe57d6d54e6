import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createStore } from "../../src/create-store.ts";
import { pg } from "../../src/driver/pg.ts";
import type { Driver } from "../../src/driver.ts";
import { storeReplica } from "../../src/sync/store-replica.ts";
import { syncHandler } from "../../src/sync/sync-handler.ts";
import { withNewDatabase } from "../stores/new-database.ts";
import { jsonOf, runHere, runOnetrip } from "./run-onetrip.ts";

const here = withNewDatabase();
const there = withNewDatabase();
let driver: Driver;
let server: Server;
let remote: string;

beforeAll(async () => {
  driver = pg(there().postgres);
  const handler = syncHandler({
    authorize: (request) => request.headers.get("authorization") === "Bearer secret-token" && { principal: "ada" },
    replica: (_, { store, principal = "" }) => storeReplica({ driver, store, principal }),
  });
  server = createServer(async (request, response) => {
    const body = request.method === "POST" ? { body: Readable.toWeb(request) as ReadableStream, duplex: "half" } : {};
    const headers = new Headers(request.headers as Record<string, string>);
    const init = { method: request.method, headers, ...body } as RequestInit;
    const answer = await handler(new Request(`http://${request.headers.host}${request.url}`, init));
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    response.end(Buffer.from(await answer.arrayBuffer()));
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  remote = `http://127.0.0.1:${(server.address() as AddressInfo).port}/sync/v1/notes`;
});
afterAll(async () => {
  server.close();
  await driver.close();
});

/** A port on which nothing listens. */
async function freePort(): Promise<number> {
  const taken = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => taken.once("listening", resolve));
  const { port } = taken.address() as AddressInfo;
  await new Promise((resolve) => taken.close(resolve));
  return port;
}

async function put(url: string, key: string, value: unknown): Promise<void> {
  const store = await createStore("notes", { driver: pg(url) });
  await store.records.put(key, value);
  await store.close();
}

describe("onetrip sync", () => {
  it("brings a store and a remote in step, with the token from the environment", async () => {
    await put(here().postgres, "from-here", 1);
    await put(there().postgres, "from-there", 2);
    const env = { ONETRIP_TOKEN: "secret-token", DATABASE_URL: here().pgbouncer };
    const run = await runOnetrip(["sync", "notes", remote, "--json"], { env });
    expect(run).toMatchObject({ code: 0, stderr: "" });
    expect(jsonOf(run)).toMatchObject({ store: "notes", pushed: 1, written: 1, conflicts: 0, rejected: 0, done: true });

    const again = await runOnetrip(["sync", "notes", here().postgres, remote], { env });
    expect(again.stdout).toBe("notes: 0 pushed, 0 pulled\n  both sides are in step\n");
    const { stdout } = await runOnetrip(["export", there().postgres, "notes"]);
    expect(stdout).toBe('{"key":"from-here","value":1}\n{"key":"from-there","value":2}\n');
  });

  it("says what to do about a token that is not taken", async () => {
    const { code, stderr } = await runOnetrip(["sync", "notes", here().postgres, remote], {
      env: { ONETRIP_TOKEN: "another-token" },
    });
    expect(code).toBe(1);
    expect(stderr).toContain("check the token");
    expect(stderr).not.toContain("another-token");
  });

  it("knows that nothing was sent to a remote that is not there", async () => {
    await put(here().postgres, "waits", 1);
    for (const [dead, why] of [
      ["http://127.0.0.1:PORT/sync/v1/notes", "nothing listens on this port"],
      ["http://no-such-host.invalid/sync/v1/notes", "the host's name is not known"],
      ["postgresql://ada:secret@127.0.0.1:PORT/db", "nothing listens on this port"],
    ] as const) {
      const url = dead.replace("PORT", String(await freePort()));
      const { code, stderr } = await runHere(["sync", "notes", here().postgres, url]);
      expect(stderr).toMatch(new RegExp(`^onetrip: the remote: no connection: ${why}\n  → .*correct`));
      expect(code).toBe(2);
      expect(stderr).not.toContain("secret");
    }
    const { code, stderr } = await runHere(["sync", "notes", here().postgres, "http://127.0.0.1:1/sync/v1/notes"]);
    expect({ code, stderr }).toEqual({ code: 64, stderr: expect.stringContaining("fetch goes to no such port") });
  });

  it("says that it may be run again when an answer is lost", async () => {
    const hangsUp = createServer((request) => void request.socket.destroy()).listen(0, "127.0.0.1");
    await new Promise((resolve) => hangsUp.once("listening", resolve));
    const url = `http://127.0.0.1:${(hangsUp.address() as AddressInfo).port}/sync/v1/notes`;
    const { code, stderr } = await runHere(["sync", "notes", here().postgres, url]);
    hangsUp.close();
    expect(stderr).toMatch(
      /^onetrip: stopped: sync p\w+: the line was lost.*\n {2}→ run it again: nothing is applied twice\n$/,
    );
    expect(code).toBe(75);
  });

  it("syncs two databases", async () => {
    await put(there().postgres, "later", 3);
    const run = await runOnetrip(["sync", "notes", here().postgres, there().neon, "--json"]);
    expect(run).toMatchObject({ code: 0, stderr: "" });
    expect(jsonOf(run)).toMatchObject({ done: true });
    const { stdout } = await runOnetrip(["export", here().postgres, "notes"]);
    expect(stdout).toContain('{"key":"later","value":3}\n');
  });

  it("refuses a store as its own remote, whatever the way to it", async () => {
    const run = await runOnetrip(["sync", "notes", here().postgres, here().pgbouncer]);
    expect(run).toMatchObject({ code: 64, stderr: expect.stringContaining("lead to the same store") });
  });
});
