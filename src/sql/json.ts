import { ValidationError } from "../errors.ts";
import { exceedsBytes } from "./utf8.ts";

/** Values that are larger as JSON text are refused unless the store was made with another limit. */
export const DEFAULT_MAX_VALUE_BYTES = 1024 * 1024;

/** Deeper nesting comes near the stack of PostgreSQL's own parser. */
const MAX_DEPTH = 1000;

/**
 * The JSON text of a value that comes back as it went in. What JSON would drop or change in silence is refused: undefined
 * (nested too), NaN, ±Infinity, bigint, integers beyond 2^53 - 1, functions, symbols, cycles, holes in arrays, NUL and half
 * surrogate pairs in strings and member names, and objects with a class of their own. Objects with `toJSON`, such as Date,
 * become what it returns. `__proto__` is a member like any other.
 *
 * @param what what the value is called in the message, which names the path and never the value: `value.items[3].price is NaN`
 * @throws ValidationError
 */
export function toJson(value: unknown, what: string, maxBytes: number = DEFAULT_MAX_VALUE_BYTES): string {
  const text = write(value, { what, path: [], ancestors: new Set() });
  if (exceedsBytes(text, maxBytes)) {
    throw new ValidationError(`${what} is larger than ${maxBytes} bytes as JSON; split it, or raise maxValueBytes`);
  }
  return text;
}

interface Position {
  readonly what: string;
  readonly path: (string | number)[];
  readonly ancestors: Set<object>;
}

function write(value: unknown, at: Position): string {
  switch (typeof value) {
    case "string":
      return writeString(value, at);
    case "number":
      return writeNumber(value, at);
    case "boolean":
      return value ? "true" : "false";
    case "object":
      return value === null ? "null" : writeObject(value, at);
    case "undefined":
      throw refused(at, "is undefined; leave the member out, or use null");
    case "bigint":
      throw refused(at, "is a bigint, which JSON does not have; store it as a string");
    default:
      throw refused(at, `is a ${typeof value}, which JSON does not have`);
  }
}

function writeString(value: string, at: Position): string {
  if (value.includes("\0")) throw refused(at, "contains NUL, which PostgreSQL cannot store");
  if (!value.isWellFormed()) throw refused(at, "contains half a surrogate pair");
  return JSON.stringify(value);
}

function writeNumber(value: number, at: Position): string {
  if (!Number.isFinite(value)) throw refused(at, `is ${value}; use null or leave it out`);
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
    throw refused(at, "is an integer beyond 2^53 - 1, which is not exact; store it as a string");
  }
  return JSON.stringify(value);
}

function writeObject(value: object, at: Position): string {
  if (at.ancestors.has(value)) throw refused(at, "contains itself");
  if (at.path.length >= MAX_DEPTH) throw new ValidationError(`${at.what} is nested deeper than ${MAX_DEPTH} levels`);
  at.ancestors.add(value);
  const text = Array.isArray(value)
    ? writeArray(value, at)
    : hasToJson(value)
      ? writeConverted(value, at)
      : writeMembers(value, at);
  at.ancestors.delete(value);
  return text;
}

function writeArray(value: readonly unknown[], at: Position): string {
  const items: string[] = [];
  for (let index = 0; index < value.length; index++) {
    at.path.push(index);
    if (!Object.hasOwn(value, index)) throw refused(at, "is a hole in an array; use null");
    items.push(write(value[index], at));
    at.path.pop();
  }
  return `[${items.join(",")}]`;
}

function writeConverted(value: { toJSON(key: string): unknown }, at: Position): string {
  if (value instanceof Date && Number.isNaN(value.getTime())) throw refused(at, "is an invalid Date");
  const converted = value.toJSON(String(at.path.at(-1) ?? ""));
  // As in JSON.stringify, toJSON is asked once: what it returns is written as it stands.
  if (typeof converted !== "object" || converted === null) return write(converted, at);
  if (converted !== value && at.ancestors.has(converted)) throw refused(at, "contains itself");
  return Array.isArray(converted) ? writeArray(converted, at) : writeMembers(converted, at);
}

function writeMembers(value: object, at: Position): string {
  if (!isPlain(value)) throw refused(at, `is a ${className(value)}; convert it to a plain object, array or string`);
  if (Object.getOwnPropertySymbols(value).length > 0) throw refused(at, "has a symbol as a member name");
  const members = Object.entries(value).map(([name, member]) => {
    if (name.includes("\0") || !name.isWellFormed()) {
      throw refused(at, "has a member whose name contains NUL or half a surrogate pair");
    }
    at.path.push(name);
    const text = `${JSON.stringify(name)}:${write(member, at)}`;
    at.path.pop();
    return text;
  });
  return `{${members.join(",")}}`;
}

function hasToJson(value: object): value is { toJSON(key: string): unknown } {
  return "toJSON" in value && typeof value.toJSON === "function";
}

/** Also true for objects that were made in another realm, whose `Object.prototype` is not ours. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return (
    prototype === null ||
    (Object.hasOwn(prototype as object, "isPrototypeOf") && Object.getPrototypeOf(prototype) === null)
  );
}

function className(value: object): string {
  const maker: unknown = value.constructor;
  return typeof maker === "function" && maker.name !== "" ? maker.name : "class instance";
}

function refused(at: Position, why: string): ValidationError {
  const path = at.path.map((step) =>
    typeof step === "number" ? `[${step}]` : /^[A-Za-z_$][\w$]*$/.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`,
  );
  return new ValidationError(`${at.what}${path.join("")} ${why}`);
}
