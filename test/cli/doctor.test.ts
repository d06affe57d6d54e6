import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { examine } from "../../src/cli/doctor/examine.ts";
import type { Finding } from "../../src/cli/doctor/finding.ts";
import { urlKeys } from "../../src/cli/doctor/url-keys.ts";
import { createStore } from "../../src/create-store.ts";
import { pg } from "../../src/driver/pg.ts";
import { storeMigrations } from "../../src/migrate/embedded.ts";
import { migrate } from "../../src/migrate/migrate.ts";
import { type PgBouncer, startPgBouncer } from "../servers/pgbouncer.ts";
import { withDatabase } from "../servers/provided.ts";
import { withNewDatabase } from "../stores/new-database.ts";
import { jsonOf, runOnetrip, settled } from "./run-onetrip.ts";

const database = withNewDatabase();

interface Diagnosis {
  readonly target: string;
  readonly isConnected: boolean;
  readonly worst: string;
  readonly exitCode: number;
  readonly findings: readonly Finding[];
}

async function diagnose(url: string, schema = "persist"): Promise<ReadonlyMap<string, Finding>> {
  const { findings } = await examine(url, { timeoutMs: 5_000, schema });
  return new Map(findings.map((finding) => [finding.id, finding]));
}

/** What PgBouncer does with these two depends on its version: {@link diagnose} looks at them. */
function withoutVersionsOfPgBouncer(text: string): string {
  return text.replace(/^ {2}\w+ +(prepared-statements|startup-parameters) .*\n( {4,}→ .*\n)?/gm, "");
}

describe("six answers", () => {
  it("PostgreSQL, directly", async () => {
    const { code, stdout, stderr } = await runOnetrip(["doctor", database().postgres]);
    expect(code).toBe(0);
    expect(stderr).toBe("");
    expect(settled(stdout)).toMatchInlineSnapshot(`
      "onetrip doctor: onetrip@127.0.0.1:PORT/DATABASE

        ok       reachable            first answer after N ms
        ok       server               PostgreSQL N, over TCP (onetrip/pg)
        advice   pooler               none: each connection is a process of the server
                                      → for functions that scale out, put PgBouncer in front, in transaction mode
        ok       prepared-statements  by name: work; onetrip needs none
        ok       session-settings     SET lasts for a connection, and is seen by no other
        ok       startup-parameters   none is refused
        ok       url-keys             the URL has no query
        ok       tls                  off: the connection stays on this machine
        ok       round-trip           N ms, median of 5
        warning  role                 onetrip is a superuser: no right and no row-level security binds it
                                      → create a role for the application, and connect as it: create role app login password …
        ok       rights               may create schema persist
        advice   migrations           schema persist has no tables yet
                                      → the first write creates them; or run onetrip migrate at deployment

      1 warning, 2 advice, 9 ok
      "
    `);
  });

  it("PgBouncer in transaction mode", async () => {
    const { code, stdout } = await runOnetrip(["doctor", `${database().pgbouncer}?channel_binding=require`]);
    expect(code).toBe(0);
    expect(withoutVersionsOfPgBouncer(settled(stdout))).toMatchInlineSnapshot(`
      "onetrip doctor: onetrip@127.0.0.1:PORT/DATABASE

        ok       reachable            first answer after N ms
        ok       server               PostgreSQL N, over TCP (onetrip/pg)
        ok       pooler               in transaction mode: a connection holds a server process only while it works
        advice   session-settings     SET reaches other clients; onetrip sets nothing that outlasts a transaction
                                      → in your own statements use set local, or set_config(…, true); defaults belong to the role: alter role … set …
        advice   url-keys             channel_binding: left out by onetrip; other clients send it at startup, where PgBouncer refuses it
                                      → take it out of the URL unless another client needs it
        ok       tls                  off: the connection stays on this machine
        ok       round-trip           N ms, median of 5
        warning  role                 onetrip is a superuser: no right and no row-level security binds it
                                      → create a role for the application, and connect as it: create role app login password …
        ok       rights               may create schema persist
        advice   migrations           schema persist has no tables yet
                                      → the first write creates them; or run onetrip migrate at deployment

      1 warning, 5 advice, 6 ok
      "
    `);
  });

  describe("with another pooler", () => {
    let session: PgBouncer;
    let statement: PgBouncer;
    beforeAll(async () => {
      const upstream = { url: inject("servers").postgres };
      session = await startPgBouncer({ upstream, poolMode: "session" });
      statement = await startPgBouncer({ upstream, poolMode: "statement" });
    });
    afterAll(async () => {
      await session?.stop();
      await statement?.stop();
    });

    it("PgBouncer in session mode", async () => {
      const { code, stdout } = await runOnetrip(["doctor", withDatabase(session.url, database().name)]);
      expect(code).toBe(0);
      expect(withoutVersionsOfPgBouncer(settled(stdout))).toMatchInlineSnapshot(`
        "onetrip doctor: onetrip@127.0.0.1:PORT/DATABASE

          ok       reachable            first answer after N ms
          ok       server               PostgreSQL N, over TCP (onetrip/pg)
          warning  pooler               in session mode: an idle connection keeps its server process
                                        → set pool_mode = transaction, which is all that onetrip needs
          ok       session-settings     SET lasts for a connection, and is seen by no other
          ok       url-keys             the URL has no query
          ok       tls                  off: the connection stays on this machine
          ok       round-trip           N ms, median of 5
          warning  role                 onetrip is a superuser: no right and no row-level security binds it
                                        → create a role for the application, and connect as it: create role app login password …
          ok       rights               may create schema persist
          advice   migrations           schema persist has no tables yet
                                        → the first write creates them; or run onetrip migrate at deployment

        2 warnings, 2 advice, 8 ok
        "
      `);
    });

    it("and PgBouncer in statement mode, which cannot serve a batch", async () => {
      const run = await runOnetrip(["doctor", withDatabase(statement.url, database().name), "--json"]);
      expect(run.code).toBe(1);
      expect(jsonOf<Diagnosis>(run).findings.find(({ id }) => id === "pooler")).toMatchObject({
        level: "failure",
        data: { mode: "statement" },
      });
    });
  });

  it("the Neon endpoint", async () => {
    const { code, stdout } = await runOnetrip(["doctor", database().neon]);
    expect(code).toBe(0);
    expect(settled(stdout)).toMatchInlineSnapshot(`
      "onetrip doctor: onetrip@127.0.0.1:PORT/DATABASE

        ok       reachable   first answer after N ms
        ok       server      PostgreSQL N, over HTTP (onetrip/neon-http)
        ok       pooler      none is needed: each statement is a request of its own
        ok       url-keys    the URL has no query
        ok       tls         off: plain HTTP on this machine
        ok       round-trip  N ms, median of 5
        warning  role        onetrip is a superuser: no right and no row-level security binds it
                             → create a role for the application, and connect as it: create role app login password …
        ok       rights      may create schema persist
        advice   migrations  schema persist has no tables yet
                             → the first write creates them; or run onetrip migrate at deployment

      1 warning, 1 advice, 7 ok
      "
    `);
  });

  it.each(["postgres", "pgbouncer", "neon"] as const)("a wrong password: %s", async (way) => {
    const url = new URL(database()[way]);
    url.password = "hunter2";
    const { code, stdout, stderr } = await runOnetrip(["doctor", url.href]);
    expect(code).toBe(2);
    expect(stdout + stderr).not.toContain("hunter2");
    expect(settled(stdout)).toBe(`onetrip doctor: no connection to onetrip@127.0.0.1:PORT/DATABASE

  failure  reachable  user or password was refused
                      → correct them in the URL; characters such as @ / # ? must be percent-encoded

1 failure
`);
  });

  it("a closed port", async () => {
    const { code, stdout, stderr } = await runOnetrip([
      "doctor",
      "postgresql://ada:hunter2@127.0.0.1:1/notes?a=hunter2",
    ]);
    expect(code).toBe(2);
    expect(stdout + stderr).not.toContain("hunter2");
    expect(settled(stdout)).toMatchInlineSnapshot(`
      "onetrip doctor: no connection to ada@127.0.0.1:PORT/notes

        failure  reachable  nothing listens on this port
                            → start the server, or correct host and port in the URL

      1 failure
      "
    `);
  });
});

describe("as JSON", () => {
  it("gives one line with the findings, the exit status and no secret", async () => {
    const run = await runOnetrip(["doctor", database().postgres, "--json"]);
    const { target, isConnected, worst, exitCode, findings } = jsonOf<Diagnosis>(run);
    expect(settled(target)).toBe("onetrip@127.0.0.1:PORT/DATABASE");
    expect({ isConnected, worst, exitCode }).toEqual({ isConnected: true, worst: "warning", exitCode: 0 });
    expect(findings.map(({ id }) => id)).toEqual([
      ...["reachable", "server", "pooler", "prepared-statements", "session-settings", "startup-parameters", "url-keys"],
      ...["tls", "round-trip", "role", "rights", "migrations"],
    ]);
    expect(run.stdout).not.toContain(new URL(database().postgres).password);
  });

  it("tells of the lack of a connection the same way", async () => {
    const run = await runOnetrip(["doctor", "postgresql://127.0.0.1:1/notes", "--json"]);
    expect(run.code).toBe(2);
    expect(jsonOf<Diagnosis>(run)).toMatchObject({
      isConnected: false,
      exitCode: 2,
      findings: [{ id: "reachable", level: "failure", data: { problem: "refused" } }],
    });
  });
});

describe("behind PgBouncer in transaction mode", () => {
  it("tells what other clients will meet", async () => {
    const findings = await diagnose(database().pgbouncer);
    expect(findings.get("pooler")).toMatchObject({ data: { mode: "transaction" } });
    expect(findings.get("session-settings")).toMatchObject({ level: "advice", data: { leaks: true } });
    expect(findings.get("startup-parameters")).toMatchObject({
      level: "advice",
      data: { refused: expect.arrayContaining(["statement_timeout", "extra_float_digits"]) },
    });
    expect(findings.get("prepared-statements")).toMatchObject({ data: { works: expect.any(Boolean) } });
  });

  it("leaves nothing behind on any connection of the pool", async () => {
    await diagnose(database().pgbouncer);
    const drivers = Array.from({ length: 6 }, () => pg(database().pgbouncer));
    const text = `select pg_backend_pid() as pid, coalesce(current_setting('onetrip.doctor', true), '') as setting,
      (select count(*)::int from pg_prepared_statements s where s.name like 'onetrip%') as prepared,
      pg_sleep(0.2)::text as slept`;
    const rows = await Promise.all(drivers.map((driver) => driver.query({ text, params: [] })));
    await Promise.all(drivers.map((driver) => driver.close()));
    expect(new Set(rows.map(([row]) => row?.["pid"])).size).toBe(6);
    for (const [row] of rows) expect(row).toMatchObject({ setting: "", prepared: 0 });
  });
});

describe("the URL's query", () => {
  it.each([
    ["?sslmode=disable&application_name=web", "ok", []],
    ["?pgbouncer=true", "advice", ["pgbouncer"]],
    ["?options=-c%20statement_timeout%3D5s", "warning", ["options"]],
    ["?sslmode=prefer", "warning", []],
  ])("%s", async (query, level, dropped) => {
    const driver = pg(database().postgres);
    const url = `${database().postgres}${query}`;
    const finding = await urlKeys({ url, transport: "tcp", driver, schema: "persist", call: { timeoutMs: 1_000 } });
    expect(finding).toMatchObject({ level, data: { dropped } });
    expect(finding?.found).not.toContain("statement_timeout");
  });
});

describe("roles and tables", () => {
  const role = `test_role_${Math.random().toString(36).slice(2)}`;
  let asRole: string;

  beforeAll(async () => {
    const owner = pg(database().postgres);
    await owner.query({ text: `create role ${role} login password 'application'`, params: [] });
    await owner.query({ text: `revoke create on database ${database().name} from public, ${role}`, params: [] });
    await owner.close();
    const url = new URL(database().postgres);
    url.username = role;
    url.password = "application";
    asRole = url.href;
  });
  afterAll(async () => {
    const owner = pg(database().postgres);
    await owner.query({ text: `drop owned by ${role}`, params: [] });
    await owner.query({ text: `drop role ${role}`, params: [] });
    await owner.close();
  });

  it("a role that may not create what is missing is a failure", async () => {
    const findings = await diagnose(asRole, "elsewhere");
    expect(findings.get("role")).toMatchObject({ level: "ok", data: { superuser: false } });
    expect(findings.get("rights")).toMatchObject({ level: "failure", data: { schemaExists: false } });
  });

  it("tables that it may not use are a failure, and with the rights all is well", async () => {
    const driver = pg(database().postgres);
    const store = await createStore("notes", { driver });
    await store.records.put("a", 1);
    expect((await diagnose(asRole)).get("rights")).toMatchObject({ level: "failure" });

    await driver.query({ text: `grant usage on schema persist to ${role}`, params: [] });
    await driver.query({
      text: `grant select, insert, update, delete on all tables in schema persist to ${role}`,
      params: [],
    });
    const findings = await diagnose(asRole);
    expect(findings.get("rights")).toMatchObject({ level: "advice", data: { canWrite: true, ownsTables: false } });
    expect(findings.get("migrations")).toMatchObject({ level: "ok" });
    expect(findings.get("lanes")).toMatchObject({ level: "ok", data: { stores: [{ store: "notes", lanes: 1 }] } });

    await driver.query({
      text: "delete from persist.persist_migrations where id = (select max(id) from persist.persist_migrations)",
      params: [],
    });
    expect((await diagnose(asRole)).get("migrations")).toMatchObject({ level: "warning" });
    await driver.query({ text: "update persist.persist_migrations set checksum = 'other' where id = 1", params: [] });
    expect((await diagnose(asRole)).get("migrations")).toMatchObject({
      level: "failure",
      data: { altered: ["0001-tables"] },
    });
    await store.close();
  });

  it("a schema in which it may not make the tables is a failure", async () => {
    const owner = pg(database().postgres);
    await owner.query({ text: "create schema empty", params: [] });
    await owner.query({ text: `grant usage on schema empty to ${role}`, params: [] });
    expect((await diagnose(asRole, "empty")).get("rights")).toMatchObject({
      level: "failure",
      found: expect.stringContaining("has no tables"),
    });
    await owner.query({ text: `grant create on schema empty to ${role}`, params: [] });
    expect((await diagnose(asRole, "empty")).get("rights")).toMatchObject({ level: "ok" });
    await owner.close();
  });

  it("functions that it may not call are a failure, and tables of another are not for it to migrate", async () => {
    const owner = pg(database().postgres);
    await migrate(owner, storeMigrations, { schema: "closed" });
    const grants = [
      `grant usage, create on schema closed to ${role}`,
      `grant select, insert, update, delete on all tables in schema closed to ${role}`,
      "revoke execute on all functions in schema closed from public",
    ];
    for (const text of grants) await owner.query({ text, params: [] });
    expect((await diagnose(asRole, "closed")).get("rights")).toMatchObject({
      level: "failure",
      found: expect.stringContaining("functions"),
    });
    await owner.query({ text: `grant execute on all functions in schema closed to ${role}`, params: [] });
    expect((await diagnose(asRole, "closed")).get("rights")).toMatchObject({ level: "advice" });
    await owner.close();
  });

  it("with --strict a warning is a problem", async () => {
    expect((await runOnetrip(["doctor", database().postgres, "--schema", "strict", "--strict"])).code).toBe(1);
  });
});
