import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assemble } from "../build/assemble.ts";
import { packageProblems } from "../build/verify.ts";

/** Assembles the package in a temporary folder and judges it there: a quick `npm run build`. One line per problem. */
export async function packagingProblems(root: string): Promise<readonly string[]> {
  const out = mkdtempSync(join(tmpdir(), "onetrip-package-"));
  try {
    await assemble(root, out);
    return await packageProblems(root, out);
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}
