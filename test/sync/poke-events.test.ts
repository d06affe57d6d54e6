import { describe, expect, it } from "vitest";
import { pokeEvents } from "../../src/sync/handler/poke-events.ts";
import type { FeedHead, Replica } from "../../src/sync/index.ts";

describe("a stream of pokes", () => {
  it("says something while nothing moves, looks no faster than it should, and only while it is read", async () => {
    let looks = 0;
    const { stream, ended } = start({ heartbeatMs: 50, intervalMs: 20, streamMs: 60_000 }, () => {
      looks += 1;
      return "0:1";
    });
    const reader = stream.getReader();
    const decoder = new TextDecoder();
    const next = async () => decoder.decode((await reader.read()).value);
    expect(await next()).toBe("retry: 1000\n\n");
    expect(looks).toBe(0);
    expect(await next()).toMatch(/^id: 0:1\ndata: \{"head":"0:1","epoch":"e"\}\n\n$/);
    expect(looks).toBe(1);
    expect(await next()).toBe(":\n\n");
    expect(looks).toBeGreaterThan(1);
    expect(looks).toBeLessThan(6);
    await reader.cancel();
    await ended;
  });

  it("ends when its reader stands still", async () => {
    const { stream, ended } = start({ heartbeatMs: 30, intervalMs: 1, streamMs: 60_000 }, () => "0:1");
    const reader = stream.getReader();
    await reader.read();
    await reader.read();
    await ended;
    expect(await reader.read()).toEqual({ done: true, value: undefined });
  });

  it("lets no head break out of its line", async () => {
    const { stream } = start({ intervalMs: 1, streamMs: 50 }, () => "a\ndata: b");
    const text = await new Response(stream).text();
    expect(text).toContain('data: {"head":"a\\ndata: b","epoch":"e"}\n\n');
    expect(text.match(/^data:/gm)).toHaveLength(1);
    expect(text).not.toContain("id:");
  });
});

function start(times: { heartbeatMs?: number; intervalMs: number; streamMs: number }, head: () => string) {
  const feed = async (): Promise<FeedHead> => ({ head: head(), epoch: "e", serverTime: "" });
  const onError = (error: unknown) => {
    throw error;
  };
  const replica = { head: feed } as Replica;
  return pokeEvents({ ...times, replica, known: undefined, signal: new AbortController().signal, onError });
}
