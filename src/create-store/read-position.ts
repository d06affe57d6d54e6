import type { Row } from "../driver.ts";
import type { Position } from "../sql/cursor.ts";
import { hasReached, toPosition } from "../stores/clock-statement.ts";

/**
 * How far a store's feed had got after the last write of one store object. Not known by the write itself, which would have to
 * answer it: it is read together with the first read after it.
 */
export interface ReadPosition {
  /** A write has ended, however it ended. */
  wrote(): void;
  /** False from a write on until the clock of the primary has been read. */
  isKnown(): boolean;
  /** What a read must have seen to know of all writes. Undefined while there was none. */
  current(): Position | undefined;
  /** To be called before the clock is read on the primary; takes its rows. */
  looking(): (clock: readonly Row[]) => Position;
}

export function readPosition(store: string): ReadPosition {
  let writes = 0;
  let covered = 0;
  let position: Position | undefined;
  return {
    wrote() {
      writes += 1;
    },
    isKnown: () => covered === writes,
    current: () => position,
    looking() {
      const before = writes;
      return (clock) => {
        const found = toPosition(store, clock);
        // Of two looks at the same time the older may answer last.
        const isNewer = position === undefined || hasReached(found, position) || found.epoch !== position.epoch;
        if (isNewer) position = found;
        covered = Math.max(covered, before);
        return found;
      };
    },
  };
}
