import { expect, test } from "vitest";
import { type Contract, formatMatrix, isUnexplainedSkip } from "./contract-matrix.ts";

const contracts: Contract[] = [
  {
    label: "one · direct",
    tests: [
      { aspect: "order", name: "keeps it", state: "passed" },
      { aspect: "abort", name: "ends the wait", state: "failed" },
    ],
  },
  {
    label: "two · direct · workerd",
    tests: [
      { aspect: "order", name: "keeps it", state: "passed" },
      { aspect: "abort", name: "ends the wait", state: "skipped", note: "runs in this process" },
    ],
  },
];

test("the matrix has a line for each driver, a row for each aspect and a line for each skip", () => {
  expect(formatMatrix(contracts).split("\n")).toEqual([
    "driver contract",
    "  1  one · direct            1 passed, 1 failed",
    "  2  two · direct · workerd  1 passed, 1 skipped",
    "",
    "                  1  2",
    "order             ✓  ✓",
    "abort             ✗  –",
    "– two · direct · workerd › abort › ends the wait: runs in this process",
  ]);
});

test("a skip needs a reason that is not blank", () => {
  const skipped = { aspect: "order", name: "keeps it", state: "skipped" } as const;
  expect(isUnexplainedSkip(skipped)).toBe(true);
  expect(isUnexplainedSkip({ ...skipped, note: " " })).toBe(true);
  expect(isUnexplainedSkip({ ...skipped, note: "runs in this process" })).toBe(false);
});
