import type { PGlite } from "@electric-sql/pglite";
import { readyForQueryFinder, type TransactionStatus } from "./backend-messages.ts";
import { cString, wireMessage } from "./wire-message.ts";

export interface Reply {
  readonly bytes: Uint8Array;
  /** Of the last ReadyForQuery; `undefined` when a Sync is still to come. */
  readonly status: TransactionStatus | undefined;
}

/** Messages of a client that end with one after which it waits for an answer. */
export interface MessageGroup {
  readonly bytes: Uint8Array;
  /** The type of the last message. */
  readonly last: string;
}

export const sync = wireMessage("S");

/** Runs a group of messages in a PGlite. An error of PostgreSQL is part of the reply. */
export async function exchange(db: PGlite, group: MessageGroup): Promise<Reply> {
  return await db.runExclusive(async () => {
    const first = (await db.execProtocol(Buffer.concat([group.bytes, copyFail]), errorsAreReplies)).data;
    const status = readyForQueryFinder()(first).at(-1);
    if (status !== undefined || group.last === "H") {
      return { bytes: first, status };
    }
    // A refused COPY swallows the Sync of its group.
    const second = (await db.execProtocol(sync, errorsAreReplies)).data;
    return { bytes: Buffer.concat([first, second]), status: readyForQueryFinder()(second).at(-1) };
  });
}

/** The rows of plain SQL, values as text; of statements that fail there are none. */
export async function queryText(db: PGlite, sql: string): Promise<(string | null)[][]> {
  const query = wireMessage("Q", cString(sql));
  const { messages } = await db.runExclusive(() => db.execProtocol(query, errorsAreReplies));
  return messages.flatMap((message) => {
    const fields: unknown = message.name === "dataRow" ? Reflect.get(message, "fields") : undefined;
    return Array.isArray(fields) ? [fields] : [];
  });
}

// `execProtocol` and not its raw variants: those keep their callbacks, and the owner's next query() goes astray.
const errorsAreReplies = { throwOnError: false } as const;

// PGlite ends the whole process when COPY FROM STDIN finds no data behind it. A CopyFail after each group makes that an
// ordinary error; outside a COPY a server ignores it.
const copyFail = wireMessage("f", cString("COPY FROM STDIN needs a PostgreSQL server"));
