import { storeMigrations } from "../../migrate/embedded.ts";
import { migrationState } from "../migration-state.ts";
import type { Finding } from "./finding.ts";
import type { Subject } from "./subject.ts";

/** Are the tables of the stores what this version expects? */
export async function migrations({ driver, schema, call }: Subject): Promise<Finding> {
  const state = await migrationState(driver, storeMigrations, { schema }, call);
  const { isThere, applied, missing, altered, ahead } = state;
  const id = "migrations";
  const data = { schema, ...state };
  const total = storeMigrations.length;
  if (altered.length > 0) {
    return {
      id,
      level: "failure",
      found: `${altered.join(", ")}: applied in another form than this version has`,
      change: "use the version that created the schema, or another schema",
      data,
    };
  }
  if (!isThere) {
    return {
      id,
      level: "advice",
      found: `schema ${schema} has no tables yet`,
      change: "the first write creates them; or run onetrip migrate at deployment",
      data,
    };
  }
  if (missing.length > 0) {
    return {
      id,
      level: "warning",
      found: `${applied.length} of ${total} applied; the last ${missing.length} are missing`,
      change: 'run onetrip migrate; with migrate: "auto" the first statement that needs them applies them',
      data,
    };
  }
  const newer = ahead > 0 ? `, and ${ahead} of a newer version` : "";
  return { id, level: "ok", found: `all ${total} applied${newer}`, data };
}
