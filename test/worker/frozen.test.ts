import { readFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, inject, it, vi } from "vitest";
import { withDatabase } from "../servers/provided.ts";
import { startWireProxy, type WireProxy } from "../servers/wire-proxy.ts";
import { withNewDatabase } from "../stores/new-database.ts";
import { client } from "./conversation.ts";
import { type Instance, startInstance } from "./instance.ts";
import { withToken } from "./with-token.ts";

const database = withNewDatabase();
const token = withToken();

const instances = [
  { platform: "lambda", driver: "postgres" },
  { platform: "lambda", driver: "pg" },
  { platform: "vercel", driver: "pg" },
] as const;

/** What befalls a connection while nobody looks. `lost` says whether the instance needs a new one. */
const events: Readonly<Record<string, { readonly happen: (line: WireProxy) => unknown; readonly lost: boolean }>> = {
  "nothing happened": { happen: () => undefined, lost: false },
  "Postgres has ended the sessions behind the pooler": { happen: () => endSessions(), lost: false },
  "the pooler has closed its clients": { happen: () => closePoolerClients(), lost: true },
  "the connection was reset": { happen: (line) => line.cut("rst"), lost: true },
  "the connection was closed": { happen: (line) => line.cut("fin"), lost: true },
};

describe.each(instances)("an instance of $platform with $driver that was frozen", ({ platform, driver }) => {
  let line: WireProxy;
  let instance: Instance;
  beforeAll(async () => {
    const url = new URL(database().pgbouncer);
    line = await startWireProxy({ upstream: { host: url.hostname, port: Number(url.port) } });
    const variables = { ...token().variables, DATABASE_URL: line.url(url.href), DATABASE_DRIVER: driver };
    const entry = join(import.meta.dirname, `../../worker/${platform}.ts`);
    instance = await startInstance({ platform, entry, variables, timeoutMs: 3000 });
  });
  afterAll(async () => {
    await instance.stop();
    await line.close();
  });

  it.each(Object.entries(events))("answers as if it had not been, when %s meanwhile", async (_, { happen, lost }) => {
    const { get, send } = client(instance.send, token().bearer);
    const id = `${platform}-${driver}`;
    await send("PUT", `/profiles/v1/${id}`, { profile_id: id, user_id: "u" });
    line.reset();

    for (const request of [
      () => get("/healthz"),
      () => get(`/profiles/v1/${id}`),
      () => send("PUT", `/profiles/v1/${id}`, { profile_id: id, user_id: "u", again: true }),
    ]) {
      await instance.freeze();
      await happen(line);
      const answer = request();
      await vi.waitFor(() => expect(establishedTo(line.port)).toBe(lost ? 0 : 1), 5000);
      instance.thaw();
      expect(await answer).toMatchObject({ status: 200 });
    }
    expect(line.accepted()).toBe(lost ? 3 : 0);
    await vi.waitFor(() => expect(line.connections()).toBe(1));
    expect({ alive: instance.isAlive(), errors: instance.errors() }).toEqual({ alive: true, errors: "" });
  });
});

/**
 * Connections to a local port that nobody has ended yet, as the system knows them: what has reached a process that is frozen can
 * be seen nowhere else.
 */
function establishedTo(port: number): number {
  const address = `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const rows = readFileSync("/proc/net/tcp", "utf8").trim().split("\n").slice(1);
  return rows.filter((row) => {
    const [, , remote, state] = row.trim().split(/\s+/);
    return remote === address && state === ESTABLISHED;
  }).length;
}

const ESTABLISHED = "01";

async function endSessions(): Promise<void> {
  const owner = new pg.Client(database().postgres);
  await owner.connect();
  await owner.query(
    "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
  );
  await owner.end();
}

async function closePoolerClients(): Promise<void> {
  const admin = new pg.Client(withDatabase(inject("servers").pgbouncer, "pgbouncer"));
  await admin.connect();
  await admin.query(`kill ${database().name}`);
  await admin.query(`resume ${database().name}`);
  await admin.end();
}
