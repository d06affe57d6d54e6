import { randomBytes } from "node:crypto";
import pg from "pg";

/** A role of the whole server that one test has to itself. */
export interface TestRole {
  readonly name: string;
  /** The database's URL, as this role. */
  readonly url: string;
  /** To be called when the database is gone, or its grants are. Harmless twice. */
  drop(): Promise<void>;
}

/** A role that may log in and nothing else: no superuser, no BYPASSRLS. */
export async function createRole(databaseUrl: string): Promise<TestRole> {
  const name = `test_role_${randomBytes(6).toString("hex")}`;
  const password = randomBytes(12).toString("hex");
  await asOwner(databaseUrl, `create role ${name} login password '${password}'`);
  const url = new URL(databaseUrl);
  url.username = name;
  url.password = password;
  const server = new URL(databaseUrl);
  server.pathname = "/postgres";
  return { name, url: url.href, drop: () => asOwner(server.href, `drop role if exists ${name}`) };
}

/** Runs a script of several statements in a session of its own. */
export async function asOwner(url: string, script: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    await client.query(script);
  } finally {
    await client.end();
  }
}
