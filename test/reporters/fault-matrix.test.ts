import { expect, test } from "vitest";
import { cellOf, phases } from "../faults/fault.ts";
import { faults } from "../faults/faults.ts";
import { ways } from "../faults/ways.ts";
import { formatFaultMatrix } from "./fault-matrix.ts";

test("the matrix shows what was seen, what was not run and why there is no cell", () => {
  const text = formatFaultMatrix(new Map([["pg · direct › TCP reset › connect", "conn/not-sent"]]));
  const row = text.split("\n").find((line) => /^TCP reset +connect/.test(line));
  expect(row?.split(/ {2,}/)).toEqual([
    "TCP reset",
    "connect",
    "conn/not-sent",
    ...Array.from({ length: ways.length - 1 }, () => "not run"),
  ]);
  expect(text).toContain("· there is no backend yet:\n    backend terminated: connect, cold batch");
});

test("every fault has a name of its own and a cell, and every cell that is left out a reason", () => {
  expect(new Set(faults.map(({ name }) => name)).size).toBe(faults.length);
  for (const fault of faults) {
    const cells = phases.flatMap((phase) => ways.map((way) => cellOf(fault, phase, way)));
    expect(cells.some((cell) => "results" in cell)).toBe(true);
    for (const cell of cells) expect("results" in cell ? cell.results.length > 0 : cell.reason.trim()).toBeTruthy();
  }
});
