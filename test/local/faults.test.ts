import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import { type Fault, type LocalNeon, startLocalNeon } from "../../src/local/index.ts";
import { createDatabase, type TestDatabase } from "../servers/provided.ts";
import { neonOverHttp, neonOverWebsocket, postSql } from "./neon-client.ts";

describe("faults", () => {
  let database: TestDatabase;
  let local: LocalNeon;
  let lastId = 0;

  beforeAll(async () => {
    database = await createDatabase(inject("servers").postgres);
    local = await startLocalNeon({ database: database.url, controlRoute: true });
    await neonOverHttp(local.url)`create table written (id int primary key)`;
  });
  beforeEach(() => {
    lastId += 1;
  });
  afterEach(() => local.faults.clear());
  afterAll(async () => {
    await local.close();
    await database.drop();
  });

  describe("over HTTP", () => {
    const lost = "Error connecting to database";
    const table: readonly [fault: Fault, message: string, applied: boolean][] = [
      [{ kind: "drop-request" }, lost, false],
      [{ kind: "drop-reply" }, lost, true],
      [{ kind: "connection-closed" }, "connection closed", false],
      [{ kind: "connection-closed", applied: true }, "connection closed", true],
      [{ kind: "cancelled" }, "Query cancelled", false],
      [{ kind: "cancelled", applied: true }, "Query cancelled", true],
      [{ kind: "bad-gateway" }, "HTTP status 502): <html>", false],
      [{ kind: "bad-gateway", applied: true }, "HTTP status 502): <html>", true],
      [{ kind: "too-many-requests" }, "HTTP status 429", false],
      [{ kind: "unavailable" }, "HTTP status 503", false],
      [{ kind: "waking-up" }, "Control plane request failed", false],
      [{ kind: "response-too-large" }, "HTTP status 507", true],
      [{ kind: "truncated-body" }, "terminated", true],
    ];

    it.each(table)("%o", async (fault, message, applied) => {
      const sql = neonOverHttp(local.url);
      const before = local.faults.fired(fault.kind);
      local.faults.arm(fault);
      await expect(sql`insert into written values (${lastId})`).rejects.toThrow(message);
      expect(local.faults.fired(fault.kind)).toBe(before + 1);
      expect(await isWritten()).toBe(applied);
    });

    it("say how long to wait", async () => {
      local.faults.arm({ kind: "too-many-requests", retryAfterSeconds: 7 });
      expect((await postSql(local.url, { query: "select 1" })).headers.get("retry-after")).toBe("7");
    });

    it("hang until the client gives up, before or after the statement", async () => {
      for (const applied of [false, true]) {
        local.faults.arm({ kind: "hang", applied });
        const fetchOptions = { signal: AbortSignal.timeout(200) };
        const hanging = neonOverHttp(local.url).query("insert into written values ($1)", [lastId], { fetchOptions });
        await expect(hanging).rejects.toThrow("timeout");
        expect(await isWritten()).toBe(applied);
      }
    });

    it("answer late", async () => {
      local.faults.arm({ kind: "slow", delayMs: 80 });
      const startedAt = performance.now();
      await neonOverHttp(local.url)`select 1`;
      expect(performance.now() - startedAt).toBeGreaterThanOrEqual(79);
    });
  });

  describe("over a WebSocket", () => {
    it("break the connection before a statement", async () => {
      const pool = neonOverWebsocket(local.url);
      await pool.query("select 1");
      local.faults.arm({ kind: "drop-request", channel: "websocket" });
      await expect(pool.query("insert into written values ($1)", [lastId])).rejects.toThrow();
      expect(local.faults.fired("drop-request")).toBeGreaterThan(0);
      await pool.end();
      expect(await isWritten()).toBe(false);
    });

    it("lose the answer to a lone statement that was committed", async () => {
      const pool = neonOverWebsocket(local.url);
      local.faults.arm({ kind: "drop-reply", channel: "websocket", when: (sql) => sql.startsWith("insert") });
      await expect(pool.query("insert into written values ($1)", [lastId])).rejects.toThrow();
      await pool.end();
      expect(await isWritten()).toBe(true);
    });

    it("lose the answer to a commit, after the answers before it", async () => {
      const pool = neonOverWebsocket(local.url);
      local.faults.arm({ kind: "drop-reply", channel: "websocket" });
      const client = await pool.connect();
      client.on("error", () => undefined);
      await client.query("begin");
      const inserted = await client.query("insert into written values ($1) returning id", [lastId]);
      expect(inserted.rows).toEqual([{ id: lastId }]);
      await expect(client.query("commit")).rejects.toThrow();
      client.release(true);
      await pool.end();
      expect(await isWritten()).toBe(true);
    });

    it("hang, before or after the statement", async () => {
      for (const applied of [false, true]) {
        const pool = neonOverWebsocket(local.url);
        const client = await pool.connect();
        client.on("error", () => undefined);
        local.faults.arm({ kind: "hang", applied, channel: "websocket" });
        const hanging = client.query("insert into written values ($1)", [lastId]);
        const outcome = await Promise.race([hanging.then(() => "answered"), delay(150, "silent")]);
        hanging.catch(() => undefined);
        expect(outcome).toBe("silent");
        client.release(true);
        await pool.end();
        expect(await isWritten()).toBe(applied);
      }
    });
  });

  describe("are armed", () => {
    it("for a number of requests, one after the other", async () => {
      const sql = neonOverHttp(local.url);
      local.faults.arm({ kind: "waking-up", times: 2 });
      local.faults.arm({ kind: "unavailable" });
      await expect(sql`select 1`).rejects.toThrow("500");
      await expect(sql`select 1`).rejects.toThrow("500");
      await expect(sql`select 1`).rejects.toThrow("503");
      await expect(sql`select 1`).resolves.toHaveLength(1);
    });

    it("for one channel", async () => {
      local.faults.arm({ kind: "drop-request", channel: "websocket" });
      await expect(neonOverHttp(local.url)`select 1`).resolves.toHaveLength(1);
    });

    it("for requests with a certain SQL", async () => {
      const sql = neonOverHttp(local.url);
      local.faults.arm({ kind: "drop-request", when: (text) => text.includes("two") });
      await expect(sql`select 'one'`).resolves.toHaveLength(1);
      await expect(sql.transaction([sql`select 'one'`, sql`select 'two'`])).rejects.toThrow();
    });

    it("with a probability that falls the same way each time", async () => {
      const outcomes = async () => {
        local.faults.clear();
        local.faults.arm({ kind: "waking-up", probability: 0.5, seed: 42 });
        const statuses: number[] = [];
        for (let index = 0; index < 20; index += 1) {
          statuses.push((await postSql(local.url, { query: "select 1" })).status);
        }
        return statuses;
      };
      const first = await outcomes();
      expect(new Set(first)).toEqual(new Set([200, 500]));
      expect(await outcomes()).toEqual(first);
    });

    it("by another process", async () => {
      const route = `http://127.0.0.1:${local.port}/faults`;
      const post = (body: unknown, type = "application/json") =>
        fetch(route, { method: "POST", headers: { "content-type": type }, body: JSON.stringify(body) });
      const before = local.faults.fired("too-many-requests");
      expect((await post({ kind: "too-many-requests", times: 1, match: "needle" })).status).toBe(200);
      expect((await postSql(local.url, { query: "select 1" })).status).toBe(200);
      expect((await postSql(local.url, { query: "select 'needle'" })).status).toBe(429);
      expect(await (await fetch(route)).json()).toMatchObject({ fired: { "too-many-requests": before + 1 } });

      await post({ kind: "unavailable", times: 9 });
      await fetch(route, { method: "DELETE" });
      expect((await postSql(local.url, { query: "select 1" })).status).toBe(200);

      expect((await post({ kind: "unheard-of" })).status).toBe(400);
      expect((await post({ kind: "unavailable" }, "text/plain")).status).toBe(400);
    });

    it("from inside only, unless the route was asked for", async () => {
      const closed = await startLocalNeon({ database: database.url });
      expect((await fetch(`http://127.0.0.1:${closed.port}/faults`)).status).toBe(404);
      await closed.close();
    });
  });

  async function isWritten(): Promise<boolean> {
    return (await neonOverHttp(local.url)`select 1 from written where id = ${lastId}`).length === 1;
  }
});
