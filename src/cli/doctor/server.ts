import type { Finding } from "./finding.ts";
import type { Subject } from "./subject.ts";

/** Which server answers, and can it be written to? */
export async function server({ driver, call, transport }: Subject): Promise<Finding> {
  const [row] = await driver.query({ text, params: [] }, call);
  const version = String(row?.["version"]).split(" ", 1)[0] ?? "";
  const number = Number(row?.["number"]);
  const isReplica = row?.["is_replica"] === true;
  const data = { version, number, isReplica, driver: driver.name, transport };
  const how = ways[transport];
  if (number < OLDEST) {
    return {
      id: "server",
      level: "failure",
      found: `PostgreSQL ${version} is too old`,
      change: "use PostgreSQL 14 or newer",
      data,
    };
  }
  if (isReplica) {
    return {
      id: "server",
      level: "warning",
      found: `PostgreSQL ${version}, a replica: it can be read, not written`,
      change: "give handlers the URL of the primary, and this one for reads",
      data,
    };
  }
  return { id: "server", level: "ok", found: `PostgreSQL ${version}, ${how} (onetrip/${driver.name})`, data };
}

const OLDEST = 140_000;

const ways: Readonly<Record<Subject["transport"], string>> = {
  tcp: "over TCP",
  http: "over HTTP",
  embedded: "embedded",
};

const text = `select current_setting('server_version') as version, current_setting('server_version_num')::int as number,
  pg_is_in_recovery() as is_replica`;
