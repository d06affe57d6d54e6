import type { Reporter, TestCase, TestModule, TestSuite } from "vitest/node";

/** The suites of the driver contract; their names end in ` · workerd` where they run in it. */
const suiteName = /^driver contract: (.+)$/;

/**
 * Prints, after a run, what every driver was seen to do on every server and in every runtime, aspect by aspect, and the
 * reason of every skip. A skip without a reason fails the run, unless tests were picked by name.
 */
export function contractMatrix(): Reporter {
  let pickedByName = false;
  return {
    onInit(vitest) {
      pickedByName = vitest.config.testNamePattern !== undefined;
    },
    onTestRunEnd(modules) {
      const contracts = pickedByName ? [] : modules.flatMap(contractsOf).sort((a, b) => (a.label < b.label ? -1 : 1));
      if (contracts.length === 0) return;
      console.log(`\n${formatMatrix(contracts)}\n`);
      if (contracts.some(({ tests }) => tests.some(isUnexplainedSkip))) process.exitCode = 1;
    },
  };
}

/** One test of the contract and how it went. */
export interface ContractTest {
  readonly aspect: string;
  readonly name: string;
  readonly state: "passed" | "failed" | "skipped";
  /** Why it was skipped. */
  readonly note?: string | undefined;
}

/** The contract as it went for one driver on one server in one runtime. */
export interface Contract {
  readonly label: string;
  readonly tests: readonly ContractTest[];
}

/** The matrix as text: a numbered line for each driver, a row for each aspect, a line for each skip. */
export function formatMatrix(contracts: readonly Contract[]): string {
  const aspects = [...new Set(contracts.flatMap(({ tests }) => tests.map(({ aspect }) => aspect)))];
  const first = Math.max(...contracts.map(({ label }) => label.length), ...aspects.map((aspect) => aspect.length)) + 6;
  const columns = contracts.map((_, index) => String(index + 1).padStart(3)).join("");
  return [
    "driver contract",
    ...contracts.map((contract, index) => {
      const label = `${String(index + 1).padStart(3)}  ${contract.label}`;
      return `${label.padEnd(first)} ${totals(contract.tests)}`;
    }),
    "",
    "".padEnd(16) + columns,
    ...aspects.map((aspect) => aspect.padEnd(16) + contracts.map((contract) => cell(contract, aspect)).join("")),
    ...contracts.flatMap(remarks),
  ].join("\n");
}

/** Whether a test was left out and nobody said why. */
export function isUnexplainedSkip({ state, note }: ContractTest): boolean {
  return state === "skipped" && !note?.trim();
}

function contractsOf(module: TestModule): Contract[] {
  return [...module.children.suites()].flatMap((suite) => {
    const label = suiteName.exec(suite.name)?.[1];
    if (label === undefined) return [];
    return [{ label, tests: [...suite.children.allTests()].map((test) => toContractTest(test, suite)) }];
  });
}

function toContractTest(test: TestCase, contract: TestSuite): ContractTest {
  const suites: TestSuite[] = [];
  for (let parent = test.parent; parent.type === "suite" && parent !== contract; parent = parent.parent) {
    suites.unshift(parent);
  }
  const result = test.result();
  // Vitest skips what comes after a hook that failed; that is no decision of a test.
  const hookFailed = [contract, ...suites].some((suite) => suite.errors().length > 0);
  const hasRun = result.state === "passed" || result.state === "failed";
  return {
    aspect: suites[0]?.name ?? "other",
    name: test.name,
    state: result.state === "passed" || (result.state === "skipped" && !hookFailed) ? result.state : "failed",
    note: hasRun || result.state === "pending" ? undefined : result.note,
  };
}

function totals(tests: readonly ContractTest[]): string {
  return (["passed", "failed", "skipped"] as const)
    .map((state) => ({ state, count: tests.filter((test) => test.state === state).length }))
    .filter(({ state, count }) => state === "passed" || count > 0)
    .map(({ state, count }) => `${count} ${state}`)
    .join(", ");
}

/** The worst of an aspect: failed, then skipped, then passed. */
function cell({ tests }: Contract, aspect: string): string {
  const states = new Set(tests.filter((test) => test.aspect === aspect).map(({ state }) => state));
  if (states.has("failed")) return "  ✗";
  if (states.has("skipped")) return "  –";
  return states.has("passed") ? "  ✓" : "   ";
}

function remarks({ label, tests }: Contract): string[] {
  return tests
    .filter(({ state }) => state === "skipped")
    .map((test) => {
      const reason = isUnexplainedSkip(test) ? "✗ NO REASON GIVEN; call context.skip(reason)" : test.note;
      return `– ${label} › ${test.aspect} › ${test.name}: ${reason}`;
    });
}
