import type { Reporter, TestCase, TestModule } from "vitest/node";
import { cellOf, phases } from "../faults/fault.ts";
import { faults } from "../faults/faults.ts";
import type {} from "../faults/task-meta.ts";
import { ways } from "../faults/ways.ts";

const NOT_RUN = "not run";

const suiteName = /^fault matrix: (.+)$/;

/**
 * Prints, after a run, what every driver was seen to do under every fault in every phase, and why there is no cell where there
 * is none. Only when the whole matrix was run; then a cell that has not run fails the run.
 */
export function faultMatrix(): Reporter {
  let pickedByName = false;
  return {
    onInit(vitest) {
      pickedByName = vitest.config.testNamePattern !== undefined;
    },
    onTestRunEnd(modules) {
      if (pickedByName) return;
      const seen = new Map(modules.flatMap(cellsIn));
      const keys = [...seen.keys()];
      const isWhole =
        ways.every(({ label }) => keys.some((key) => key.startsWith(`${label} › `))) &&
        faults.every(({ name }) => keys.some((key) => key.includes(` › ${name} › `)));
      if (!isWhole) return;
      const text = formatFaultMatrix(seen);
      console.log(`\n${text}\n`);
      if (text.includes(NOT_RUN)) process.exitCode = 1;
    },
  };
}

/** What was seen, by `way › fault › phase`. */
export type SeenCells = ReadonlyMap<string, string>;

/** The matrix as text: a column for each way, a row for each fault and phase, a line for each reason. */
export function formatFaultMatrix(seen: SeenCells): string {
  const rows = faults.flatMap((fault) =>
    phases
      .map((phase) => ({ fault, phase, cells: ways.map((way) => cellOf(fault, phase, way)) }))
      .filter(({ cells }) => cells.some((cell) => "results" in cell)),
  );
  const nameWidth = Math.max(...faults.map(({ name }) => name.length)) + 2;
  let last = "";
  const lines = rows.map(({ fault, phase, cells }) => {
    const name = fault.name === last ? "" : fault.name;
    last = fault.name;
    const columns = cells.map((cell, index) => {
      const key = `${ways[index]?.label} › ${fault.name} › ${phase}`;
      return ("reason" in cell ? "·" : (seen.get(key) ?? NOT_RUN)).padEnd(18);
    });
    return `${name.padEnd(nameWidth)}${phase.padEnd(12)}${columns.join("")}`.trimEnd();
  });
  const head = `${"".padEnd(nameWidth + 12)}${ways.map((_, index) => String(index + 1).padEnd(18)).join("")}`;
  return [
    "fault matrix: what a call fails with (code/outcome), + where its rows were there afterwards",
    ...ways.map(({ label }, index) => `  ${index + 1}  ${label}`),
    "",
    head.trimEnd(),
    ...lines,
    "",
    ...reasons(),
  ].join("\n");
}

function cellsIn(module: TestModule): [string, string][] {
  return [...module.children.suites()].flatMap((suite) => {
    const label = suiteName.exec(suite.name)?.[1];
    if (label === undefined) return [];
    return [...suite.children.allTests()].map((test) => [
      `${label} › ${test.parent.type === "suite" ? test.parent.name : ""} › ${test.name}`,
      seenIn(test),
    ]);
  });
}

function seenIn(test: TestCase): string {
  const { fault } = test.meta();
  if (test.result().state !== "passed" || fault === undefined) return `✗ ${test.result().state}`;
  const { result, applied } = fault;
  return `${result.replace("connection/", "conn/")}${applied && result !== "ok" ? " +" : ""}`;
}

/** Each reason once, with where it holds. */
function reasons(): string[] {
  const places = Map.groupBy(absences(), ({ reason }) => reason);
  return [...places].flatMap(([reason, all]) => [
    `· ${reason}:`,
    ...[...Map.groupBy(all, ({ fault }) => fault)].map(([fault, some]) => `    ${fault}: ${where(some)}`),
  ]);
}

interface Absent {
  readonly reason: string;
  readonly fault: string;
  readonly phase: string;
  /** The columns. */
  readonly columns: string;
}

function absences(): Absent[] {
  return faults.flatMap((fault) =>
    phases.flatMap((phase) => {
      const cells = ways.map((way, index) => ({ cell: cellOf(fault, phase, way), column: String(index + 1) }));
      const absent = cells.flatMap(({ cell, column }) => ("reason" in cell ? [{ reason: cell.reason, column }] : []));
      return [...Map.groupBy(absent, ({ reason }) => reason)].map(([reason, some]) => {
        const columns = some.length === ways.length ? "" : ` (${some.map(({ column }) => column).join(" ")})`;
        return { reason, fault: fault.name, phase, columns };
      });
    }),
  );
}

function where(absent: readonly Absent[]): string {
  return [...Map.groupBy(absent, ({ columns }) => columns)]
    .map(([columns, some]) => {
      const names = some.map(({ phase }) => phase);
      return `${names.length === phases.length ? "every phase" : names.join(", ")}${columns}`;
    })
    .join("; ");
}
