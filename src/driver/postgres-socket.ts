import type { ResolvedParameters } from "./connection-parameters.ts";
import { errorListener } from "./last-error.ts";
import type { ServerErrorFields } from "./server-error.ts";

/** What is used of a socket of Node. postgres.js reads `host` for the server name of TLS. */
export interface NodeSocket {
  host?: string;
  on(event: "data", listener: (chunk: Uint8Array) => void): unknown;
  once(event: "connect" | "error", listener: (error: Error) => void): unknown;
  off(event: "connect" | "error", listener: (error: Error) => void): unknown;
  destroy(): void;
}

export interface SocketFactory {
  /** For postgres.js's option `socket`. Connects once: a second attempt is refused, so that nothing is run twice. */
  readonly open: () => Promise<NodeSocket>;
  /** Ends the attempt or the connection at once. */
  readonly destroy: () => void;
  /** What the server said last, if it was an error. Undefined under TLS, which postgres.js does itself. */
  readonly lastError: () => ServerErrorFields | undefined;
  /** All that it said since the last statement that ended in order. */
  readonly lastErrors: () => readonly ServerErrorFields[];
}

/**
 * A TCP socket of our own for postgres.js, on Node. Its own writes at most about 1 KB at a time and leaves Nagle's algorithm
 * on, so the second part of a batch would wait for an answer to the first: a flight more. Undefined on other runtimes.
 */
export function nodeSocketFactory({ host, port, ssl }: ResolvedParameters): SocketFactory | undefined {
  if (!globalThis.navigator?.userAgent?.startsWith("Node.js")) return undefined;
  const { hear, lastError, lastErrors } = errorListener();
  let socket: NodeSocket | undefined;
  let isDestroyed = false;
  let attempts = 0;

  async function open(): Promise<NodeSocket> {
    attempts += 1;
    if (attempts > 1) throw new Error("the server closed the connection while it was being opened");
    const { connect } = await import("node:net");
    if (isDestroyed) throw new Error("given up while the connection was being opened");
    const opening: NodeSocket = Object.assign(connect({ host, port, noDelay: true, keepAlive: true }), { host });
    socket = opening;
    await new Promise<void>((resolve, reject) => {
      opening.once("error", reject);
      opening.once("connect", () => {
        opening.off("error", reject);
        resolve();
      });
    });
    if (!ssl) opening.on("data", hear);
    return opening;
  }

  function destroy() {
    isDestroyed = true;
    socket?.destroy();
  }

  return { open, destroy, lastError, lastErrors };
}
