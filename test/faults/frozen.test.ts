import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Statement } from "../../src/driver.ts";
import { cellsOf, type MatrixCell } from "./cells-of.ts";
import type { Phase } from "./fault.ts";
import { type FrozenDriver, startFrozenDriver } from "./frozen-driver.ts";
import { frozenFaults } from "./frozen-faults.ts";
import { type Ground, layGround } from "./ground.ts";
import { type Gate, insertBehind, insertRow, insertToCommitBehind, withLedger } from "./ledger.ts";
import { possibleRows, rowsIn } from "./possible-rows.ts";
import { ways } from "./ways.ts";

const ledger = withLedger();
const TIMEOUT_MS = 2_000;
const selectOne = { statements: [{ text: "select 1 as one", params: [] }], timeoutMs: 5_000 };

for (const way of ways)
  describe(`fault matrix: ${way.label}`, () => {
    let driver: FrozenDriver;
    beforeAll(async () => {
      driver = await startFrozenDriver();
    });
    afterAll(() => driver.stop());

    for (const fault of frozenFaults) {
      const cells = cellsOf(fault, way);
      if (cells.length === 0) continue;
      describe(fault.name, () => {
        for (const cell of cells) {
          it(cell.phase, async ({ task }) => {
            const id = `${way.label}, ${cell.id}`;
            const ground = await layGround(way, fault, ledger());
            const gate = await ledger().gate();
            try {
              await driver.ask({ open: ground.url, label: way.label, idleTimeoutMs: fault.idleTimeoutMs });
              await driver.ask(selectOne);
              const result = await hit({ ...cell, id }, ground, gate);
              expect(cell.expectation.results).toContain(result);
              await ground.line.restore();
              await gate.open();
              if (cell.phase !== "close") expect(await driver.ask(selectOne)).toBe("ok");
              await driver.ask({ close: true });
              const rows = await ledger().rowsOf(id);
              expect(possibleRows(result, rowsIn(cell.phase)), result).toContain(rows);
              expect(driver.errors()).toBe("");
              task.meta.fault = { result, applied: rows > 0 };
            } finally {
              await gate.open();
              await ground.close();
            }
          });
        }
      });
    }

    async function hit({ id, phase, fault }: MatrixCell, ground: Ground, gate: Gate): Promise<string> {
      const call = { statements: statementsIn(phase, id, gate), timeoutMs: TIMEOUT_MS };
      const underWay = phase === "query" || phase === "batch" || phase === "commit" ? driver.ask(call) : undefined;
      if (underWay) await gate.visitor();
      await driver.freeze();
      await fault.inflict(ground, phase);
      if (fault.idleTimeoutMs) await sleep(fault.idleTimeoutMs + 20);
      if (underWay === undefined && phase === "at once") {
        const answer = driver.ask(call);
        driver.thaw();
        return await answer;
      }
      driver.thaw();
      if (underWay) return await underWay;
      // Its answer comes in a later turn of the event loop than the end of the connection.
      await expect.poll(ground.line.connections, { interval: 5 }).toBe(0);
      const answer = await driver.ask(phase === "close" ? { close: true } : call);
      return phase === "close" ? "closed" : answer;
    }
  });

function statementsIn(phase: Phase, id: string, gate: Gate): readonly Statement[] {
  const [a, b, c] = [`${id}:a`, `${id}:b`, `${id}:c`];
  if (phase === "query") return [insertBehind(gate, a)];
  if (phase === "batch") return [insertRow(a), insertBehind(gate, b), insertRow(c)];
  if (phase === "commit") return [insertRow(a), insertToCommitBehind(gate, b), insertRow(c)];
  return [insertRow(a)];
}
