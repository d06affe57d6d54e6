import type { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { WebSocket } from "ws";
import { readyForQueryFinder } from "./backend-messages.ts";
import { isApplied } from "./fault-replies.ts";
import type { Fault, FaultSource } from "./faults.ts";
import { frontendMessages, statementText } from "./frontend-messages.ts";
import { latency } from "./latency.ts";

export interface WebsocketPipeOptions {
  readonly faults: FaultSource;
  /** Asked at each answer. */
  readonly latencyMs: () => number;
  /** Called for each burst of messages that follows an answer. */
  readonly onFlight: () => void;
}

/**
 * Carries PostgreSQL's protocol between a WebSocket and a server, both ways, in order, and without piling up what one
 * side is slow to take. When one side ends, so does the other.
 */
export function pipeWebsocket(client: WebSocket, upstream: Socket, options: WebsocketPipeOptions): void {
  const { faults } = options;
  const split = frontendMessages();
  const findReady = readyForQueryFinder();
  let sql: string[] = [];
  let held: Buffer[] = [];
  let answered = true;
  let silent = false;
  let unsentBytes = 0;
  let incoming = Promise.resolve();
  let outgoing = Promise.resolve();

  client.on("message", (data) => {
    if (answered) {
      answered = false;
      options.onFlight();
    }
    incoming = incoming.then(() => forward(toBuffer(data))).catch(abandon);
  });
  client.on("error", abandon);
  client.on("close", () => {
    incoming.then(() => upstream.end()).catch(abandon);
  });
  upstream.on("data", (chunk: Buffer) => {
    answered = true;
    reply(chunk);
  });
  upstream.on("error", abandon);
  upstream.on("close", () => {
    outgoing.then(() => client.close()).catch(abandon);
  });

  async function forward(frame: Buffer): Promise<void> {
    const messages = split(frame);
    const texts = messages.map(statementText).filter((text) => text !== undefined);
    sql.push(...texts);
    const fault = texts.length === 0 ? undefined : faults.take("websocket", sql.join("\n"), hitsRequest);
    if (fault?.kind === "drop-request") {
      abandon();
    } else if (fault?.kind === "hang") {
      silent = true;
    } else if (fault?.kind === "slow") {
      await delay(fault.delayMs);
    }
    for (const { type, bytes } of messages) {
      if (type === "ssl-request" || type === "gss-request") {
        client.send(Buffer.from("N"));
      } else if (!silent && upstream.writable && !upstream.write(bytes)) {
        client.pause();
        upstream.once("drain", () => client.resume());
      }
    }
  }

  function reply(chunk: Buffer): void {
    const ready = findReady(chunk);
    // The end of a transaction is known at its end only: an answer that might be lost is kept until then.
    if (sql.length > 0 && (held.length > 0 || faults.armed("websocket", hitsReply))) {
      held.push(chunk);
      if (ready.length === 0) {
        return;
      }
      const fault = ready.at(-1) === "I" ? faults.take("websocket", sql.join("\n"), hitsReply) : undefined;
      if (fault?.kind === "drop-reply") {
        abandon();
      }
      silent ||= fault !== undefined;
      deliver(Buffer.concat(held));
      held = [];
    } else {
      deliver(chunk);
    }
    if (ready.at(-1) === "I") {
      sql = [];
    }
  }

  function deliver(chunk: Buffer): void {
    if (silent) {
      return;
    }
    const dueAt = performance.now() + options.latencyMs();
    unsentBytes += chunk.length;
    if (unsentBytes > maxUnsentBytes) {
      upstream.pause();
    }
    outgoing = outgoing.then(() => sendAt(dueAt, chunk)).catch(abandon);
  }

  async function sendAt(dueAt: number, chunk: Buffer): Promise<void> {
    await latency(dueAt - performance.now());
    client.send(chunk, () => {
      unsentBytes -= chunk.length;
      if (unsentBytes <= maxUnsentBytes) {
        upstream.resume();
      }
    });
  }

  function abandon(): void {
    silent = true;
    client.terminate();
    upstream.destroy();
  }
}

const maxUnsentBytes = 1024 * 1024;

function hitsRequest(fault: Fault): boolean {
  return fault.kind === "slow" || !isApplied(fault);
}

function hitsReply(fault: Fault): boolean {
  return !hitsRequest(fault);
}

function toBuffer(data: Buffer | ArrayBuffer | Buffer[]): Buffer {
  if (Array.isArray(data)) {
    return Buffer.concat(data);
  }
  return Buffer.isBuffer(data) ? data : Buffer.from(data);
}
