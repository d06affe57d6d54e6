import { describe, expect, expectTypeOf, it, vi } from "vitest";
import { storeListeners, type Unsubscribe } from "../../src/create-store/store-listeners.ts";
import { ValidationError } from "../../src/errors.ts";
import type { KvSetEvent, RecordPutEvent, StoreEvent } from "../../src/stores/store-event.ts";

const put: RecordPutEvent = { type: "record:put", store: "s", key: "k", version: 1 };
const set: KvSetEvent = { type: "kv:set", store: "s", key: "k" };

describe("storeListeners", () => {
  it("calls who asked for the event, its group or everything", () => {
    const { on, emit } = storeListeners();
    const heard: string[] = [];
    on("record:put", () => heard.push("record:put"));
    on("record:*", () => heard.push("record:*"));
    on("*", () => heard.push("*"));
    on("kv:*", () => heard.push("kv:*"));
    on("record:delete", () => heard.push("record:delete"));
    emit(put);
    expect(heard.splice(0)).toEqual(["record:put", "record:*", "*"]);
    emit(set);
    expect(heard).toEqual(["*", "kv:*"]);
  });

  it("stops after unsubscription, of that subscription alone", () => {
    const { on, emit } = storeListeners();
    const listener = vi.fn();
    const off = on("*", listener);
    on("*", listener);
    off();
    off();
    emit(put);
    expect(listener).toHaveBeenCalledTimes(1);
  });

  it("goes on when a listener throws, rejects or unsubscribes", async () => {
    const { on, emit } = storeListeners();
    const last = vi.fn();
    on("*", () => {
      throw new Error("mine");
    });
    on("*", () => Promise.reject(new Error("mine, later")));
    const off: Unsubscribe = on("*", () => off());
    on("*", last);
    expect(() => emit(put)).not.toThrow();
    emit(put);
    await new Promise((resolve) => setTimeout(resolve));
    expect(last).toHaveBeenCalledTimes(2);
  });

  it("refuses an event that does not exist", () => {
    expect(() => storeListeners().on("record:putt" as "record:put", () => undefined)).toThrow(ValidationError);
  });

  it("knows the events of each pattern", () => {
    const { on } = storeListeners();
    on("record:put", (event) => expectTypeOf(event).toEqualTypeOf<RecordPutEvent>());
    on("record:*", (event) =>
      expectTypeOf(event.type).toEqualTypeOf<"record:put" | "record:delete" | "record:conflict" | "record:resolve">(),
    );
    on("*", (event) => expectTypeOf(event).toEqualTypeOf<StoreEvent>());
    on("query", (event) => expectTypeOf(event.durationMs).toBeNumber());
  });
});
