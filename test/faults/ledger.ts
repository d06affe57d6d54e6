import { setTimeout as sleep } from "node:timers/promises";
import pgPackage from "pg";
import { afterAll, beforeAll, inject } from "vitest";
import type { Statement } from "../../src/driver.ts";
import { createReachableDatabase, type ReachableDatabase } from "../servers/provided.ts";

/** The database behind a file of cells, by a line of its own that nothing breaks. */
export interface Ledger {
  readonly database: ReachableDatabase;
  /** A lock that statements and commits wait for. */
  gate(): Promise<Gate>;
  /** How many rows of a cell there are. */
  rowsOf(cell: string): Promise<number>;
  run(text: string, params?: readonly string[]): Promise<readonly Record<string, unknown>[]>;
}

export interface Gate {
  readonly key: string;
  /** Waits for the backend that waits here, and gives its process id. */
  visitor(): Promise<number>;
  open(): Promise<void>;
}

/** To be called where hooks are registered. */
export function withLedger(): () => Ledger {
  let ledger: Ledger | undefined;
  let client: pgPackage.Pool | undefined;
  beforeAll(async () => {
    const database = await createReachableDatabase(inject("servers"));
    // One session holds every gate, and statements take their turns on it.
    client = new pgPackage.Pool({ connectionString: database.postgres, max: 1, idleTimeoutMillis: 0 });
    await client.query(schema);
    ledger = toLedger(database, client);
  });
  afterAll(async () => {
    await client?.end();
    await ledger?.database.drop();
  });
  return () => {
    if (ledger === undefined) throw new Error("the database was not created");
    return ledger;
  };
}

export function insertRow(id: string): Statement {
  return { text: "insert into fault_rows (id) values ($1)", params: [id] };
}

/** The same; the statement waits for the gate. */
export function insertBehind({ key }: Gate, id: string): Statement {
  const text = "insert into fault_rows (id) select $1::text from pg_advisory_xact_lock_shared($2::int8)";
  return { text, params: [id, key] };
}

/** The same; its COMMIT waits for the gate. */
export function insertToCommitBehind({ key }: Gate, id: string): Statement {
  return { text: "insert into fault_rows (id, gate) values ($1, $2::int8)", params: [id, key] };
}

function toLedger(database: ReachableDatabase, client: pgPackage.Pool): Ledger {
  let gates = 0;
  const run: Ledger["run"] = async (text, params = []) => (await client.query(text, [...params])).rows;

  return {
    database,
    run,
    async gate() {
      gates += 1;
      const key = String(gates);
      await run("select pg_advisory_lock($1::int8)", [key]);
      return {
        key,
        async visitor() {
          for (let attempt = 0; attempt < 1_000; attempt++) {
            const [row] = await run(selectVisitor, [key]);
            if (row !== undefined) return Number(row["pid"]);
            await sleep(5);
          }
          throw new Error("no statement has come to the gate");
        },
        open: () => run("select pg_advisory_unlock($1::int8)", [key]).then(() => undefined),
      };
    },
    async rowsOf(cell) {
      const [row] = await run("select count(*)::int4 as n from fault_rows where starts_with(id, $1)", [`${cell}:`]);
      return Number(row?.["n"]);
    },
  };
}

const selectVisitor = `
  select pid from pg_locks
  where locktype = 'advisory' and objid::text = $1 and not granted
    and database = (select oid from pg_database where datname = current_database())`;

const schema = `
  create table fault_rows (id text primary key, gate int8);
  create function wait_for_gate() returns trigger language plpgsql as $$
    begin
      if new.gate is not null then perform pg_advisory_xact_lock_shared(new.gate); end if;
      return null;
    end
  $$;
  create constraint trigger wait_for_gate after insert on fault_rows
    deferrable initially deferred for each row execute function wait_for_gate();
  grant insert on fault_rows to public;`;
