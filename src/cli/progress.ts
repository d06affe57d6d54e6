import type { Terminal } from "./terminal.ts";

/** How far long work is. */
export interface Progress {
  /** @param done so far, in the unit of the total */
  update(done: number, items: number): void;
  stop(): void;
}

export interface ProgressOptions {
  /** `importing notes.ndjson`. */
  readonly what: string;
  /** What is counted: `records`. */
  readonly unit: string;
  /** Of what `done` counts, such as bytes. Undefined when nobody knows. */
  readonly total: number | undefined;
}

/** On a terminal a bar, or a count where the total is not known. Elsewhere a line every two seconds. */
export async function startProgress({ stderr }: Pick<Terminal, "stderr">, options: ProgressOptions): Promise<Progress> {
  return stderr.isTTY ? await bar(stderr, options) : lines(stderr, options);
}

async function bar(stream: NodeJS.WritableStream, { what, unit, total }: ProgressOptions): Promise<Progress> {
  const { default: cliProgress } = await import("cli-progress");
  const format =
    total === undefined
      ? `${what}  {items} ${unit}  {duration_formatted}`
      : `${what}  {bar} {percentage} %  {items} ${unit}  {eta_formatted}`;
  const single = new cliProgress.SingleBar(
    { format, stream, hideCursor: true, gracefulExit: false, clearOnComplete: true, barsize: 24 },
    cliProgress.Presets.rect,
  );
  single.start(total ?? 0, 0, { items: "0" });
  return {
    update: (done, items) => single.update(done, { items: items.toLocaleString("en") }),
    stop: () => single.stop(),
  };
}

function lines(stream: NodeJS.WritableStream, { what, unit, total }: ProgressOptions): Progress {
  let writtenAt = performance.now();
  return {
    update(done, items) {
      if (performance.now() - writtenAt < 2_000) return;
      writtenAt = performance.now();
      const share = total ? `  ${Math.floor((done / total) * 100)} %` : "";
      stream.write(`${what}${share}  ${items.toLocaleString("en")} ${unit}\n`);
    },
    stop: () => undefined,
  };
}
