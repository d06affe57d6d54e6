import { cellOf, type Expectation, type Fault, type Phase, phases } from "./fault.ts";
import type { Way } from "./ways.ts";

/** A cell of the matrix that can be run. */
export interface MatrixCell {
  /** Of no other cell of the way. */
  readonly id: string;
  readonly way: Way;
  readonly fault: Fault;
  readonly phase: Phase;
  readonly expectation: Expectation;
}

/** The cells of a fault on a way, in the order of the phases. */
export function cellsOf(fault: Fault, way: Way): readonly MatrixCell[] {
  return phases.flatMap((phase) => {
    const expectation = cellOf(fault, phase, way);
    return "reason" in expectation ? [] : [{ id: `${fault.name}, ${phase}`, way, fault, phase, expectation }];
  });
}
