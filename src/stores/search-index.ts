import { bounded } from "../driver/call.ts";
import type { CallOptions, Row, Statement } from "../driver.ts";
import { PersistError, ValidationError } from "../errors.ts";
import { quoteLanguage } from "../sql/text-search-language.ts";
import { buildSearchIndex, type IndexNames, removeSearchIndex, selectSearchIndex } from "./search-statements.ts";
import { onlyRow, runStatement, type StoreContext } from "./store-context.ts";

export interface SearchIndexOptions extends CallOptions {
  /** That of the searches it is for. Default `simple`. */
  readonly language?: string | undefined;
  /** One deadline for all of it, in milliseconds. Default 10 minutes: the build reads every record of the store. */
  readonly timeoutMs?: number | undefined;
}

/** Searches work without an index too, by reading every record of the store. Both calls are for deployments, not requests. */
export interface SearchIndex {
  /**
   * Makes `search` in one language fast, for this store alone. Writers go on while it is built. Does nothing when the index is
   * there, replaces one that an interrupted build left behind, and waits for a build that another process is at.
   *
   * It takes a round trip when there is nothing to do, else at least three.
   *
   * @throws ValidationError when the database does not know the language
   * @throws PersistError with SQLSTATE 42501 when the role does not own the tables
   */
  createSearchIndex(options?: SearchIndexOptions): Promise<void>;
  /** Harmless when there is none. Waits for a build that is under way, and for transactions that use the index. */
  dropSearchIndex(options?: SearchIndexOptions): Promise<void>;
}

export const DEFAULT_LANGUAGE = "simple";

/** @param random from 0 up to, not including, 1 */
export function searchIndex(context: StoreContext, random: () => number = Math.random): SearchIndex {
  return {
    createSearchIndex: (options) =>
      reach("records.createSearchIndex", options, {
        isDone: ({ valid }) => valid === true,
        async act(found, language, run) {
          if (found.valid === false) await run(removeSearchIndex(context, found));
          await run(buildSearchIndex(context, language, found));
        },
      }),
    dropSearchIndex: (options) =>
      reach("records.dropSearchIndex", options, {
        isDone: ({ valid }) => valid === undefined,
        act: (found, _language, run) => run(removeSearchIndex(context, found)),
      }),
  };

  /** Acts and looks until a look shows that there is nothing to do: whoever else is at it, what they did counts as well. */
  async function reach(what: string, options: SearchIndexOptions = {}, { isDone, act }: Goal): Promise<void> {
    const { language = DEFAULT_LANGUAGE, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
    const literal = quoteLanguage(language, what);
    const deadline = performance.now() + timeoutMs;

    await bounded(what, { ...options, timeoutMs }, timeoutMs, async (call) => {
      const run = async (statement: Statement) => {
        const remainingMs = Math.max(1, deadline - performance.now());
        return runStatement(context, what, statement, { signal: call.signal, timeoutMs: remainingMs });
      };
      const look = async () => toFound(onlyRow(await run(selectSearchIndex(context, language)), what));

      let found = await look();
      while (!isDone(found)) {
        // While it is built an index is invalid too: who took it for a wreck would undo the work of another.
        if (!found.building) {
          call.wasSent = () => true;
          await act(found, literal, run).catch((error: unknown) => {
            if (!lostRace(error)) throw unknownLanguage(error, what) ?? error;
          });
          found = await look();
          if (isDone(found)) return;
        }
        await pause(50 + random() * 500);
        if (call.signal.aborted) return;
        found = await look();
      }
    });
  }
}

/** The error for a language that the database does not have; undefined when `error` is another. */
export function unknownLanguage(error: unknown, what: string): ValidationError | undefined {
  if (!(error instanceof PersistError) || error.sqlstate !== UNDEFINED_OBJECT) return undefined;
  const message = `${what}: the database has no text search configuration of this name; see \\dF in psql for those it has`;
  return new ValidationError(message, { outcome: "rejected", sqlstate: error.sqlstate, cause: error });
}

const DEFAULT_TIMEOUT_MS = 600_000;

interface Found extends IndexNames {
  /** Undefined when there is no index. */
  readonly valid: boolean | undefined;
  readonly building: boolean;
}

interface Goal {
  readonly isDone: (found: Found) => boolean;
  readonly act: (found: Found, language: string, run: (statement: Statement) => Promise<unknown>) => Promise<unknown>;
}

function toFound(row: Row): Found {
  return {
    name: String(row["name"]),
    store: String(row["store"]),
    valid: typeof row["valid"] === "boolean" ? row["valid"] : undefined,
    building: row["building"] === true,
  };
}

const UNDEFINED_OBJECT = "42704";

/**
 * Two processes at the same index: a deadlock (each waits for the other's lock or snapshot), an index of that name or one
 * that is gone meanwhile, a row of the catalogues that another has changed.
 */
const LOST_RACE: ReadonlySet<string> = new Set(["40P01", "42P07", "23505", "XX000"]);

function lostRace(error: unknown): boolean {
  return error instanceof PersistError && error.sqlstate !== undefined && LOST_RACE.has(error.sqlstate);
}

function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}
