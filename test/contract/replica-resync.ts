import { expect, it } from "vitest";
import type { Replica } from "../../src/sync/replica.ts";
import { batch, pullAll, put, type Replicas } from "./replica.ts";

/** Cursors that cannot be continued. */
export function describeResync({ fresh }: Replicas): void {
  it("is asked for when the cursor is of another history, ahead, or of another scope", async () => {
    const { replica, cursor } = await written(fresh());
    expect(await replica.pull(changed(cursor, { e: crypto.randomUUID() }), 10)).toEqual({ resync: "epoch" });
    expect(await replica.pull(changed(cursor, { p: [[0, "99"]] }), 10)).toEqual({ resync: "rewind" });
    expect(await replica.pull(changed(cursor, { p: [[7, "1"]] }), 10)).toEqual({ resync: "rewind" });
    expect(await replica.pull(cursor, 10, { scope: "a" })).toEqual({ resync: "scope" });
    const { cursor: scoped } = await pullAll(replica, 10, null, "a");
    expect(await replica.pull(scoped, 10)).toEqual({ resync: "scope" });
    expect(await replica.pull(scoped, 10, { scope: "ab" })).toEqual({ resync: "scope" });
  });

  it("is the answer to a push with such a cursor, and nothing of it is applied", async () => {
    const { replica, cursor } = await written(fresh());
    const next = batch(put(3, "c", 1));
    expect(await replica.push({ ...next, cursor: changed(cursor, { e: crypto.randomUUID() }) })).toEqual({
      resync: "epoch",
    });
    expect(await replica.push({ ...next, cursor: changed(cursor, { p: [[0, "99"]] }) })).toEqual({ resync: "rewind" });
    expect(await replica.push({ ...next, cursor, scope: "c" })).toEqual({ resync: "scope" });
    expect((await pullAll(replica, 10)).changes).toHaveLength(2);
    expect(await replica.push({ ...next, cursor })).toMatchObject({ results: [{ status: "applied" }] });
  });
}

async function written(replica: Replica): Promise<{ readonly replica: Replica; readonly cursor: string }> {
  await replica.push(batch(put(1, "a", 1), put(2, "b", 1)));
  return { replica, cursor: (await pullAll(replica, 10)).cursor };
}

/** A cursor with other members in it. */
function changed(cursor: string, members: object): string {
  const content: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString());
  return Buffer.from(JSON.stringify({ ...(content as object), ...members })).toString("base64url");
}
