/** What a command knows of the process that it runs in. */
export interface Terminal {
  readonly stdin: NodeJS.ReadableStream;
  /** Results alone. */
  readonly stdout: Output;
  /** Progress and errors. */
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted when the user wants it to stop. */
  readonly signal: AbortSignal;
}

export type Output = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };

/** One line of JSON, the whole result of a command. */
export function printJson({ stdout }: Pick<Terminal, "stdout">, value: unknown): void {
  stdout.write(`${JSON.stringify(value)}\n`);
}

export function printLines(output: Output, lines: readonly string[]): void {
  output.write(`${lines.join("\n")}\n`);
}
