import type { Driver } from "onetrip";

/**
 * One driver for an instance of Node that serves many requests and is frozen in between: opened by the first request that
 * needs it, and left open by all. An opening that fails is tried again by the next request.
 */
export function keptDriver(open: () => Promise<Driver>): () => Promise<Driver> {
  let opening: Promise<Driver> | undefined;

  async function openAgainAfterFailure(): Promise<Driver> {
    try {
      return await open();
    } catch (error) {
      opening = undefined;
      throw error;
    }
  }

  return async () => {
    opening ??= openAgainAfterFailure();
    const driver = await opening;
    await hearOfClosedConnections();
    return { ...driver, close: async () => undefined };
  };
}

/**
 * What a server has closed while the process was frozen lies in the socket. It is read in the event loop's next turn, and the
 * socket's own closing takes two more. Without this, a statement would be sent on such a connection and have an unknown outcome.
 */
async function hearOfClosedConnections(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
}
