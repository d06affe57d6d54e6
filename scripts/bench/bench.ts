/** One of what `npm run bench` can measure. */
export interface Bench {
  readonly about: string;
  /** Each with its default. */
  readonly options: Readonly<Record<string, number>>;
  run(options: Readonly<Record<string, number>>): Promise<void>;
}

/** The middle one; 0 of none. */
export function medianOf(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** Shows in place how far a measurement has got, where somebody watches. */
export function showProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${text.padEnd(78)}`);
}

export function clearProgress(): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${" ".repeat(78)}\r`);
}
