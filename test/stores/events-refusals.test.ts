import { describe, expect, it } from "vitest";
import type { Store } from "../../src/create-store.ts";
import { ValidationError } from "../../src/errors.ts";
import { encodeCursor, type Position } from "../../src/sql/cursor.ts";
import { failureOf } from "../contract/store.ts";
import { refusingStore } from "./refusing-store.ts";

const position: Position = { kind: "events", store: "s", epoch: crypto.randomUUID(), lanes: [[0, "7"]] };
const cursor = encodeCursor(position);
const limits = [0, -1, 1.5, 1e9, Number.NaN, Number.POSITIVE_INFINITY, "7", null];
const keys = ["", "a\0b", "\ud800", "\ufeffa", "x".repeat(1025), 7, null, {}];

/** What no caller's types allow, as a caller without types would give it. */
const untyped = (value: unknown) => value as never;

const refused: readonly (readonly [string, (store: Store) => Promise<unknown>])[] = [
  ...limits.flatMap((limit) => [
    [`readAll, limit ${limit}`, ({ events }: Store) => events.readAll({ limit: untyped(limit) })] as const,
    [`prune, limit ${limit}`, ({ events }: Store) => events.prune({ keep: 1, limit: untyped(limit) })] as const,
  ]),
  ...["", "x", "é", `${cursor}x`, cursor.slice(1), "A".repeat(9000), 7, {}].map(
    (bad) =>
      [
        `readAll, cursor ${String(bad).slice(0, 9)}`,
        ({ events }: Store) => events.readAll({ cursor: untyped(bad) }),
      ] as const,
  ),
  [
    "readAll, a cursor of another store",
    ({ events }) => events.readAll({ cursor: encodeCursor({ ...position, store: "t" }) }),
  ],
  [
    "readAll, a cursor of sync",
    ({ events }) => events.readAll({ cursor: encodeCursor({ ...position, kind: "sync" }) }),
  ],
  ["prune of nothing in particular", ({ events }) => events.prune({})],
  ["prune of a stream as a whole", ({ events }) => events.prune({ stream: "s" })],
  ...[-1, 0.5, Number.NaN, 1e300, "3", null].map(
    (keep) => [`prune, keep ${keep}`, ({ events }: Store) => events.prune({ keep: untyped(keep) })] as const,
  ),
  ...[new Date(Number.NaN), "2026-11-20", 0, null].map(
    (before) => [`prune, before ${before}`, ({ events }: Store) => events.prune({ before: untyped(before) })] as const,
  ),
  ...keys.map(
    (stream) =>
      [
        `prune, stream ${JSON.stringify(stream).slice(0, 9)}`,
        ({ events }: Store) => events.prune({ stream: untyped(stream), keep: 1 }),
      ] as const,
  ),
];

describe("events refuse before anything is sent", () => {
  it.each(refused)("%s", async (_, call) => {
    const failure = await failureOf(call(await refusingStore()));
    expect(failure).toBeInstanceOf(ValidationError);
    expect(failure).toMatchObject({ code: "validation", outcome: "not-sent" });
  });
});
