import type { Socket } from "node:net";
import type { PGlite } from "@electric-sql/pglite";
import { errorResponse, readyIdle } from "./backend-messages.ts";
import { type FrontendMessage, frontendMessages, ProtocolViolation, statementText } from "./frontend-messages.ts";
import { type CancelKey, type Greeting, handshake } from "./handshake.ts";
import type { MessageGroup } from "./pglite-exchange.ts";
import { type NoTurn, pgliteSession } from "./pglite-session.ts";
import { statementNames } from "./statement-names.ts";

export interface PgliteConnection {
  /** Gives up a statement that still waits for its turn. One that runs cannot be stopped. */
  cancel(): void;
  /** Closes the socket and undoes what the client left open. */
  close(): Promise<void>;
}

export interface PgliteConnectionOptions {
  readonly db: PGlite;
  readonly greeting: Greeting;
  readonly turnTimeoutMs: number;
  readonly onCancelRequest: (key: CancelKey) => void;
  readonly onClose: () => void;
}

/**
 * Serves one client. Its messages run in groups, each up to the message after which a client waits for an answer (Sync,
 * Flush, Query, FunctionCall), so that no other connection's unnamed statement gets in between.
 */
export function servePglite(socket: Socket, options: PgliteConnectionOptions): PgliteConnection {
  const split = frontendMessages();
  const greet = handshake(options.greeting);
  const names = statementNames(`${options.greeting.key.processId}:`);
  const session = pgliteSession(options.db, options.turnTimeoutMs);
  const groups: Group[] = [];
  let partial: FrontendMessage[] = [];
  let open = false;
  let closed = false;
  let running: Promise<void> | undefined;

  socket.setNoDelay(true);
  socket.on("error", () => socket.destroy());
  socket.on("data", (chunk) => {
    try {
      for (const message of split(chunk)) {
        (open ? receive : begin)(message);
      }
    } catch (error) {
      hangUp("08P01", error instanceof ProtocolViolation ? error.message : "the message cannot be read");
    }
    running ??= run().finally(() => {
      running = undefined;
    });
  });
  const left = new Promise<void>((resolve) => {
    socket.once("close", () => {
      closed = true;
      session.stopWaiting("gone");
      resolve(leave().finally(options.onClose));
    });
  });

  return {
    cancel() {
      if (groups[0] !== undefined && endsWithReady(groups[0])) {
        session.stopWaiting("cancelled");
      }
    },
    close() {
      socket.destroy();
      return left;
    },
  };

  function begin(message: FrontendMessage): void {
    if (socket.writableEnded) {
      return;
    }
    const step = greet(message);
    switch (step.kind) {
      case "cancel":
        options.onCancelRequest(step.key);
        socket.end();
        return;
      case "refused":
        socket.end(step.bytes);
        return;
      default:
        open = step.kind === "open";
        socket.write(step.bytes);
    }
  }

  function receive(message: FrontendMessage): void {
    if (copyData.has(message.type)) {
      return;
    }
    partial.push(message);
    if (endOfGroup.has(message.type)) {
      const statements = partial.map(statementText).filter((text) => text !== undefined);
      groups.push({ bytes: Buffer.concat(partial.map(names.scope)), last: message.type, statements });
      partial = [];
    }
  }

  async function run(): Promise<void> {
    try {
      for (let group = groups[0]; group !== undefined && !closed; group = groups[0]) {
        await execute(group);
        groups.shift();
      }
    } catch {
      hangUp("57P01", "the embedded database is closed");
    }
  }

  async function execute(group: Group): Promise<void> {
    if (group.last === "X") {
      socket.end();
      return;
    }
    const reply = await session.run(group, group.statements);
    if (typeof reply !== "string") {
      socket.write(reply.bytes);
    } else if (endsWithReady(group)) {
      socket.write(Buffer.concat([errorResponse("ERROR", ...noTurnError[reply]), readyIdle]));
    } else {
      hangUp(...noTurnError[reply]);
    }
  }

  function hangUp(code: string, reason: string): void {
    if (!socket.writableEnded) {
      socket.end(errorResponse("FATAL", code, reason));
      socket.destroySoon();
    }
  }

  async function leave(): Promise<void> {
    await running;
    try {
      await session.end(names.scoped());
    } catch {
      // The database was closed first: nothing is left to undo.
    }
  }
}

interface Group extends MessageGroup {
  readonly statements: readonly string[];
}

const endOfGroup: ReadonlySet<string> = new Set(["Q", "S", "H", "F", "X"]);
const copyData: ReadonlySet<string> = new Set(["d", "c", "f"]);

const noTurnError: Readonly<Record<NoTurn, readonly [code: string, message: string]>> = {
  cancelled: ["57014", "canceling statement due to user request"],
  "timed-out": ["55P03", "another connection's transaction holds the embedded database, which has one session only"],
  gone: ["57P01", "the connection is closed"],
};

/** Whether the client waits for ReadyForQuery: an error then is followed by it. */
function endsWithReady({ last }: Group): boolean {
  return last === "Q" || last === "S";
}
