import type { Store } from "../../create-store.ts";
import type { CallOptions } from "../../driver.ts";
import { PersistError } from "../../errors.ts";
import { InputError, StoppedError } from "../command-errors.ts";
import type { ImportKind, Item } from "./import-kinds.ts";
import type { LineSource } from "./ndjson-lines.ts";

export interface ImportReport {
  /** Lines that were written, blank ones and skipped ones not counted. */
  readonly imported: number;
  readonly batches: number;
  /** The last line that was read; `--skip` takes it. */
  readonly lastLine: number;
}

export interface ImportOptions extends CallOptions {
  /** Lines at the start to leave out. */
  readonly skip: number;
  readonly onBatch: (doneBytes: number, imported: number) => void;
}

/**
 * Writes line after line in batches, each all or none. When one fails, the error says from where to go on.
 *
 * @throws InputError for a line that cannot be written as it is
 */
export async function importLines(
  store: Store,
  { lines }: LineSource,
  kind: ImportKind,
  options: ImportOptions,
): Promise<ImportReport> {
  let waiting: Item[] = [];
  let waitingBytes = 0;
  let report: ImportReport = { imported: 0, batches: 0, lastLine: options.skip };

  async function flush() {
    const last = waiting.at(-1);
    if (last === undefined) return;
    await kind.write(store, waiting, { signal: options.signal, timeoutMs: options.timeoutMs });
    report = {
      imported: report.imported + waiting.length,
      batches: report.batches + 1,
      lastLine: last.line.number,
    };
    options.onBatch(last.line.endsAt, report.imported);
    waiting = [];
    waitingBytes = 0;
  }

  try {
    for await (const line of lines) {
      if (line.number <= options.skip) continue;
      if (options.signal?.aborted) throw givenUp();
      const item = kind.toItem(line);
      if (item === undefined) continue;
      if (waiting.length === kind.batchSize || waitingBytes + line.text.length > MAX_BATCH_CHARS) await flush();
      waiting.push(item);
      waitingBytes += line.text.length;
    }
    await flush();
    return report;
  } catch (error) {
    throw withPlace(error, waiting, report);
  }
}

/** Well below the 8 MiB of UTF-8 that a call takes, and far from the limits of Neon's proxy. */
const MAX_BATCH_CHARS = 2 * 1024 * 1024;

function givenUp(): PersistError {
  return new PersistError("aborted", "import: stopped", { outcome: "not-sent" });
}

/** The same error, with the place of the file that it is about, and where to go on. */
function withPlace(error: unknown, waiting: readonly Item[], { lastLine }: ImportReport): unknown {
  const goOn =
    lastLine === 0
      ? "nothing was imported yet"
      : `everything up to line ${lastLine} is imported: go on with --skip ${lastLine}, or from the start, which does no harm`;
  if (error instanceof InputError) return new InputError(error.message, { next: goOn, cause: error });
  if (!(error instanceof PersistError)) return error;
  const first = waiting[0]?.line.number;
  if (error.code === "validation") {
    // `entries[3]` or `operations[3]` is the fourth line of the batch.
    const part = /\[(\d+)\]/.exec(error.message)?.[1];
    const number = part === undefined ? first : waiting[Number(part)]?.line.number;
    return new InputError(`line ${number}: ${error.message}`, { next: goOn, cause: error });
  }
  const where = first === undefined ? "" : ` at lines ${first} to ${waiting.at(-1)?.line.number}`;
  return new StoppedError(`stopped${where}`, { next: goOn, cause: error });
}
