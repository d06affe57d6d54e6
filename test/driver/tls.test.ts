import { chownSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { pg } from "../../src/driver/pg.ts";
import { postgres } from "../../src/driver/postgres.ts";
import type { Driver } from "../../src/driver.ts";
import { type PostgresServer, startPostgres } from "../servers/postgres.ts";
import { findPostgres } from "../servers/postgres-binaries.ts";

const fixture = (name: string) => readFileSync(join(import.meta.dirname, "../fixtures/tls", name), "utf8");
const usesTls = { text: "select ssl from pg_stat_ssl where pid = pg_backend_pid()", params: [] };

describe.each([
  { driver: "pg", open: pg },
  { driver: "postgres", open: postgres },
])("TLS over $driver", ({ open }) => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres((await findPostgres()).main);
    await turnOnTls(server.url);
  });
  afterAll(() => server.stop());

  async function answers(driver: Driver): Promise<unknown> {
    try {
      return [await driver.query(usesTls), await driver.batch([usesTls, usesTls])];
    } finally {
      await driver.close();
    }
  }
  const encrypted = [[{ ssl: true }], [[{ ssl: true }], [{ ssl: true }]]];

  it("is off without a word of it", async () => {
    expect(await answers(open(server.url))).toEqual([[{ ssl: false }], [[{ ssl: false }], [{ ssl: false }]]]);
  });

  it("is on with a certificate that is trusted", async () => {
    const { username, password, port } = new URL(server.url);
    const ssl = { ca: fixture("localhost.crt") };
    const parameters = { host: "localhost", port: Number(port), user: username, password, database: "postgres", ssl };
    expect(await answers(open(parameters))).toEqual(encrypted);
  });

  it("is on with any certificate, where that was asked for", async () => {
    for (const query of ["sslmode=no-verify", "ssl=no-verify", "ssl=true&sslmode=no-verify"]) {
      expect(await answers(open(`${server.url}?${query}`))).toEqual(encrypted);
    }
  });

  it("is refused before anything is sent when the certificate is not trusted", async () => {
    for (const query of ["sslmode=require", "sslmode=verify-full", "ssl=true"]) {
      await expect(answers(open(`${server.url}?${query}`))).rejects.toMatchObject({
        code: "connection",
        outcome: "not-sent",
      });
    }
  });
});

/** With a certificate in the server's own folder, since it reads the key only when nobody else can. */
async function turnOnTls(url: string) {
  const driver = pg(url);
  const ask = (text: string) => driver.query({ text, params: [] });
  const [row] = await ask("select current_setting('data_directory') as folder");
  const folder = String(row?.["folder"]);
  const { uid, gid } = statSync(folder);
  for (const [name, file] of [
    ["localhost.crt", "server.crt"],
    ["localhost.key", "server.key"],
  ] as const) {
    writeFileSync(join(folder, file), fixture(name), { mode: 0o600 });
    chownSync(join(folder, file), uid, gid);
  }
  await ask("alter system set ssl = on");
  await ask("select pg_reload_conf()");
  await vi.waitUntil(async () => (await ask("select current_setting('ssl') as ssl"))[0]?.["ssl"] === "on", 10_000);
  await driver.close();
}
