import { filesUnder } from "./files.ts";
import type { Finding } from "./finding.ts";
import { packageOf } from "./imports.ts";
import { impureGlobals, isWithin, nodeOnly, pureConstructors, readonlyCollections } from "./rules.ts";
import { fieldOf, identifierName, isNode, parseFile, type SyntaxNode, stringValue, walk } from "./syntax.ts";

/**
 * What a module may not do where it outlives a request: keep state at module level, or start anything while it loads.
 * For the parts of src that run on every runtime.
 */
export function checkModuleState(root: string): readonly Finding[] {
  return filesUnder(root, "src")
    .filter((path) => path.endsWith(".ts") && !isWithin(path, nodeOnly))
    .flatMap((path) => findingsOf(root, path));
}

const runsLater = new Set(["FunctionDeclaration", "FunctionExpression", "ArrowFunctionExpression"]);

function findingsOf(root: string, path: string): readonly Finding[] {
  const findings: Finding[] = [];
  const file = parseFile(root, path);
  const packages = packageBindings(file.program);
  walk(file.program, (node, parent) => {
    if (runsLater.has(node.type) || (node.type === "PropertyDefinition" && node["static"] !== true)) return "skip";
    const why = refusal(node, parent, packages);
    if (why !== undefined) findings.push({ file: path, line: file.lineOf(node), what: `at module level: ${why}` });
    return undefined;
  });
  return findings;
}

/** Local name → npm package, for everything that a file imports from one. */
type Packages = ReadonlyMap<string, string>;

function refusal(node: SyntaxNode, parent: SyntaxNode | undefined, packages: Packages): string | undefined {
  switch (node.type) {
    case "VariableDeclaration":
      if (node["kind"] !== "let" && node["kind"] !== "var") return undefined;
      return `\`${node["kind"]}\` is state that outlives a request; keep it in what a factory returns`;
    case "AwaitExpression":
      return "`await` waits for something while the module loads";
    case "ArrayExpression":
      return refusalOfEmpty(node["elements"], parent);
    case "ObjectExpression":
      return refusalOfEmpty(node["properties"], parent);
    case "NewExpression":
      return refusalOfNew(calleeName(node), parent);
    case "CallExpression":
      return refusalOfCall(calleeName(node), packages);
    default:
      return undefined;
  }
}

function refusalOfEmpty(parts: unknown, parent: SyntaxNode | undefined): string | undefined {
  if (parent?.type !== "VariableDeclarator" || !Array.isArray(parts) || parts.length > 0) return undefined;
  const type = annotationOf(parent);
  const isReadonly = fieldOf(type, "operator") === "readonly" || /^Readonly/.test(typeNameOf(type) ?? "");
  return isReadonly ? undefined : "what begins empty is there to be filled; if it never changes, type it as readonly";
}

function refusalOfNew(callee: string | undefined, parent: SyntaxNode | undefined): string | undefined {
  if (callee !== undefined && pureConstructors.has(callee)) return undefined;
  const readonlyType = callee === undefined ? undefined : readonlyCollections.get(callee);
  if (readonlyType !== undefined && typeNameOf(annotationOf(parent)) === readonlyType) return undefined;
  const hint = readonlyType === undefined ? "" : `; if it never changes, say so with the type ${readonlyType}`;
  return `\`new ${callee ?? "…"}\` is kept for ever; make it in a factory${hint}`;
}

function refusalOfCall(callee: string | undefined, packages: Packages): string | undefined {
  if (callee === undefined) return undefined;
  if (impureGlobals.has(callee)) return `\`${callee}\` starts something, or differs from run to run`;
  const from = packages.get(callee);
  return from === undefined ? undefined : `\`${callee}\` of ${from} is called while the module loads`;
}

/** The leftmost name of what is called or constructed: `crypto` in `crypto.subtle.digest()`. */
function calleeName(node: SyntaxNode): string | undefined {
  let callee = node["callee"];
  while (isNode(callee) && callee.type === "MemberExpression") {
    callee = identifierName(callee["object"]) === "globalThis" ? callee["property"] : callee["object"];
  }
  return identifierName(callee);
}

function annotationOf(declarator: SyntaxNode | undefined): unknown {
  return fieldOf(fieldOf(fieldOf(declarator, "id"), "typeAnnotation"), "typeAnnotation");
}

function typeNameOf(type: unknown): string | undefined {
  return identifierName(fieldOf(type, "typeName"));
}

function packageBindings(program: SyntaxNode): Packages {
  const bindings = new Map<string, string>();
  walk(program, (node, parent) => {
    const source = stringValue(fieldOf(parent, "source"));
    const name = identifierName(node["local"]);
    if (parent?.type === "ImportDeclaration" && source !== undefined && !source.startsWith(".") && name !== undefined) {
      bindings.set(name, packageOf(source));
    }
    return undefined;
  });
  return bindings;
}
