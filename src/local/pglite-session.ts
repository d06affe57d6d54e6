import type { PGlite } from "@electric-sql/pglite";
import { exchange, type MessageGroup, queryText, type Reply, sync } from "./pglite-exchange.ts";
import { type EndTurn, takeTurn } from "./pglite-turn.ts";
import { sessionSettings } from "./session-settings.ts";
import { cString, wireMessage } from "./wire-message.ts";

/** One client's share of the only session of a PGlite. */
export interface PgliteSession {
  /**
   * Runs a group when its turn comes. The turn is kept while a transaction is open or a Sync is still to come. A text
   * says why the turn never came; nothing was run then.
   */
  run(group: MessageGroup, statements: readonly string[]): Promise<Reply | NoTurn>;
  /** Ends a wait for the turn, if there is one. */
  stopWaiting(reason: NoTurn): void;
  /** Rolls back what is open and forgets the client's prepared statements and settings. */
  end(preparedStatements: readonly string[]): Promise<void>;
}

export type NoTurn = "cancelled" | "timed-out" | "gone";

export function pgliteSession(db: PGlite, turnTimeoutMs: number): PgliteSession {
  const settings = sessionSettings((sql) => queryText(db, sql));
  let endTurn: EndTurn | undefined;
  let waiting: AbortController | undefined;
  let noTurn: NoTurn = "gone";

  return {
    stopWaiting,
    async run(group, statements) {
      endTurn ??= await enter();
      if (endTurn === undefined) {
        return noTurn;
      }
      await settings.watch(statements);
      const reply = await exchange(db, group);
      if (reply.status === "I") {
        await settings.leave();
        endTurn();
        endTurn = undefined;
      }
      return reply;
    },
    async end(preparedStatements) {
      if (endTurn === undefined && preparedStatements.length === 0) {
        return;
      }
      const undo = endTurn === undefined ? [] : [sync, rollback];
      const closes = preparedStatements.map(closeStatement);
      endTurn ??= await takeTurn(db, new AbortController().signal);
      try {
        await exchange(db, { bytes: Buffer.concat([...undo, ...closes, sync]), last: "S" });
        await settings.leave();
      } finally {
        endTurn?.();
      }
    },
  };

  async function enter(): Promise<EndTurn | undefined> {
    waiting = new AbortController();
    const timer = setTimeout(stopWaiting, turnTimeoutMs, "timed-out");
    const taken = await takeTurn(db, waiting.signal);
    clearTimeout(timer);
    waiting = undefined;
    if (taken !== undefined) {
      await settings.enter();
    }
    return taken;
  }

  function stopWaiting(reason: NoTurn): void {
    noTurn = reason;
    waiting?.abort();
  }
}

const rollback = wireMessage("Q", cString("rollback"));

function closeStatement(name: string): Buffer {
  return wireMessage("C", Buffer.from("S"), cString(name));
}
