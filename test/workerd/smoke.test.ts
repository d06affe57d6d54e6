import { env } from "cloudflare:workers";
import { neon, neonConfig } from "@neondatabase/serverless";
import postgres from "postgres";
import { expect, inject, test } from "vitest";

test("this runs inside workerd", () => {
  expect(navigator.userAgent).toBe("Cloudflare-Workers");
});

for (const way of ["postgres", "pgbouncer"] as const) {
  test(`postgres.js through ${way}`, async () => {
    expect(await answerOf(inject("servers")[way])).toEqual([{ word: "once", number: 1 }]);
  });
}

test("postgres.js through the Hyperdrive binding", async () => {
  expect(await answerOf(env.HYPERDRIVE.connectionString)).toEqual([{ word: "once", number: 1 }]);
});

test("neon() over HTTP", async () => {
  neonConfig.fetchEndpoint = (host, port) => `http://${host}:${port}/sql`;
  const sql = neon(inject("servers").neon);
  expect(await sql`select ${"once"}::text as word, 1 as number`).toEqual([{ word: "once", number: 1 }]);
});

async function answerOf(url: string): Promise<unknown> {
  const sql = postgres(url, { max: 1, prepare: false, fetch_types: false });
  try {
    return [...(await sql`select ${"once"}::text as word, 1 as number`)];
  } finally {
    await sql.end({ timeout: 1 });
  }
}
