import { endpointFaults } from "./endpoint-faults.ts";
import type { Fault } from "./fault.ts";
import { frozenFaults } from "./frozen-faults.ts";
import { lineFaults } from "./line-faults.ts";
import { poolerFaults } from "./pooler-faults.ts";
import { serverFaults } from "./server-faults.ts";

/** The rows of the fault matrix that are run in the process of the test. */
export const faultsInProcess: readonly Fault[] = [...serverFaults, ...lineFaults, ...poolerFaults, ...endpointFaults];

/** All rows of the fault matrix. */
export const faults: readonly Fault[] = [...faultsInProcess, ...frozenFaults];
