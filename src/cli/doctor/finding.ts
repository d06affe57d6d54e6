/**
 * | level | |
 * |---|---|
 * | `ok` | as it should be |
 * | `advice` | works; could be better, or is worth knowing |
 * | `warning` | works now, and will hurt |
 * | `failure` | does not work |
 */
export type Level = "ok" | "advice" | "warning" | "failure";

/** The answer to one question about a database. */
export interface Finding {
  /** The question, for programs: `pooler`. */
  readonly id: string;
  readonly level: Level;
  /** What was found, in a line. */
  readonly found: string;
  /** What to change. Nothing where all is well. */
  readonly change?: string | undefined;
  /** The same for programs. */
  readonly data?: object | undefined;
}

/** Worst last. */
export const levels: readonly Level[] = ["ok", "advice", "warning", "failure"];

export function worstLevel(findings: readonly Finding[]): Level {
  return levels[Math.max(0, ...findings.map(({ level }) => levels.indexOf(level)))] ?? "ok";
}
