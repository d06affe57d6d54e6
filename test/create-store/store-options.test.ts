import { describe, expect, it } from "vitest";
import { resolveOptions, type StoreOptions } from "../../src/create-store/store-options.ts";
import { CapabilityError, ValidationError } from "../../src/errors.ts";

const connectionString = "postgresql://u:secret@h/db";
const refusal = (options: object) => () => resolveOptions(options as StoreOptions);

describe("resolveOptions", () => {
  it("takes one source, and has a default for the rest", () => {
    expect(resolveOptions({ connectionString })).toEqual({
      source: { parameters: { connectionString } },
      schema: "persist",
      mode: "auto",
      maxValueBytes: undefined,
      batchReads: false,
      retry: { attempts: 4, baseMs: 50, maxMs: 2_000 },
      replicas: [],
      idempotencyLifeMs: undefined,
    });
    const postgres = { host: "h", schema: "mine", poolSize: 20 };
    expect(resolveOptions({ adapter: "postgres", postgres, migrate: "check" })).toMatchObject({
      source: { parameters: postgres },
      schema: "mine",
      mode: "check",
    });
  });

  it("takes a part of a retry policy, and none", () => {
    expect(resolveOptions({ connectionString, retry: false }).retry).toBeNull();
    expect(resolveOptions({ connectionString, retry: { attempts: 1 } }).retry).toMatchObject({
      attempts: 1,
      baseMs: 50,
    });
    expect(resolveOptions({ connectionString, retry: { baseMs: 5_000 } }).retry).toMatchObject({ maxMs: 5_000 });
  });

  it("refuses adapters and capabilities that are not there, and says what is", () => {
    for (const adapter of ["sqlite", "s3", "redis", "memory", ""]) {
      expect(refusal({ adapter, connectionString })).toThrow(CapabilityError);
      expect(refusal({ adapter, connectionString })).toThrow(/one adapter, "postgres"/);
    }
    expect(refusal({ connectionString, capabilities: ["records", "blobs"] })).toThrow(CapabilityError);
    expect(refusal({ connectionString, capabilities: ["blobs"] })).toThrow(/S3 adapter/);
    expect(refusal({ connectionString, capabilities: ["search"] })).toThrow(/records, events and kv/);
    expect(refusal({ connectionString, capabilities: ["records", "events", "kv"] })).not.toThrow();
  });

  it("refuses options that contradict each other or say not enough, without secrets", () => {
    const cases = [
      {},
      { connectionString, driver: {} },
      { connectionString, postgres: { host: "h" } },
      { postgres: { connectionString, password: "secret" } },
      { postgres: {} },
      { postgres: { poolSize: 2 } },
      { connectionString, schema: "a-b" },
      { postgres: { host: "h", schema: "a" }, schema: "b" },
      { connectionString, migrate: "always" },
      { connectionString, maxValueBytes: 0 },
      { connectionString, batchReads: "yes" },
      ...[true, null, 3, { attempts: 0 }, { attempts: 1.5 }, { baseMs: -1 }, { baseMs: 9, maxMs: 8 }].map((retry) => ({
        connectionString,
        retry,
      })),
      { connectionString, replicas: "postgresql://u:secret@h/db" },
      { connectionString, replicas: ["postgresql://u:secret@h/db"] },
      { connectionString, idempotencyLifeMs: 0 },
      { connectionString, idempotencyLifeMs: 59_999 },
    ];
    for (const options of cases) {
      expect(refusal(options), JSON.stringify(options)).toThrow(ValidationError);
      expect(refusal(options)).not.toThrow(/secret/);
    }
  });
});
