import { expect, it } from "vitest";
import { CapabilityError, ValidationError } from "../../src/errors.ts";
import type { SchemaIssue, StandardSchema } from "../../src/stores/standard-schema.ts";
import { failureOf, type OpenStore } from "./store.ts";

interface Quake {
  readonly mag: number;
  readonly place: string;
}

/** Takes a magnitude as text too, as a form sends it, and trims the place. */
const quakeSchema = schemaOf((value) => {
  const { mag, place } = value as { mag: unknown; place: unknown };
  const issues: SchemaIssue[] = [];
  if (Number.isNaN(Number(mag))) issues.push({ message: `expected a number but received "${mag}"`, path: ["mag"] });
  if (typeof place !== "string") issues.push({ message: "expected a string", path: [{ key: "place" }] });
  return issues.length > 0 ? { issues } : { value: { mag: Number(mag), place: String(place).trim() } };
});

export function describeTypedRecords(store: OpenStore): void {
  it("are the same records", async () => {
    const quakes = store().records.typed<Quake>();
    const put = await quakes.put("y/plain", { mag: 1, place: "here" });
    expect(await store().records.get("y/plain")).toEqual(put);
    expect(await quakes.patch("y/plain", { mag: 2 })).toMatchObject({ value: { mag: 2, place: "here" } });
    expect(await quakes.putMany([{ key: "y/plain", value: { mag: 3, place: "there" } }])).toHaveLength(1);
    expect((await quakes.getMany(["y/plain"]))[0]?.value.mag).toBe(3);
    expect(await quakes.list({ prefix: "y/plain", filter: ({ value }) => value.mag > 2 })).toHaveLength(1);
    expect((await quakes.search("there")).records.map(({ key }) => key)).toEqual(["y/plain"]);
    expect(await quakes.deleteMany(["y/plain"])).toBe(1);
  });

  it("store what the schema makes of a value, be it at once or later", async () => {
    for (const schema of [quakeSchema, later(quakeSchema)]) {
      const quakes = store().records.typed(schema);
      const put = await quakes.put("y/form", { mag: "4.5", place: "  Castaic " });
      expect(put.value).toEqual({ mag: 4.5, place: "Castaic" });
      expect(await store().records.get("y/form")).toEqual(put);
      const [many] = await quakes.putMany([{ key: "y/form", value: { mag: "5", place: "Willow" } }]);
      expect(many?.value).toEqual({ mag: 5, place: "Willow" });
    }
  });

  it("refuse what the schema refuses, and say where but never what", async () => {
    const quakes = store().records.typed(later(quakeSchema));
    const failure = await failureOf(quakes.put("y/bad", { mag: "top secret", place: 5 }));
    expect(failure).toBeInstanceOf(ValidationError);
    expect(failure).toMatchObject({ outcome: "not-sent" });
    expect(String(failure)).toContain("records.put: value.mag: expected a number");
    expect(String(failure)).toContain("records.put: value.place: expected a string");
    expect(String(failure)).not.toContain("secret");
    const good = { key: "y/good", value: { mag: 1, place: "" } };
    const many = await failureOf(quakes.putMany([good, { key: "y/bad", value: { mag: "x", place: "" } }]));
    expect(String(many)).toContain("records.putMany: entries[1].value.mag: expected a number");
    expect(await store().records.getMany(["y/bad", "y/good"])).toEqual([undefined, undefined]);
  });

  it("validate reads when asked to", async () => {
    const { records } = store();
    await records.putMany([
      { key: "y/r/1", value: { mag: "1.5", place: " anywhere " } },
      { key: "y/r/2", value: { mag: "unreadable", place: "anywhere" } },
    ]);
    const trusting = records.typed(quakeSchema);
    expect((await trusting.get("y/r/2")).value.mag).toBe("unreadable");
    const strict = records.typed(later(quakeSchema), { reads: true });
    expect((await strict.get("y/r/1")).value).toEqual({ mag: 1.5, place: "anywhere" });
    expect((await strict.find("y/r/1"))?.value.mag).toBe(1.5);
    expect(await strict.find("y/r/9")).toBeUndefined();
    expect((await strict.getMany(["y/r/1", "y/r/9"])).map((found) => found?.value.mag)).toEqual([1.5, undefined]);
    const reads: (() => Promise<unknown>)[] = [
      () => strict.get("y/r/2"),
      () => strict.find("y/r/2"),
      () => strict.getMany(["y/r/1", "y/r/2"]),
      () => strict.list({ prefix: "y/r/" }),
      () => strict.search("anywhere"),
    ];
    for (const read of reads) {
      const failure = await failureOf(read());
      expect(failure).toBeInstanceOf(ValidationError);
      expect(failure).toMatchObject({ outcome: "rejected", message: expect.stringMatching(/: value\.mag: expected/) });
      expect(String(failure)).not.toContain("unreadable");
    }
  });

  it("do not patch with a schema, since nothing could validate the result", async () => {
    const quakes = store().records.typed(quakeSchema);
    await quakes.put("y/patch", { mag: 1, place: "here" });
    expect(await failureOf(quakes.patch("y/patch", { mag: 2 }))).toBeInstanceOf(CapabilityError);
    expect((await quakes.get("y/patch")).value.mag).toBe(1);
  });
}

function schemaOf(
  validate: StandardSchema<unknown, Quake>["~standard"]["validate"],
): StandardSchema<{ readonly mag: unknown; readonly place: unknown }, Quake> {
  return { "~standard": { version: 1, vendor: "test", validate } };
}

function later<Input, Output>(schema: StandardSchema<Input, Output>): StandardSchema<Input, Output> {
  const { validate, ...rest } = schema["~standard"];
  return { "~standard": { ...rest, validate: async (value) => validate(value) } };
}
