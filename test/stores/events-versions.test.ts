import { afterAll, describe, expect, it } from "vitest";
import { createStore, type Store } from "../../src/create-store.ts";
import { neonHttp } from "../../src/driver/neon-http.ts";
import { pg } from "../../src/driver/pg.ts";
import { postgres } from "../../src/driver/postgres.ts";
import type { Driver } from "../../src/driver.ts";
import { withNewDatabase } from "./new-database.ts";

const database = withNewDatabase();

/** Sixteen stores of one name with a connection each: appends of one store object may queue up in its driver. */
const ways: Readonly<Record<string, () => Driver>> = {
  "postgres through PgBouncer": () => postgres(database().pgbouncer, { pooler: "transaction" }),
  "pg through PgBouncer": () => pg(database().pgbouncer),
  postgres: () => postgres(database().postgres, { poolSize: 1 }),
  "neon-http": () => neonHttp(database().neon),
};

describe.each(Object.entries(ways))("sixteen appenders over %s", (way, open) => {
  const opened: Store[] = [];
  afterAll(() => Promise.all(opened.map((store) => store.close())));

  async function openAll(): Promise<readonly Store[]> {
    if (opened.length > 0) return opened;
    for (let i = 0; i < 16; i++) opened.push(await createStore(way, { driver: open() }));
    await opened[0]?.migrate();
    return opened;
  }

  it("give 64 events consecutive versions", async () => {
    const stores = await openAll();
    const appends = stores.flatMap((store, i) => [0, 1, 2, 3].map((n) => store.events.append("busy", `${i}-${n}`)));
    const versions = (await Promise.all(appends)).map(({ version }) => version);
    expect(versions.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 64 }, (_, i) => i + 1));
  });

  it.each([
    ["an empty stream", "absent", 0],
    ["a version", 1, 1],
  ] as const)("have one winner when all expect %s", async (_, expectedVersion, currentVersion) => {
    const stores = await openAll();
    const stream = `race-${expectedVersion}`;
    if (currentVersion > 0) await stores[0]?.events.append(stream, "first");
    const outcomes = await Promise.allSettled(
      stores.map((store, i) => store.events.append(stream, i, { expectedVersion })),
    );
    const reasons = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
    expect(reasons).toHaveLength(15);
    for (const reason of reasons) {
      expect(reason).toMatchObject({ code: "conflict", outcome: "rejected", currentVersion: currentVersion + 1 });
    }
    expect(await stores[0]?.events.list({ stream })).toHaveLength(currentVersion + 1);
  });
});
