import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import type { LocalNeon } from "../../src/local/index.ts";
import { neonOverHttp, neonOverWebsocket } from "./neon-client.ts";

/** What the WebSocket does in front of any database. */
export function testWebsocket(start: () => Promise<LocalNeon>): void {
  describe("the WebSocket", () => {
    let local: LocalNeon;

    beforeAll(async () => {
      local = await start();
      await neonOverHttp(local.url)`create table notes (id int primary key)`;
    });
    afterAll(() => local.close());

    it("carries queries and transactions of the unmodified driver", async () => {
      const pool = neonOverWebsocket(local.url);
      expect((await pool.query("select $1::int as n", [7])).rows).toEqual([{ n: 7 }]);
      const client = await pool.connect();
      await client.query("begin");
      await client.query("insert into notes values (1)");
      await client.query("rollback");
      await client.query("begin");
      await client.query("insert into notes values (2)");
      await client.query("commit");
      client.release();
      await pool.end();
      expect(await neonOverHttp(local.url)`select id from notes order by id`).toEqual([{ id: 2 }]);
    });

    it("carries large values both ways", async () => {
      const pool = neonOverWebsocket(local.url);
      const value = "0123456789".repeat(300_000);
      const { rows } = await pool.query("select $1::text as value", [value]);
      expect(rows[0].value === value).toBe(true);
      await pool.end();
    });

    it("rolls back when the client goes away in a transaction", async () => {
      const pool = neonOverWebsocket(local.url);
      const client = await pool.connect();
      client.on("error", () => undefined);
      await client.query("begin");
      await client.query("insert into notes values (3)");
      client.release(true);
      await pool.end();
      expect(await neonOverHttp(local.url)`insert into notes values (3) returning id`).toEqual([{ id: 3 }]);
    });

    it("refuses a wrong password", async () => {
      const wrong = new URL(local.url);
      wrong.password = "wrong";
      const pool = neonOverWebsocket(wrong.href);
      await expect(pool.query("select 1")).rejects.toMatchObject({ code: "28P01" });
      await pool.end();
    });

    it("counts one flight for each answer that a client waits for, and delays each", async () => {
      const pool = neonOverWebsocket(local.url);
      await pool.query("select 1");
      const before = local.flights.websocket;
      local.latencyMs = 50;
      const startedAt = performance.now();
      await pool.query("select $1::int", [1]);
      await pool.query("select $1::int", [2]);
      expect(performance.now() - startedAt).toBeGreaterThanOrEqual(98);
      local.latencyMs = 0;
      expect(local.flights.websocket - before).toBe(2);
      await pool.end();
    });

    it("lets no page from elsewhere in", async () => {
      const { host } = new URL(local.url);
      const refused = new WebSocket(`ws://${host}/v2`, { origin: "https://example.com" });
      const [error] = await once(refused, "error");
      expect(error.message).toContain("403");
      const accepted = new WebSocket(`ws://${host}/v2`, { origin: "http://localhost:5173" });
      await once(accepted, "open");
      accepted.close();
    });
  });
}
