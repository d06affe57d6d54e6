import { expect, it } from "vitest";
import { PersistError } from "../../src/errors.ts";
import { batch, paged, put, type Replicas, taken } from "./replica.ts";
import { failureOf } from "./store.ts";

/** Where a feed stands. */
export function describeFeedHead({ fresh }: Replicas): void {
  it("moves when something is written, and only then", async () => {
    const replica = fresh();
    const empty = await replica.head();
    expect(empty).toEqual({ head: empty.head, epoch: null, serverTime: expect.stringMatching(/^\d{4}-.*\.\d{6}Z$/) });
    expect((await replica.head()).head).toBe(empty.head);

    const pushed = await taken(replica.push(batch(put(1, "a", 1))));
    const first = await replica.head();
    expect(first.head).not.toBe(empty.head);
    expect(first.epoch).toMatch(/^[0-9a-f-]{36}$/);
    await replica.push({ client: "c2", mutations: [put(1, "a", 1)] });
    expect(await replica.head()).toMatchObject({ head: first.head, epoch: first.epoch });
    expect(pushed.head).toBe(first.head);
    expect((await paged(replica.pull(null, 10))).head).toBe(first.head);
  });

  it("is given up when the caller says so", async () => {
    const replica = fresh();
    const signal = AbortSignal.abort();
    for (const call of [
      () => replica.head({ signal }),
      () => replica.pull(null, 1, { signal }),
      () => replica.push(batch(put(1, "a", 1)), { signal }),
    ]) {
      const error = await failureOf(call());
      expect(error).toBeInstanceOf(PersistError);
      expect(error).toMatchObject({ code: "aborted", outcome: "not-sent" });
    }
  });
}
