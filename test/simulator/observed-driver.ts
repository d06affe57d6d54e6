import type { Driver, Row, Statement } from "../../src/driver.ts";
import { PersistError } from "../../src/errors.ts";
import type { TimeSpan } from "./server-judgement.ts";
import type { Turns } from "./turns.ts";

/** A statement that was carried out, whether or not anybody got the answer. */
export interface ObservedStatement {
  /** The function that it calls; empty for any other statement. */
  readonly name: string;
  readonly params: Statement["params"];
  readonly rows: readonly Row[];
  readonly at: TimeSpan;
}

export interface Observer {
  /** Must not throw: the caller of the statement would take it for a failure of the database. */
  done(statement: ObservedStatement): void;
  failed?(error: PersistError): void;
}

/** Every statement of a schedule goes through here: one after the other where the turns say so, and each is seen. */
export function observedDriver(inner: Driver, turns: Turns, observer: Observer): Driver {
  async function run(statements: readonly Statement[], send: () => Promise<Row[][]>): Promise<Row[][]> {
    const from = Date.now();
    try {
      const results = await send();
      const at: TimeSpan = [from, Date.now()];
      statements.forEach(({ text, params }, index) => {
        observer.done({ name: functionOf(text), params, rows: results[index] ?? [], at });
      });
      return results;
    } catch (error) {
      if (error instanceof PersistError) observer.failed?.(error);
      throw error;
    }
  }

  return {
    name: inner.name,
    async query(statement, options) {
      const send = async () => [await inner.query(statement, options)];
      const [rows = []] = await turns.take(() => run([statement], send));
      return rows;
    },
    batch: (statements, options) => turns.take(() => run(statements, () => inner.batch(statements, options))),
    close: async () => undefined,
  };
}

function functionOf(text: string): string {
  return /\bfrom "?\w+"?\.(\w+)\(/.exec(text)?.[1] ?? "";
}
