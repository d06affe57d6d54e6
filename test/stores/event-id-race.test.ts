import pgPackage from "pg";
import { afterAll, describe, expect, it } from "vitest";
import { createStore } from "../../src/create-store.ts";
import { pg } from "../../src/driver/pg.ts";
import { ConflictError } from "../../src/errors.ts";
import { withNewDatabase } from "./new-database.ts";

describe("one event id appended to two streams at the same moment", () => {
  const database = withNewDatabase();
  const clients: pgPackage.Client[] = [];
  afterAll(() => Promise.all(clients.map((client) => client.end())));

  it("goes to the first, and the second is told that the id is taken", async () => {
    const store = await createStore("s", { driver: pg(database().postgres) });
    await store.migrate();
    const first = new pgPackage.Client(database().postgres);
    clients.push(first);
    await first.connect();
    await first.query("begin");
    await first.query("select status from persist.event_append($1, $2, $3, $4)", [
      "s",
      "a",
      '[["id-1", 1, null, null]]',
      null,
    ]);

    const second = store.events.append("b", 2, { id: "id-1" }).catch((error: unknown) => error);
    await expect.poll(() => waitsForLock(first), { timeout: 15_000 }).toBe(true);
    await first.query("commit");

    expect(await second).toBeInstanceOf(ConflictError);
    expect(await store.events.list({ stream: "b" })).toEqual([]);
    expect(await store.events.list({ stream: "a" })).toHaveLength(1);
    await store.close();
  });

  async function waitsForLock(client: pgPackage.Client): Promise<boolean> {
    const { rows } = await client.query(
      "select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%event_append%'",
    );
    return rows.length > 0;
  }
});
