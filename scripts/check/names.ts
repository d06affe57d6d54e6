import { filesUnder } from "./files.ts";
import type { Finding } from "./finding.ts";
import { emptyName } from "./rules.ts";
import { parseFile, walk } from "./syntax.ts";

/** Names that say nothing: `any` among the types, `utils` and its like among the files and folders. */
export function checkNames(root: string): readonly Finding[] {
  const code = [...filesUnder(root, "src"), ...filesUnder(root, "worker")];
  const all = [...code, ...filesUnder(root, "test"), ...filesUnder(root, "scripts")];
  return [
    ...all.flatMap(emptyNames),
    ...code.filter((file) => file.endsWith(".ts")).flatMap((file) => anys(root, file)),
  ];
}

function emptyNames(file: string): readonly Finding[] {
  return file
    .split("/")
    .map((part) => part.replace(/\..*$/, ""))
    .filter((part) => emptyName.test(part))
    .map((part) => ({ file, what: `"${part}" does not say what is inside; name it for the thing it exports` }));
}

function anys(root: string, path: string): readonly Finding[] {
  const findings: Finding[] = [];
  const file = parseFile(root, path);
  walk(file.program, (node) => {
    if (node.type === "TSAnyKeyword") {
      findings.push({ file: path, line: file.lineOf(node), what: "`any` turns the type checker off; use unknown" });
    }
    return undefined;
  });
  return findings;
}
