import fc from "fast-check";
import type { Mutation } from "../../../src/sync/index.ts";

/** What a client is about to write: a mutation once it has an id, a value that nothing else has, and a version to build on. */
export interface Draft {
  readonly op: Mutation["op"] | "unfit" | "early";
  readonly key: string;
  /** How many versions before the present one the client has seen. */
  readonly behind: number;
}

export const anyDraft: fc.Arbitrary<Draft> = fc.record({
  op: fc.constantFrom("put", "put", "delete", "merge", "append", "kv.set", "kv.set", "kv.delete", "unfit", "early"),
  key: fc.constantFrom("a", "b"),
  behind: fc.constantFrom(0, 0, 0, 1),
});

export const anyDrafts = fc.array(anyDraft, { minLength: 1, maxLength: 4 });

/** @param version of the record, as far as the client knows */
export function toMutation({ op, key, behind }: Draft, id: number, version: number): Mutation {
  const value = crypto.randomUUID();
  const base = Math.max(0, version - behind);
  switch (op) {
    case "put":
      return { id, op, key, value: { value }, base };
    case "delete":
      return { id, op, key, base };
    case "merge":
      return { id, op, key, value: { value } };
    case "append":
      return { id, op, stream: key, event: { id: value, payload: value } };
    case "kv.set":
      return { id, op, key, value };
    case "kv.delete":
      return { id, op, key };
    case "unfit":
      return { id, op: "put", key: "", value, base: 0 };
    case "early":
      return { id, op: "put", key, value, hlc: "999999999999999-000000-n" };
  }
}
