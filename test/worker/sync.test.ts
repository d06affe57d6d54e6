import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type DevelopmentWorker, startDevelopmentWorker } from "../../scripts/start/development-worker.ts";
import { httpReplica } from "../../src/sync/index.ts";
import { batch, describeReplica, put, taken } from "../contract/replica.ts";
import { withNewDatabase } from "../stores/new-database.ts";

const root = join(import.meta.dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "onetrip-worker-"));
const database = withNewDatabase();
const keys = generateKeyPair("ES256");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The worker in workerd, with this driver. */
async function start(driver: string, databaseUrl: string): Promise<DevelopmentWorker> {
  const variables = {
    DATABASE_URL: databaseUrl,
    DATABASE_DRIVER: driver,
    PUBLIC_JWK: JSON.stringify(await exportJWK((await keys).publicKey)),
    TOKEN_ISSUER: "tests",
    TOKEN_AUDIENCE: "sync",
  };
  return startDevelopmentWorker({ root, port: 0, variables, logFolder: folder });
}

async function token(subject: string): Promise<string> {
  return new SignJWT({ scope: "sync:read sync:write", stores: ["*"] })
    .setProtectedHeader({ alg: "ES256" })
    .setSubject(subject)
    .setIssuer("tests")
    .setAudience("sync")
    .setExpirationTime("1h")
    .sign((await keys).privateKey);
}

describeReplica("the worker in workerd", async () => {
  const worker = await start("neon-http", database().neon);
  return {
    replica: (store, principal) => httpReplica(worker.url.href, { store, authToken: () => token(principal) }),
    close: () => worker.close(),
  };
});

describe.each([
  { driver: "neon-http", way: "neon" },
  { driver: "postgres", way: "pgbouncer" },
  { driver: "pg", way: "postgres" },
] as const)("a poke of the worker with $driver", ({ driver, way }) => {
  let worker: DevelopmentWorker;
  beforeAll(async () => {
    worker = await start(driver, database()[way]);
  });
  afterAll(() => worker.close());

  it("waits until something is written", async () => {
    const replica = httpReplica(worker.url.href, { store: `poked by ${driver}`, authToken: await token("alice") });
    const first = await replica.head();
    expect(await replica.poke(first, { waitMs: 1200 })).toBeNull();
    const waiting = replica.poke(first);
    const { head } = await taken(replica.push(batch(put(1, "a", 1))));
    expect(await waiting).toEqual({ head, epoch: expect.any(String) });
  });

  it("streams, each move an event, on the driver of its request", async () => {
    const replica = httpReplica(worker.url.href, { store: driver, authToken: await token("alice") });
    const headers = { authorization: `Bearer ${await token("alice")}`, accept: "text/event-stream" };
    const abort = new AbortController();
    const response = await fetch(new URL(`/sync/v1/${driver}/poke`, worker.url), { headers, signal: abort.signal });
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    const until = async (part: string) => {
      for (let text = ""; !text.includes(part); ) {
        const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
        if (done) throw new Error(`ended before ${part}`);
        text += value;
      }
    };
    await until('data: {"head":""');
    for (const id of [1, 2]) {
      const { head } = await taken(replica.push(batch(put(id, `k${id}`, 1))));
      await until(`data: {"head":"${head}"`);
    }
    abort.abort();
    // The line is given up; the worker goes on.
    expect((await replica.head()).head).not.toBe("");
  });
});
