import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Where the generated module lies, from the root of the repository. */
export const embeddedFile = "src/migrate/embedded.ts";

/**
 * Every folder under `migrations/` that is embedded, with the name it is exported by and its first number. Sets that share a
 * ledger have numbers of their own.
 */
export const migrationSets = [
  { folder: "stores", exportedAs: "storeMigrations", firstId: 1 },
  { folder: "profiles", exportedAs: "profileMigrations", firstId: 1 },
  { folder: "profiles-rls", exportedAs: "profileRlsMigrations", firstId: 1001 },
] as const;

const header = `// Generated from migrations/ by \`npm run generate\`. Do not edit: change the SQL files, then run it again.
// Whole-line comments and blank lines are left out; each checksum is of the file as it is written, with \\n line ends.
`;

/**
 * The text of `src/migrate/embedded.ts` for the SQL files under `<root>/migrations`. Writes nothing.
 *
 * @throws Error when a set has no file, a name is not `NNNN-name.sql`, or the numbers do not go up by one
 */
export function embedMigrations(root: string): string {
  const sets = migrationSets.map(({ folder, exportedAs, firstId }) => {
    const entries = readSet(root, folder, firstId).map(entryText).join("");
    return `\nexport const ${exportedAs}: readonly Migration[] = [\n${entries}];\n`;
  });
  return `${header}import type { Migration } from "./migration.ts";\n${sets.join("")}`;
}

/** Whether the generated module is what the SQL files would give now. */
export function isEmbeddedUpToDate(root: string): boolean {
  const path = join(root, embeddedFile);
  return existsSync(path) && readFileSync(path, "utf8") === embedMigrations(root);
}

/**
 * SQL without blank lines and without lines that are nothing but a `--` comment: they are a third of the compressed
 * size. Lines inside a quoted string are kept as they are, whatever they look like.
 *
 * @throws Error on a block comment: its quotes would have to be read as text, so comments are written with `--`.
 */
export function stripCommentLines(sql: string): string {
  let quote: string | undefined;
  const kept = sql.split("\n").filter((line) => {
    const insideString = quote !== undefined;
    quote = quoteAfter(line, quote);
    return insideString || !/^\s*(--.*)?$/.test(line);
  });
  return kept.length === 0 ? "" : `${kept.join("\n")}\n`;
}

interface SourceFile {
  readonly id: number;
  readonly name: string;
  readonly text: string;
}

function readSet(root: string, folder: string, firstId: number): readonly SourceFile[] {
  const path = join(root, "migrations", folder);
  const names = existsSync(path) ? readdirSync(path).sort() : [];
  if (names.length === 0) throw new Error(`migrations/${folder}: no files; write ${number(firstId)}-name.sql`);
  return names.map((name, index) => {
    const id = firstId + index;
    const match = /^(\d{4})-([a-z0-9]+(?:-[a-z0-9]+)*)\.sql$/.exec(name);
    const file = `migrations/${folder}/${name}`;
    if (!match?.[1] || !match[2]) throw new Error(`${file}: the name must be NNNN-kebab-case.sql`);
    if (Number(match[1]) !== id) {
      throw new Error(`${file}: expected number ${number(id)}; numbers go up by one, without holes`);
    }
    return { id, name: match[2], text: readFileSync(join(path, name), "utf8").replaceAll("\r\n", "\n") };
  });
}

function number(id: number): string {
  return String(id).padStart(4, "0");
}

function entryText({ id, name, text }: SourceFile): string {
  const checksum = createHash("sha256").update(text).digest("hex");
  const sql = JSON.stringify(stripCommentLines(text));
  return `  {\n    id: ${id},\n    name: "${name}",\n    sql: ${sql},\n    checksum: "${checksum}",\n  },\n`;
}

/** The quote that is still open at the end of a line. Dollar quotes hold SQL too, so they need no look. */
function quoteAfter(line: string, open: string | undefined): string | undefined {
  let quote = open;
  for (let at = 0; at < line.length; at += 1) {
    const char = line[at];
    if (quote !== undefined) {
      if (char === quote) quote = undefined;
    } else if (line.startsWith("--", at)) {
      return undefined;
    } else if (line.startsWith("/*", at)) {
      throw new Error("migrations: a block comment was found; write comments with --");
    } else if (char === "'" || char === '"') {
      quote = char;
    }
  }
  return quote;
}

if (import.meta.main) {
  const root = join(import.meta.dirname, "..");
  if (process.argv.includes("--check")) {
    if (!isEmbeddedUpToDate(root)) {
      console.error(`${embeddedFile} is out of date: run \`npm run generate\``);
      process.exitCode = 1;
    }
  } else {
    writeFileSync(join(root, embeddedFile), embedMigrations(root));
    console.log(`${embeddedFile} written`);
  }
}
