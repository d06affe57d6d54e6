import { createServer, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { httpReplica } from "../../src/sync/index.ts";
import { failureOf } from "../contract/store.ts";

/** What the server does with each request, by the name of the store. */
type Behaviour = "hang" | "hang-in-body" | "reset" | "reset-in-body";

const given = new Map<string, PromiseWithResolvers<void>>();
const sockets = new Set<Socket>();
let server: Server;
let origin = "";

beforeAll(async () => {
  server = createServer((request, response) => {
    const behaviour = request.url?.split("/")[3] as Behaviour;
    request.on("close", () => given.get(behaviour)?.resolve());
    response.on("close", () => given.get(behaviour)?.resolve());
    if (behaviour === "reset") request.socket.resetAndDestroy();
    if (!behaviour.endsWith("in-body")) return;
    response.writeHead(200, { "content-type": "application/x-ndjson" });
    response.write("{}\n", () => {
      if (behaviour === "reset-in-body") request.socket.resetAndDestroy();
    });
  });
  server.on("connection", (socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});

/** Settles when the server sees that the client has left. */
function left(behaviour: Behaviour): Promise<void> {
  const leaving = Promise.withResolvers<void>();
  given.set(behaviour, leaving);
  return leaving.promise;
}

describe("over a line that", () => {
  it.each(["hang", "hang-in-body"] as const)(
    "hangs (%s), a call ends with its deadline and hangs up",
    async (store) => {
      const leaving = left(store);
      const replica = httpReplica(origin, { store });
      const error = await failureOf(replica.pull(null, 1, { timeoutMs: 100 }));
      expect(error).toMatchObject({ code: "timeout", outcome: "unknown", retryable: true });
      await leaving;
    },
  );

  it("hangs, a call ends when it is given up, and hangs up", async () => {
    const leaving = left("hang");
    const abort = new AbortController();
    const failure = failureOf(httpReplica(origin, { store: "hang" }).poke(null, { signal: abort.signal }));
    setTimeout(() => abort.abort(), 50);
    expect(await failure).toMatchObject({ code: "aborted", outcome: "unknown" });
    await leaving;
  });

  it.each(["reset", "reset-in-body"] as const)("breaks (%s), the outcome is not known", async (store) => {
    const error = await failureOf(httpReplica(origin, { store }).pull(null, 1));
    expect(error).toMatchObject({ code: "connection", outcome: "unknown", retryable: true });
  });

  it("was never open, nothing was sent", async () => {
    const closed = createServer();
    await new Promise<void>((resolve) => closed.listen(0, "127.0.0.1", resolve));
    const { port } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    const error = await failureOf(httpReplica(`http://127.0.0.1:${port}`, { store: "s" }).head());
    expect(error).toMatchObject({ code: "connection", outcome: "not-sent", retryable: true });
  });
});
