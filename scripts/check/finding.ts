/** One thing that a check found wrong. A check that finds nothing has passed. */
export interface Finding {
  /** From the root of the repository, with forward slashes. */
  readonly file: string;
  readonly line?: number | undefined;
  /** What is wrong and what to do about it. */
  readonly what: string;
}

/** A check reads the repository at `root`, changes nothing, and gives what it found. */
export type Check = (root: string) => readonly Finding[] | Promise<readonly Finding[]>;

/** `file:line what`, the form that editors and terminals make clickable. */
export function formatFinding({ file, line, what }: Finding): string {
  return `${line === undefined ? file : `${file}:${line}`} ${what}`;
}
