import type { Finding } from "./finding.ts";
import { refusesStartup } from "./startup-refusal.ts";
import type { Subject } from "./subject.ts";

/** Which startup parameters are refused? onetrip sends none but application_name. */
export async function startupParameters({ wire, call }: Subject): Promise<Finding | undefined> {
  if (wire === undefined) return undefined;
  const refused: string[] = [];
  for (const candidate of candidates) {
    if (await refusesStartup(wire.parameters, candidate, call.timeoutMs)) refused.push(candidate[0]);
  }
  const data = { refused };
  if (refused.length === 0) return { id: "startup-parameters", level: "ok", found: "none is refused", data };
  return {
    id: "startup-parameters",
    level: "advice",
    found: `${refused.join(", ")}: refused; onetrip sends none of them`,
    change: "other clients must leave them out; set them for the role instead: alter role … set statement_timeout = …",
    data,
  };
}

/** Those that clients send on their own, or because somebody put them into a URL. */
const candidates: readonly (readonly [name: string, value: string])[] = [
  ["options", "-c statement_timeout=60000"],
  ["statement_timeout", "60000"],
  ["search_path", "public"],
  ["extra_float_digits", "3"],
];
