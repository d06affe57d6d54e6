/** Runs SQL in the shared session and gives the rows of all its statements. */
export type RunSql = (sql: string) => Promise<readonly (readonly (string | null)[])[]>;

export interface SessionSettings {
  /** At the start of a turn: what this connection has set before becomes the session's. */
  enter(): Promise<void>;
  /** Before statements run: remembers what the session has now, should they change it. */
  watch(statements: readonly string[]): Promise<void>;
  /** At the end of a turn, outside a transaction: puts back what was there before it. */
  leave(): Promise<void>;
}

/**
 * Gives each connection settings of its own in a session that all share: one that runs `set search_path` (pg_dump does)
 * must not move the tables of the others. Seen are SET, RESET and set_config in a client's own statements, not inside of
 * functions, and not settings with a dot in their names, which SHOW ALL leaves out.
 */
export function sessionSettings(run: RunSql): SessionSettings {
  let own: Settings = new Map();
  let outer: Settings | undefined;

  return {
    async enter() {
      if (own.size > 0) {
        outer = await readSettings(run);
        await run(setAll(own));
      }
    },
    async watch(statements) {
      if (outer === undefined && statements.some((sql) => changesSettings.test(sql))) {
        const now = await readSettings(run);
        // A transaction that has failed answers nothing, and changes nothing either.
        outer = now.size > 0 ? now : undefined;
      }
    },
    async leave() {
      if (outer === undefined) {
        return;
      }
      const before = outer;
      outer = undefined;
      own = new Map([...(await readSettings(run))].filter(([name, value]) => before.get(name) !== value));
      if (own.size > 0) {
        await run(setAll(new Map([...own.keys()].map((name) => [name, before.get(name) ?? ""]))));
      }
    },
  };
}

type Settings = ReadonlyMap<string, string>;

const changesSettings = /(?:^|;)\s*(?:set|reset)\b|\bset_config\b/i;

/** These follow from others, or belong to one transaction. */
const derived = /^(?:transaction_|is_superuser$|in_hot_standby$)/;

async function readSettings(run: RunSql): Promise<Settings> {
  // SHOW, since a query would be too early for a SET TRANSACTION that follows. SHOW ALL leaves the role out.
  const rows = await run("show all; show role");
  const settings = rows.map(([name, value, description]): [string, string] =>
    description === undefined ? ["role", name ?? ""] : [name ?? "", value ?? ""],
  );
  return new Map(settings.filter(([name]) => !derived.test(name)));
}

function setAll(settings: Settings): string {
  return `select ${[...settings].map(([name, value]) => `set_config(${literal(name)}, ${literal(value)}, false)`).join()}`;
}

/** An escape string, because what it means does not depend on a setting. */
function literal(text: string): string {
  return `E'${text.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
}
