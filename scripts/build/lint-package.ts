import { publint } from "publint";
import { formatMessage } from "publint/utils";

/** What publint says of the assembled package, suggestions included. */
export async function lintProblems(out: string): Promise<readonly string[]> {
  const { messages, pkg } = await publint({ pkgDir: out, pack: "npm", strict: true, level: "suggestion" });
  return messages.map((message) => `package.json ${formatMessage(message, pkg, { color: false }) ?? message.code}`);
}
