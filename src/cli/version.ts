import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** The version of this package: of the nearest package.json above, wherever this file was bundled to. */
export function packageVersion(): string {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    const file = join(folder, "package.json");
    if (existsSync(file)) return String((JSON.parse(readFileSync(file, "utf8")) as { version?: unknown }).version);
    if (folder === dirname(folder)) return "unknown";
  }
}
