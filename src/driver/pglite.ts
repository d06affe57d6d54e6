import type { PGlite, QueryOptions } from "@electric-sql/pglite";
import type { Driver, Row, Statement } from "../driver.ts";
import { CapabilityError, PersistError } from "../errors.ts";
import { isolationOf } from "./begin.ts";
import { bounded, type Call, DEFAULT_TIMEOUT_MS } from "./call.ts";
import { closed } from "./connection.ts";
import { toText } from "./params.ts";
import { checkStatement } from "./refused-statement.ts";
import { parserOf } from "./row-types.ts";
import { type Phase, type ServerErrorFields, serverError } from "./server-error.ts";

export interface PgliteOptions {
  /** Deadline of a call that names none, in milliseconds. Default 30,000; the first call also starts the database. */
  readonly timeoutMs?: number | undefined;
}

/**
 * Postgres in this process: no server, no wire. In memory by default; a folder (Node) or `idb://name` (browsers) keeps it.
 * It does not run inside workerd. A statement that was begun cannot be interrupted: a deadline ends only the wait.
 *
 * `close()` closes a database that this driver started, and leaves one that was handed over open.
 *
 * @example
 * ```ts
 * const driver = pglite("./data");
 * await driver.query({ text: "select 1 as one", params: [] });
 * ```
 */
export function pglite(database: string | PGlite = "memory://", options: PgliteOptions = {}): Driver {
  const isOwn = typeof database === "string";
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  let starting: Promise<Started> | undefined;
  let closing: Promise<void> | undefined;

  function started(): Promise<Started> {
    starting ??= (isOwn ? start(database) : database.waitReady.then(() => database)).then(withTextTypes);
    return starting;
  }

  function use<T>(
    what: Phase,
    callOptions: Parameters<Driver["batch"]>[1],
    work: (on: Started, call: Call) => Promise<T>,
  ) {
    if (closing) return Promise.reject(closed(`pglite ${what}`));
    return bounded(`pglite ${what}`, callOptions, timeoutMs, async (call) => {
      const on = await started();
      if (call.signal.aborted) throw givenUp(what);
      call.wasSent = () => true;
      try {
        return await work(on, call);
      } catch (error) {
        throw failure(error, what);
      }
    });
  }

  return {
    name: "pglite",
    timeoutMs,
    async query(statement, callOptions) {
      checkStatement(statement, "pglite query");
      return use("query", callOptions, ({ db, types }) => run(db, types, statement));
    },
    async batch(statements, callOptions) {
      for (const statement of statements) checkStatement(statement, "pglite batch");
      if (statements.length === 0) return [];
      return use("batch", callOptions, ({ db, types }, call) =>
        db.transaction(async (transaction) => {
          const mode = callOptions?.readOnly ? "read only" : "read write";
          await transaction.query(`set transaction isolation level ${isolationOf(callOptions)}, ${mode}`);
          const results: Row[][] = [];
          for (const statement of statements) {
            if (call.signal.aborted) throw givenUp("batch");
            results.push(await run(transaction, types, statement));
          }
          return results;
        }),
      );
    },
    close() {
      closing ??= closeOwn();
      return closing;
    },
  };

  async function closeOwn() {
    if (!isOwn || !starting) return;
    const started = await starting.catch(() => undefined);
    if (started && !started.db.closed) await started.db.close();
  }
}

/** Loaded on the first call: the import brings the WebAssembly of a whole Postgres. */
async function start(dataDir: string): Promise<PGlite> {
  try {
    const { PGlite } = await import("@electric-sql/pglite");
    return await PGlite.create(dataDir);
  } catch (error) {
    throw new CapabilityError(
      "pglite: the embedded database could not be started; is @electric-sql/pglite installed, and the folder writable and not in use?",
      { cause: error },
    );
  }
}

interface Started {
  readonly db: PGlite;
  readonly types: QueryOptions;
}

/** Its own parsers and serializers, array types included, give way to the text that all drivers agree on. */
function withTextTypes(db: PGlite): Started {
  const types = { parsers: mapValues(db.parsers, parserOf), serializers: mapValues(db.serializers, () => String) };
  return { db, types };
}

interface Queryable {
  query(text: string, params: unknown[], options: QueryOptions): Promise<{ rows: unknown[] }>;
}

async function run(on: Queryable, types: QueryOptions, { text, params }: Statement): Promise<Row[]> {
  const { rows } = await on.query(text, toText(params), types);
  return rows as Row[];
}

function mapValues<T>(record: Readonly<Record<string, unknown>>, of: (typeOid: number) => T): Record<number, T> {
  return Object.fromEntries(Object.keys(record).map((oid) => [oid, of(Number(oid))]));
}

function failure(error: unknown, phase: Phase): unknown {
  if (error instanceof PersistError) return error;
  const { code } = error as ServerErrorFields;
  return code === undefined ? error : serverError(error as ServerErrorFields, phase);
}

function givenUp(what: string): PersistError {
  return new PersistError("aborted", `pglite ${what}: given up`, { outcome: "not-sent" });
}
