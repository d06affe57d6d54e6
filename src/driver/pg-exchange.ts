import type { Row, Statement } from "../driver.ts";
import { toText } from "./params.ts";
import { parserOf } from "./row-types.ts";
import type { ServerErrorFields } from "./server-error.ts";

/** The part of node-postgres's protocol writer that a query object is handed. The same in `pg` and in Neon's client. */
export interface PgWriter {
  readonly stream: { cork?(): void; uncork?(): void; destroy(): void };
  parse(message: { text: string }): void;
  bind(message: { values: (string | null)[] }): void;
  describe(message: { type: "P" }): void;
  execute(message: object): void;
  sync(): void;
  /** Tells, before the query object is told, in what state the server waits for the next one: `I` outside a transaction. */
  on(event: "readyForQuery", listener: (message: { readonly status: string }) => void): unknown;
}

interface Field {
  readonly name: string;
  readonly dataTypeID: number;
}

/**
 * One burst of the extended query protocol as a query object of node-postgres (the interface that pg-cursor and
 * pg-query-stream use): every statement is parsed, bound and executed behind the other, with one Sync at the end. That is
 * one flight, however many statements there are. Unnamed statements only: what any pooler passes on.
 *
 * After an error the server skips everything up to the Sync, so nothing behind the failing statement runs.
 */
export interface PgExchange {
  submit(writer: PgWriter): void;
  handleRowDescription(message: { fields: readonly Field[] }): void;
  handleDataRow(message: { fields: readonly (string | null)[] }): void;
  handleCommandComplete(message: { text: string }): void;
  handleEmptyQuery(): void;
  handleError(error: Error & ServerErrorFields): void;
  handleReadyForQuery(): void;
  handlePortalSuspended(): void;
  handleCopyInResponse(writer: { sendCopyFail(reason: string): void; sync(): void }): void;
  handleCopyData(): void;
}

export interface ExchangeResult {
  readonly rows: Row[][];
  /** The command tag of each statement: `SELECT 1`, `COMMIT` … */
  readonly tags: readonly string[];
}

/** Settles with the rows of every statement, or rejects with the client's own error. */
export function pgExchange(
  statements: readonly Statement[],
  resolve: (result: ExchangeResult) => void,
  reject: (error: Error & ServerErrorFields) => void,
): PgExchange {
  const rows: Row[][] = [];
  const tags: string[] = [];
  let fields: readonly Field[] = [];
  let current: Row[] = [];

  function complete(tag: string) {
    rows.push(current);
    tags.push(tag);
    current = [];
    fields = [];
  }

  return {
    submit(writer) {
      writer.stream.cork?.();
      try {
        for (const { text, params } of statements) {
          writer.parse({ text });
          writer.bind({ values: toText(params) });
          writer.describe({ type: "P" });
          writer.execute({});
        }
        writer.sync();
      } finally {
        writer.stream.uncork?.();
      }
    },
    handleRowDescription: (message) => {
      fields = message.fields;
    },
    handleDataRow: (message) => {
      current.push(toRow(fields, message.fields));
    },
    handleCommandComplete: (message) => complete(message.text),
    handleEmptyQuery: () => complete(""),
    // A COMMIT that was answered has happened, whatever becomes of the connection afterwards.
    handleError: (error) => (tags.at(-1) === "COMMIT" ? resolve({ rows, tags }) : reject(error)),
    handleReadyForQuery: () => resolve({ rows, tags }),
    // Cannot happen without a row limit or COPY; the client calls them unconditionally.
    handlePortalSuspended: () => undefined,
    handleCopyInResponse(writer) {
      writer.sendCopyFail("COPY is not supported");
      // The one that was sent was read as a part of the copy.
      writer.sync();
    },
    handleCopyData: () => undefined,
  };
}

function toRow(fields: readonly Field[], values: readonly (string | null)[]): Row {
  return Object.fromEntries(
    fields.map(({ name, dataTypeID }, i) => {
      const text = values[i] ?? null;
      return [name, text === null ? null : parserOf(dataTypeID)(text)];
    }),
  );
}
