import { once } from "node:events";
import { Agent, createServer as createHttpServer, request } from "node:http";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { describe, expect, inject, onTestFinished, test } from "vitest";
import { startWireProxy, type WireProxy, type WireProxyOptions } from "./wire-proxy.ts";

describe("flights", () => {
  test("two writes 2 ms apart are one flight when the answer takes 20 ms", async () => {
    const { proxy, client } = await echoThrough({ delayMs: 20 });
    client.socket.write("a");
    await sleep(2);
    client.socket.write("b");
    await client.take(2);
    expect(proxy.flights()).toBe(1);
  });

  test("a client that waits for each answer makes one flight per write", async () => {
    const { proxy, client } = await echoThrough({ delayMs: 20 });
    client.socket.write("a");
    await client.take(1);
    client.socket.write("b");
    await client.take(1);
    expect(proxy.flights()).toBe(2);
  });

  test("a connection that says nothing makes none", async () => {
    const { proxy } = await echoThrough({});
    expect(proxy.flights()).toBe(0);
    expect(proxy.accepted()).toBe(1);
    expect(proxy.connections()).toBe(1);
  });

  test("one request is one flight, also with a long body and on a kept connection", async () => {
    const server = createHttpServer((incoming, response) => {
      incoming.resume().on("end", () => response.end("x".repeat(200_000)));
    });
    const proxy = await proxyTo(server.listen(0, "127.0.0.1"), { delayMs: 20 });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    onTestFinished(() => agent.destroy());
    for (let i = 0; i < 3; i++) await post(proxy.url("http://upstream.example/sql"), agent, "y".repeat(200_000));
    expect(proxy.flights()).toBe(3);
    expect(proxy.accepted()).toBe(1);
  });

  test("a query of pg with a parameter is one flight on an open connection", async () => {
    const { postgres } = inject("servers");
    const proxy = await startWireProxy({
      upstream: { host: new URL(postgres).hostname, port: Number(new URL(postgres).port) },
      delayMs: 20,
    });
    const client = new pg.Client(proxy.url(postgres));
    await client.connect();
    proxy.reset();
    expect((await client.query("select $1::text as word", ["once"])).rows).toEqual([{ word: "once" }]);
    expect(proxy.flights()).toBe(1);
    await client.end();
    await proxy.close();
  });
});

describe("cut", () => {
  for (const kind of ["fin", "rst"] as const) {
    test(`${kind} ends an open connection`, async () => {
      const { proxy, client } = await echoThrough({});
      proxy.cut(kind);
      expect(await client.end).toBe(kind);
      expect(proxy.cuts()).toBe(1);
    });

    test(`${kind} after so many bytes of the client lets exactly these pass`, async () => {
      const { proxy, client, heard } = await echoThrough({ delayMs: 20 });
      proxy.cut(kind, { afterClientBytes: 5 });
      client.socket.write("abc");
      await sleep(2);
      client.socket.write("defg");
      expect(await client.end).toBe(kind);
      await expect.poll(heard).toBe("abcde");
      expect(proxy.cuts()).toBe(1);
    });

    test(`${kind} after so many bytes of the server lets exactly these pass`, async () => {
      const { proxy, client } = await echoThrough({});
      proxy.cut(kind, { afterServerBytes: 2 });
      client.socket.write("abc");
      expect(await client.take(2)).toBe("ab");
      expect(await client.end).toBe(kind);
    });
  }

  test("happens once: the next connection works", async () => {
    const { proxy, client } = await echoThrough({});
    proxy.cut("rst", { afterClientBytes: 0 });
    client.socket.write("a");
    expect(await client.end).toBe("rst");
    const next = await open(proxy);
    next.socket.write("b");
    expect(await next.take(1)).toBe("b");
    expect(proxy.cuts()).toBe(1);
  });
});

test("a black hole passes nothing, and what it held arrives after it", async () => {
  const { proxy, client } = await echoThrough({});
  proxy.blackhole();
  const late = await open(proxy);
  client.socket.write("a");
  late.socket.write("b");
  await sleep(50);
  expect(client.waiting() + late.waiting()).toBe("");
  await proxy.restore();
  expect(await client.take(1)).toBe("a");
  expect(await late.take(1)).toBe("b");
});

test("refused means refused until restored, and an open connection stays", async () => {
  const { proxy, client } = await echoThrough({});
  proxy.refuse();
  await expect(open(proxy)).rejects.toThrow("ECONNREFUSED");
  client.socket.write("a");
  expect(await client.take(1)).toBe("a");
  await proxy.restore();
  const next = await open(proxy);
  next.socket.write("b");
  expect(await next.take(1)).toBe("b");
});

test("a connection that its client ends is ended behind the proxy, after its last bytes", async () => {
  const { proxy, client, heard } = await echoThrough({ delayMs: 20 });
  client.socket.end("last");
  expect(await client.take(4)).toBe("last");
  expect(await client.end).toBe("fin");
  expect(heard()).toBe("last");
  await expect.poll(proxy.connections).toBe(0);
});

test("a server that is not there ends the client with a reset", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  const proxy = await proxyTo(server, {});
  server.close();
  const client = await open(proxy);
  expect(await client.end).toBe("rst");
  expect(proxy.connections()).toBe(0);
});

interface TestClient {
  readonly socket: Socket;
  /** Waits for this many more bytes and takes them. */
  take(bytes: number): Promise<string>;
  /** What has come in and was not taken. */
  waiting(): string;
  /** How the other side ended the connection. */
  readonly end: Promise<"fin" | "rst">;
}

/** A client that talks through a proxy to a server that sends everything back. */
async function echoThrough(
  options: Omit<WireProxyOptions, "upstream">,
): Promise<{ proxy: WireProxy; client: TestClient; heard: () => string }> {
  let heard = "";
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      heard += chunk.toString();
      socket.write(chunk);
    });
  });
  const proxy = await proxyTo(server.listen(0, "127.0.0.1"), options);
  return { proxy, client: await open(proxy), heard: () => heard };
}

async function proxyTo(server: Server, options: Omit<WireProxyOptions, "upstream">): Promise<WireProxy> {
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const proxy = await startWireProxy({ upstream: { host: "127.0.0.1", port }, ...options });
  onTestFinished(async () => {
    await proxy.close();
    server.close();
  });
  return proxy;
}

async function open(proxy: WireProxy): Promise<TestClient> {
  const socket = connect(proxy.port, proxy.host);
  const end = new Promise<"fin" | "rst">((resolve) => {
    socket.once("end", () => resolve("fin")).once("error", () => resolve("rst"));
  });
  let text = "";
  socket.on("data", (chunk) => {
    text += chunk.toString();
  });
  await once(socket, "connect");
  return {
    socket,
    end,
    waiting: () => text,
    async take(bytes) {
      while (text.length < bytes) await once(socket, "data");
      const taken = text.slice(0, bytes);
      text = text.slice(bytes);
      return taken;
    },
  };
}

function post(url: string, agent: Agent, body: string): Promise<void> {
  return new Promise((resolve, reject) => {
    request(url, { agent, method: "POST" }, (response) => response.resume().on("end", resolve))
      .on("error", reject)
      .end(body);
  });
}
