import { resolveParameters } from "../../driver/connection-parameters.ts";
import type { CallOptions } from "../../driver.ts";
import { PersistError } from "../../errors.ts";
import { openTransport, transportFor } from "../open-driver.ts";
import type { Finding } from "./finding.ts";
import { lanes } from "./lanes.ts";
import { migrations } from "./migrations.ts";
import { pooler } from "./pooler.ts";
import { poolMode } from "./pooling.ts";
import { preparedStatements } from "./prepared-statements.ts";
import { reachable, unreachable } from "./reachable.ts";
import { role } from "./role.ts";
import { roundTrip } from "./round-trip.ts";
import { server } from "./server.ts";
import { openSession } from "./session.ts";
import { sessionSettings } from "./session-settings.ts";
import { startupParameters } from "./startup-parameters.ts";
import type { Subject, Wire } from "./subject.ts";
import { tls } from "./tls.ts";
import { urlKeys } from "./url-keys.ts";

export interface ExamineOptions extends CallOptions {
  readonly timeoutMs: number;
  readonly schema: string;
  readonly neonEndpoint?: boolean | undefined;
}

export interface Diagnosis {
  /** False when nothing but the lack of a connection could be found. */
  readonly isConnected: boolean;
  readonly findings: readonly Finding[];
}

/**
 * Connects as a handler would and asks one question after the other. Leaves nothing behind.
 *
 * @throws CapabilityError when a package is missing
 * @throws ValidationError when the URL is none
 */
export async function examine(url: string, options: ExamineOptions): Promise<Diagnosis> {
  const { timeoutMs, schema, signal } = options;
  const transport = await transportFor(url, options);
  const driver = await openTransport(url, transport, options);
  const call = { timeoutMs, signal };
  try {
    const startedAt = performance.now();
    try {
      await driver.query({ text: "select 1 as one", params: [] }, call);
    } catch (error) {
      if (signal?.aborted) throw error;
      return { isConnected: false, findings: [unreachable(error)] };
    }
    const first = reachable(performance.now() - startedAt);
    const wire = transport === "tcp" ? await openWire(url, timeoutMs) : undefined;
    const findings = await askAll({ url, transport, driver, schema, call, wire });
    return { isConnected: true, findings: [first, ...findings] };
  } finally {
    await driver.close();
  }
}

async function openWire(url: string, timeoutMs: number): Promise<Wire> {
  const parameters = resolveParameters(url);
  const open = () => openSession(parameters, timeoutMs);
  // What stood in the way of one more connection comes up again, with its reason, in the questions that need some.
  return { parameters, open, mode: await poolMode(open).catch(() => "unclear" as const) };
}

type Question = (subject: Subject) => Promise<Finding | readonly Finding[] | undefined>;

/** By the name of what is asked, for the message when it cannot be answered. */
const questions: Readonly<Record<string, Question>> = {
  server,
  pooler,
  "prepared-statements": preparedStatements,
  "session-settings": sessionSettings,
  "startup-parameters": startupParameters,
  "url-keys": urlKeys,
  tls,
  "round-trip": roundTrip,
  role,
  migrations,
  lanes,
};

async function askAll(subject: Subject): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const [id, ask] of Object.entries(questions)) {
    try {
      findings.push(...[(await ask(subject)) ?? []].flat());
    } catch (error) {
      if (subject.call.signal?.aborted) throw error;
      findings.push(unanswered(id, error));
    }
  }
  return findings;
}

/** One question that fails must not hide the answers to the others. */
function unanswered(id: string, error: unknown): Finding {
  const sqlstate = error instanceof PersistError ? error.sqlstate : undefined;
  const why = error instanceof PersistError ? error.message : "the connection gave no answer";
  const isForbidden = sqlstate === "42501";
  return {
    id,
    level: isForbidden ? "failure" : "warning",
    found: `could not be found out: ${why}`,
    change: isForbidden ? "grant the role what it lacks" : "run it again; --timeout gives it longer",
    data: { sqlstate: sqlstate ?? null },
  };
}
