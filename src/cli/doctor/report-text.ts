import { styleText } from "node:util";
import type { Output } from "../terminal.ts";
import { type Finding, type Level, levels } from "./finding.ts";

/** The findings for a person: one a line, what to change below. Colours on a terminal alone. */
export function reportText(head: string, findings: readonly Finding[], output: Output): readonly string[] {
  const width = Math.max(...findings.map(({ id }) => id.length));
  return [
    head,
    "",
    ...findings.flatMap(({ id, level, found, change }) => [
      `  ${painted(level, output)}  ${id.padEnd(width)}  ${found}`,
      ...(change === undefined ? [] : [`${" ".repeat(width + 13)}→ ${change}`]),
    ]),
    "",
    summary(findings),
  ];
}

const colours: Readonly<Record<Level, "green" | "cyan" | "yellow" | "red">> = {
  ok: "green",
  advice: "cyan",
  warning: "yellow",
  failure: "red",
};

function painted(level: Level, output: Output): string {
  const text = level.padEnd(7);
  return output.isTTY ? styleText(colours[level], text) : text;
}

function summary(findings: readonly Finding[]): string {
  const counts = levels.toReversed().map((level) => {
    const count = findings.filter((finding) => finding.level === level).length;
    return count === 0 ? [] : [`${count} ${level}${count === 1 || level === "ok" || level === "advice" ? "" : "s"}`];
  });
  return counts.flat().join(", ");
}
