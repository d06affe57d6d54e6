import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestApp, problemOf, type TestApp } from "./test-app.ts";

let app: TestApp;
beforeAll(async () => {
  app = await createTestApp({ sync: { pokeIntervalMs: 20, pokeStreamMs: 2000 } });
});
afterAll(() => app.close());

const poke = (store: string, query: string, headers: Record<string, string> = {}) =>
  app.request("GET", `/sync/v1/${store}/poke${query}`, { headers });

async function put(store: string, id: number): Promise<string> {
  const mutations = [{ id, op: "put", key: `k${id}`, value: id, base: 0 }];
  const response = await app.request("POST", `/sync/v1/${store}/push`, { body: { client: "a", mutations } });
  return ((await response.json()) as { head: string }).head;
}

async function pageOf(store: string): Promise<{ cursor: string; head: string }> {
  const response = await app.request("GET", `/sync/v1/${store}/pull`);
  return (await response.json()) as { cursor: string; head: string };
}

describe("a poke that waits", () => {
  it("answers at once when nothing is known, or something else", async () => {
    await put("known", 1);
    app.takeStatements();
    const response = await poke("known", "");
    expect(response.status).toBe(200);
    expect(response.headers.get("cache-control")).toBe("private, no-store");
    expect(await response.json()).toEqual({ head: "0:1", epoch: expect.stringMatching(/^[0-9a-f-]{36}$/) });
    expect(app.takeStatements()).toHaveLength(1);
    expect((await poke("known", "?head=")).status).toBe(200);
    expect((await poke("known", `?head=0:1&epoch=${crypto.randomUUID()}`)).status).toBe(200);
  });

  it("answers 204 when nothing moved in time", async () => {
    const head = await put("still", 1);
    const { cursor } = await pageOf("still");
    expect((await poke("still", `?head=${head}&wait=0`)).status).toBe(204);
    expect((await poke("still", `?cursor=${cursor}&wait=0`)).status).toBe(204);
    app.takeStatements();
    expect((await poke("still", `?cursor=${cursor}&wait=0.1`)).status).toBe(204);
    expect(app.takeStatements().length).toBeGreaterThan(1);
  });

  it("takes the cursor of an empty store", async () => {
    const { cursor, head } = await pageOf("empty");
    expect((await poke("empty", `?cursor=${cursor}&wait=0`)).status).toBe(204);
    expect((await poke("empty", `?head=${head}&wait=0`)).status).toBe(204);
    await put("empty", 1);
    expect((await poke("empty", `?cursor=${cursor}&wait=0`)).status).toBe(200);
  });

  it.each(["head", "cursor"] as const)("answers when something is written, by %s", async (kind) => {
    const store = `moved-${kind}`;
    await put(store, 1);
    const known = (await pageOf(store))[kind];
    const waiting = poke(store, `?${kind}=${known}&wait=25`);
    const head = await put(store, 2);
    const response = await waiting;
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ head });
  });

  it.each(["?wait=26", "?wait=-1", "?wait=soon", "?cursor=x"])("answers 400 to %s", async (query) => {
    const response = await poke("known", query);
    expect(response.status).toBe(400);
    expect(await problemOf(response)).toMatchObject({ code: "malformed" });
  });

  it("is a problem when the database fails", async () => {
    app.failWith(new Error("broken"));
    expect((await poke("known", "")).status).toBe(500);
    app.failWith(undefined);
  });
});

describe("a poke that streams", () => {
  const accept = "text/event-stream";

  it("tells each move of the feed, with the head as id", async () => {
    const first = await put("stream", 1);
    const response = await poke("stream", "", { accept });
    expect(response.headers.get("content-type")).toBe(accept);
    expect(response.headers.get("cache-control")).toBe("private, no-store");
    const events = readEvents(response);
    expect(await events.next()).toMatchObject({ value: { id: first, data: { head: first } } });
    const second = await put("stream", 2);
    expect(await events.next()).toMatchObject({ value: { id: second, data: { head: second } } });
    await events.return(undefined);
  });

  it("goes on where a browser that comes back was", async () => {
    const seen = await put("back", 1);
    const events = readEvents(await poke("back", "", { accept, "last-event-id": seen }));
    const head = await put("back", 2);
    expect(await events.next()).toMatchObject({ value: { id: head } });
    await events.return(undefined);
  });

  it("holds its driver until the reader is gone, and no longer", async () => {
    await put("held", 1);
    const before = app.drivers.closed;
    const events = readEvents(await poke("held", "", { accept }));
    await events.next();
    expect(app.drivers.closed).toBe(before);
    await events.return(undefined);
    await expect.poll(() => app.drivers.closed).toBe(before + 1);
  });

  it("ends after its time, also when nobody reads", async () => {
    const before = app.drivers.closed;
    const ignored = await poke("ended", "", { accept });
    const events = readEvents(await poke("ended", "?head=", { accept }));
    expect(await events.next()).toEqual({ done: true, value: undefined });
    await expect.poll(() => app.drivers.closed).toBe(before + 2);
    await ignored.body?.cancel();
  });

  it("ends, and tells the application, when the database fails", async () => {
    await put("failing", 1);
    const events = readEvents(await poke("failing", "", { accept }));
    await events.next();
    const failure = new Error("broken");
    app.failWith(failure);
    expect(await events.next()).toEqual({ done: true, value: undefined });
    expect(app.reported.at(-1)).toBe(failure);
    app.failWith(undefined);
  });
});

/** The events of a stream. Leaving it gives the stream up, as a browser does. */
async function* readEvents(response: Response): AsyncGenerator<{ id: string | undefined; data: unknown }, void> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const piece of response.body ?? []) {
    text += decoder.decode(piece, { stream: true });
    const blocks = text.split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) {
      const fields = new Map(
        block.split("\n").map((line) => [line.split(": ")[0], line.slice(line.indexOf(": ") + 2)]),
      );
      const data = fields.get("data");
      if (data !== undefined) yield { id: fields.get("id"), data: JSON.parse(data) };
    }
  }
}
