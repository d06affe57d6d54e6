import type { Store } from "../../src/create-store.ts";
import { ConflictError, NotFoundError } from "../../src/errors.ts";
import type { Dice } from "./dice.ts";
import { limits } from "./world.ts";

/** One write of an application. */
export interface Write {
  /** As it is printed. */
  readonly text: string;
  /** The records and entries that it writes, as `kind:key`. */
  readonly places: readonly string[];
  /** Whether what it writes is there to stay: not a number that others may write too, nor a life that ends at once. */
  readonly isLasting: boolean;
  /** What a value that was written by it holds; of a deletion empty. */
  readonly mark: string;
  send(store: Store): Promise<unknown>;
}

export const recordKeys = ["a", "b", "c", "d"] as const;
export const entryKeys = ["x", "y", "z"] as const;
export const streams = ["s", "t"] as const;
/** Only ever added to, so that nothing may be missing in the end. */
export const setKeys = ["set/1", "set/2"] as const;
/** Of events that several devices append: the same each time. */
export const sharedEvents = ["e1", "e2", "e3"] as const;

type Unmarked = Omit<Write, "mark">;

/** A random write whose value is found nowhere else. */
export function anyWrite(dice: Dice, tag: string): Write {
  return { ...anyUnmarked(dice, tag), mark: tag };
}

function anyUnmarked({ random }: Dice, tag: string): Unmarked {
  const key = random.pick(recordKeys);
  const entry = random.pick(entryKeys);
  return random.pick<() => Unmarked>([
    () => put(key, { by: tag }),
    () => put(key, { by: tag }),
    () => put(key, random.pick<unknown>([tag, [tag, null], { by: tag, deep: { of: [1, null, "ä𐀀"] } }])),
    () => patch(key, { by: tag, [random.pick(["m", "n"])]: random.pick<unknown>([1, null]) }),
    () => remove(key),
    () => remove(key),
    () => add(random.pick(setKeys), tag),
    () => add(random.pick(setKeys), tag),
    () => append(random.pick(streams), { by: tag }),
    () => append(random.pick(streams), { by: tag }),
    () => appendShared(random.pick(sharedEvents)),
    () => set(entry, random.pick<unknown>([tag, { by: tag }, new TextEncoder().encode(tag)])),
    () => set(entry, tag, 3_600_000),
    () => set(entry, tag, 1),
    () => unset(entry),
    () => increment(),
    () => putMany(tag),
  ])();
}

/** A value that the server does not take. */
export function hugeWrite(dice: Dice, tag: string): Write {
  return { ...put(dice.random.pick(recordKeys), { by: tag, huge: "x".repeat(limits.maxValueBytes) }), mark: tag };
}

function put(key: string, value: unknown): Unmarked {
  return {
    text: `put ${key} ${JSON.stringify(value).slice(0, 60)}`,
    places: [`record:${key}`],
    isLasting: true,
    send: (store) => store.records.put(key, value),
  };
}

function patch(key: string, value: Readonly<Record<string, unknown>>): Unmarked {
  return {
    text: `patch ${key} ${JSON.stringify(value)}`,
    places: [`record:${key}`],
    isLasting: true,
    send: (store) => store.records.patch(key, value).catch(ifThere),
  };
}

function remove(key: string): Unmarked {
  return {
    text: `delete ${key}`,
    places: [`record:${key}`],
    isLasting: true,
    send: (store) => store.records.delete(key),
  };
}

function add(key: string, tag: string): Unmarked {
  return {
    text: `add ${tag} to ${key}`,
    places: [`record:${key}`],
    isLasting: true,
    async send(store) {
      for (;;) {
        const patched = await store.records.patch(key, { [tag]: 1 }).catch(ifThere);
        if (patched !== undefined) return patched;
        try {
          return await store.records.put(key, { [tag]: 1 }, { expectedVersion: "absent" });
        } catch (error) {
          // Another has made it meanwhile, whose members must stay.
          if (!(error instanceof ConflictError)) throw error;
        }
      }
    },
  };
}

function putMany(tag: string): Unmarked {
  const entries = recordKeys.slice(0, 3).map((key) => ({ key, value: { by: tag, of: key } }));
  return {
    text: `putMany ${tag}`,
    places: entries.map(({ key }) => `record:${key}`),
    isLasting: true,
    send: (store) => store.records.putMany(entries),
  };
}

function append(stream: string, payload: unknown): Unmarked {
  return {
    text: `append to ${stream} ${JSON.stringify(payload)}`,
    places: [],
    isLasting: true,
    send: (store) => store.events.append(stream, payload),
  };
}

function appendShared(id: string): Unmarked {
  return {
    text: `append the event ${id}`,
    places: [],
    isLasting: true,
    send: (store) => store.events.append("shared", { id }, { id }),
  };
}

function set(key: string, value: unknown, ttl?: number): Unmarked {
  return {
    text: `kv.set ${key} ${value instanceof Uint8Array ? "bytes" : JSON.stringify(value)}${ttl ? ` for ${ttl} ms` : ""}`,
    places: [`kv:${key}`],
    isLasting: ttl !== 1,
    send: (store) => store.kv.set(key, value, { ttl }),
  };
}

function unset(key: string): Unmarked {
  return { text: `kv.delete ${key}`, places: [`kv:${key}`], isLasting: false, send: (store) => store.kv.delete(key) };
}

function increment(): Unmarked {
  return { text: "kv.increment n", places: ["kv:n"], isLasting: false, send: (store) => store.kv.increment("n") };
}

function ifThere(error: unknown): undefined {
  if (error instanceof NotFoundError) return undefined;
  throw error;
}
