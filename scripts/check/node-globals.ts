import { filesUnder } from "./files.ts";
import type { Finding } from "./finding.ts";
import { isWithin, nodeGlobals, nodeOnly } from "./rules.ts";
import { identifierName, parseFile, type SyntaxNode, stringValue, walk } from "./syntax.ts";

/** Node's globals, in types too, in the parts of src that run on every runtime. */
export function checkNodeGlobals(root: string): readonly Finding[] {
  return filesUnder(root, "src")
    .filter((path) => path.endsWith(".ts") && !isWithin(path, nodeOnly))
    .flatMap((path) => findingsOf(root, path));
}

function findingsOf(root: string, path: string): readonly Finding[] {
  const findings: Finding[] = [];
  const file = parseFile(root, path);
  walk(file.program, (node, parent, field) => {
    const name = globalName(node, parent, field);
    if (name !== undefined && nodeGlobals.has(name)) {
      const what = `names ${name}, which only Node has; use a web standard or take it as an option`;
      findings.push({ file: path, line: file.lineOf(node), what });
    }
    return undefined;
  });
  return findings;
}

/** The free name that a node may stand for: an identifier, or the last part of `globalThis.name`. */
function globalName(node: SyntaxNode, parent?: SyntaxNode, field?: string): string | undefined {
  if (node.type === "MemberExpression" && identifierName(node["object"]) === "globalThis") {
    return identifierName(node["property"]) ?? stringValue(node["property"]);
  }
  return isNameOfSomethingElse(parent, field) ? undefined : identifierName(node);
}

/** Properties, keys and the names inside an import belong to what they are taken from. */
function isNameOfSomethingElse(parent?: SyntaxNode, field?: string): boolean {
  if (field === "property" || field === "key") return parent?.["computed"] !== true;
  return parent?.type === "TSQualifiedName"
    ? field === "right"
    : parent?.type === "ImportSpecifier" || parent?.type === "ExportSpecifier";
}
