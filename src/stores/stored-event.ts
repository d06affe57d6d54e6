import type { Row } from "../driver.ts";
import { toDate } from "../sql/time.ts";

/** Something that happened, in its place in a stream. */
export interface StoredEvent<T = unknown> {
  readonly id: string;
  readonly stream: string;
  /** 1, 2, 3 … within the stream, without holes. */
  readonly version: number;
  readonly payload: T;
  /** By the database's clock. */
  readonly timestamp: Date;
  readonly type?: string;
  readonly metadata?: unknown;
}

/** An event as the statements and the feed give it. */
export function toEvent<T>(row: Row): StoredEvent<T> {
  return {
    id: String(row["id"]),
    stream: String(row["stream"]),
    version: Number(row["version"]),
    payload: row["payload"] as T,
    timestamp: toDate(row["timestamp"]),
    ...(typeof row["type"] === "string" && { type: row["type"] }),
    ...(row["metadata"] !== null && { metadata: row["metadata"] }),
  };
}
