import { createHash } from "node:crypto";
import type { Store } from "../../create-store.ts";
import type { CallOptions } from "../../driver.ts";
import { fromBase64 } from "../../sql/base64.ts";
import { MAX_TTL_MS } from "../../stores/kv-value.ts";
import { InputError } from "../command-errors.ts";
import type { Line } from "./ndjson-lines.ts";

/** What the lines of an import are. */
export type Kind = "records" | "events" | "kv";

/** How lines of one kind become items, and items are written. */
export interface ImportKind {
  readonly unit: string;
  /** Items in one call at most. */
  readonly batchSize: number;
  /**
   * Undefined for what is not to be written.
   *
   * @throws InputError when the line does not hold what is needed
   */
  toItem(line: Line): Item | undefined;
  /** All or none, and harmless when it is done again. */
  write(store: Store, items: readonly Item[], options: CallOptions): Promise<void>;
}

/** A parsed line. Undefined members of `value` are not there. */
export interface Item {
  readonly line: Line;
  readonly value: Readonly<Record<string, unknown>>;
}

export const importKinds: Readonly<Record<Kind, ImportKind>> = {
  records: {
    unit: "records",
    batchSize: 1_000,
    toItem: (line) => withMembers(line, ["key"], ["value"]),
    async write(store, items, options) {
      const entries = items.map(({ value }) => ({ key: String(value["key"]), value: value["value"] }));
      await store.records.putMany(entries, options);
    },
  },
  events: {
    unit: "events",
    batchSize: 500,
    toItem: (line) => withMembers(line, ["stream"], ["payload"]),
    async write(store, items, options) {
      const appends = items.map(({ line, value }) => ({
        op: "append" as const,
        stream: String(value["stream"]),
        payload: value["payload"],
        id: typeof value["id"] === "string" ? value["id"] : idOf(line),
        ...(typeof value["type"] === "string" && { type: value["type"] }),
        ...(value["metadata"] !== undefined && { metadata: value["metadata"] }),
      }));
      await store.transaction(appends, options);
    },
  },
  kv: {
    unit: "entries",
    batchSize: 1_000,
    toItem(line) {
      const item = withMembers(line, ["key"], ["value"]);
      // What has expired on the way is absent there too.
      return (ttlOf(item) ?? 1) > 0 ? { ...item, value: { ...item.value, value: kvValue(item) } } : undefined;
    },
    async write(store, items, options) {
      const entries = items.map((item) => {
        const ttl = ttlOf(item);
        return { key: String(item.value["key"]), value: item.value["value"], ttl: ttl && Math.max(1, ttl) };
      });
      await store.kv.setMany(entries, options);
    },
  },
};

function withMembers(line: Line, texts: readonly string[], any: readonly string[]): Item {
  const value = parsed(line);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new InputError(`line ${line.number} is not an object; expected { ${[...texts, ...any].join(", ")} }`);
  }
  const item = { line, value: value as Readonly<Record<string, unknown>> };
  const lacking =
    texts.find((name) => typeof item.value[name] !== "string") ?? any.find((name) => !Object.hasOwn(item.value, name));
  if (lacking === undefined) return item;
  const needed = texts.includes(lacking) ? ", or not a string" : "";
  throw new InputError(`line ${line.number}: ${lacking} is missing${needed}`);
}

function parsed(line: Line): unknown {
  try {
    return JSON.parse(line.text);
  } catch {
    // The parser's message would quote the line.
    throw new InputError(`line ${line.number} is not JSON; expected one object a line`);
  }
}

/** The same line in the same place gets the same id, so that a second import of a file adds nothing. */
function idOf({ number, text }: Line): string {
  return `import-${createHash("sha256").update(`${number}\n${text}`).digest("hex").slice(0, 32)}`;
}

function kvValue({ line, value }: Item): unknown {
  if (value["encoding"] !== "base64") return value["value"];
  try {
    return fromBase64(String(value["value"]));
  } catch {
    throw new InputError(`line ${line.number}: value is not base64`);
  }
}

/** In milliseconds from now; 0 or less for what has expired; undefined for ever. */
function ttlOf({ line, value }: Item): number | undefined {
  const { ttl, expiresAt } = value;
  if (typeof ttl === "number") return ttl;
  if (ttl !== undefined && ttl !== null) {
    throw new InputError(`line ${line.number}: ttl is not a number of milliseconds`);
  }
  if (expiresAt === undefined || expiresAt === null) return undefined;
  const at = Date.parse(String(expiresAt));
  if (Number.isNaN(at))
    throw new InputError(`line ${line.number}: expiresAt is not a time, such as 2027-01-01T00:00:00Z`);
  // What was synced may live longer than anything that is written here.
  return Math.min(at - Date.now(), MAX_TTL_MS);
}
