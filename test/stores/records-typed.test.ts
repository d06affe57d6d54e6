import { describe, expect, expectTypeOf, it } from "vitest";
import { ValidationError } from "../../src/errors.ts";
import type { RecordStore, StoredRecord } from "../../src/stores/records.ts";
import { checkSchema, type SchemaIssue, type StandardSchema, validated } from "../../src/stores/standard-schema.ts";
import type { TypedRecordStore } from "../../src/stores/typed-records.ts";

interface Quake {
  readonly mag: number;
  readonly place: { readonly name: string; readonly tags: readonly string[] };
}

describe("the messages of a schema that refuses", () => {
  async function messageFor(value: unknown, ...issues: readonly SchemaIssue[]): Promise<string> {
    const schema: StandardSchema = { "~standard": { version: 1, vendor: "test", validate: () => ({ issues }) } };
    const failure = await validated(schema, { value, what: "put: value", outcome: "not-sent" }).catch((error) => error);
    expect(failure).toBeInstanceOf(ValidationError);
    return (failure as Error).message;
  }

  it("name the path as it would be written", async () => {
    const path = ["items", 3, { key: "unit price" }, { key: 0 }, Symbol("s")];
    expect(await messageFor(null, { message: "no", path })).toBe(
      'put: value.items[3]["unit price"][0]["Symbol(s)"]: no',
    );
    expect(await messageFor(null, { message: "no" })).toBe("put: value: no");
  });

  it("show five issues and count the rest", async () => {
    const issues = Array.from({ length: 7 }, (_, i) => ({ message: "no", path: [i] }));
    const message = await messageFor([], ...issues);
    expect(message).toBe(`${[0, 1, 2, 3, 4].map((i) => `put: value[${i}]: no`).join("; ")} and 2 more`);
  });

  it("leave out what the validator quotes from the value, wherever it stands there", async () => {
    const value = { name: 'Ada "L" \\', card: 4711.5, nested: [{ pin: "12.3*" }], short: "a", is: true, none: null };
    for (const [given, shown] of [
      ['received "Ada "L" \\"', 'received "…"'],
      ['received Ada \\"L\\" \\\\!', "received …!"],
      ["(was 4711.5)", "(was …)"],
      ["got 12.3*", "got …"],
      ["a value of 47 or 12 is true or null", "… value of 47 or 12 is true or null"],
    ] as const) {
      expect(await messageFor(value, { message: given })).toBe(`put: value: ${shown}`);
    }
  });

  it("cope with a value that contains itself", async () => {
    const value: unknown[] = ["secret"];
    value.push(value);
    expect(await messageFor(value, { message: "not secret" })).toBe("put: value: not …");
  });
});

it("a schema may be a function with the property of the standard", () => {
  const schema = Object.assign(() => undefined, {
    "~standard": { version: 1, vendor: "t", validate: () => ({ value: 1 }) },
  });
  expect(() => checkSchema(schema, "typed")).not.toThrow();
});

describe("types", () => {
  type Strict = TypedRecordStore<Quake>;

  it("narrow every value to the type", () => {
    expectTypeOf<Strict["get"]>().returns.resolves.toEqualTypeOf<StoredRecord<Quake>>();
    expectTypeOf<Strict["getMany"]>().returns.resolves.toEqualTypeOf<readonly (StoredRecord<Quake> | undefined)[]>();
    expectTypeOf<Parameters<Strict["put"]>[1]>().toEqualTypeOf<Quake>();
    expectTypeOf<Parameters<Strict["patch"]>[1]>().toEqualTypeOf<{
      readonly mag?: number | null;
      readonly place?: { readonly name?: string | null; readonly tags?: readonly string[] | null } | null;
    }>();
  });

  it("follow the schema: what it takes for writes, what it makes for reads", () => {
    const records = {} as RecordStore;
    function typed() {
      return records.typed({} as StandardSchema<{ readonly mag: string }, { readonly mag: number }>, { reads: true });
    }
    expectTypeOf(typed).returns.toEqualTypeOf<TypedRecordStore<{ readonly mag: number }, { readonly mag: string }>>();
    expectTypeOf(() => records.typed<Quake>()).returns.toEqualTypeOf<TypedRecordStore<Quake>>();
    expectTypeOf(() =>
      records.putMany([
        { key: "a", value: 1 },
        { key: "b", value: "x" },
      ]),
    ).returns.resolves.toEqualTypeOf<readonly StoredRecord<unknown>[]>();
  });
});
