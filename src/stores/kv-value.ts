import type { Row } from "../driver.ts";
import { ValidationError } from "../errors.ts";
import { fromBase64, toBase64 } from "../sql/base64.ts";
import { toJson } from "../sql/json.ts";
import type { WriteOptions } from "./write-once.ts";

export interface SetOptions extends WriteOptions {
  /** Life in milliseconds, by the database's clock: more than 0, at most 100 years. Without it the entry stays. */
  readonly ttl?: number | undefined;
}

/** A value on its way. */
export interface EncodedValue {
  /** JSON text. */
  readonly json: string;
  /** `base64` when the JSON is a string that stands for bytes. */
  readonly encoding: "base64" | null;
}

/**
 * @param what what the value is called in the message: `kv.set: value`
 * @throws ValidationError when JSON would drop or change something
 */
export function encodeValue(value: unknown, what: string, maxBytes: number | undefined): EncodedValue {
  return value instanceof Uint8Array
    ? { json: toJson(toBase64(value), what, maxBytes), encoding: "base64" }
    : { json: toJson(value, what, maxBytes), encoding: null };
}

/** The value of a row with `value` and `encoding`. */
export function decodeValue(row: Row): unknown {
  return row["encoding"] === "base64" ? fromBase64(String(row["value"])) : row["value"];
}

/**
 * @param what the call, for the message: `kv.set`
 * @throws ValidationError
 */
export function checkTtl(ttl: number | undefined, what: string): number | null {
  if (ttl === undefined) return null;
  if (typeof ttl === "number" && ttl > 0 && ttl <= MAX_TTL_MS) return ttl;
  throw new ValidationError(
    `${what}: ttl is a life in milliseconds, more than 0 and at most 100 years; leave it out for ever`,
  );
}

export const MAX_TTL_MS = 100 * 365.25 * 24 * 60 * 60 * 1000;
