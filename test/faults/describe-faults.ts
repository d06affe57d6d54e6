import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCell } from "./cell.ts";
import { cellsOf } from "./cells-of.ts";
import { faultsInProcess } from "./faults.ts";
import { withLedger } from "./ledger.ts";
import { possibleRows, rowsIn } from "./possible-rows.ts";
import { type StallMeter, startStallMeter } from "./stall-meter.ts";
import type {} from "./task-meta.ts";
import { wayOf } from "./ways.ts";

/** Every cell of one column of the fault matrix. */
export function describeFaults(label: string): void {
  const way = wayOf(label);
  const ledger = withLedger();
  const claims = new Map<string, { readonly result: string; readonly all: number }>();
  const uncaught: unknown[] = [];
  const keep = (error: unknown) => void uncaught.push(error);
  let stalls: StallMeter;
  let sockets = 0;

  beforeAll(() => {
    stalls = startStallMeter();
    sockets = openSockets();
    process.on("uncaughtException", keep).on("unhandledRejection", keep);
  });
  afterAll(() => {
    stalls.stop();
    process.off("uncaughtException", keep).off("unhandledRejection", keep);
  });

  describe(`fault matrix: ${label}`, () => {
    for (const fault of faultsInProcess) {
      const cells = cellsOf(fault, way);
      if (cells.length === 0) continue;
      describe.concurrent(fault.name, () => {
        for (const cell of cells) {
          it(cell.phase, async ({ task }) => {
            const seen = await runCell(cell, ledger(), stalls);
            claims.set(cell.id, { result: seen.result, all: rowsIn(cell.phase) });
            task.meta.fault = seen;
          });
        }
      });
    }
  });

  describe(`after every fault: ${label}`, () => {
    it("no call that was said to be undone has been applied later, and none by half", async () => {
      for (const [id, { result, all }] of claims) {
        expect(possibleRows(result, all), `${id}: ${result}`).toContain(await ledger().rowsOf(id));
      }
    });

    it("nothing was thrown past the callers", () => {
      expect(uncaught).toEqual([]);
    });

    it("no socket is left", async () => {
      await expect.poll(openSockets, { timeout: 20_000 }).toBeLessThanOrEqual(sockets);
    });
  });
}

function openSockets(): number {
  return process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length;
}
