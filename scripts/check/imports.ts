import { identifierName, type SourceFile, type SyntaxNode, stringValue, walk } from "./syntax.ts";

/** One mention of another module: an import, a re-export, `import()`, `import("x").T` or `require()`. */
export interface ImportEdge {
  readonly line: number;
  /** Undefined when the name is computed. */
  readonly specifier: string | undefined;
  readonly kind: "static" | "type" | "dynamic";
}

/** Everything that a file imports, in order. */
export function importEdges(file: SourceFile): readonly ImportEdge[] {
  const edges: ImportEdge[] = [];
  walk(file.program, (node) => {
    const found = edgeOf(node);
    if (found) edges.push({ line: file.lineOf(node), ...found });
    return undefined;
  });
  return edges;
}

/** The package of a specifier: `@scope/name/part` is `@scope/name`. */
export function packageOf(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

function edgeOf(node: SyntaxNode): Omit<ImportEdge, "line"> | undefined {
  switch (node.type) {
    case "ImportDeclaration":
      return { specifier: stringValue(node["source"]), kind: node["importKind"] === "type" ? "type" : "static" };
    case "ExportAllDeclaration":
    case "ExportNamedDeclaration":
      if (!node["source"]) return undefined;
      return { specifier: stringValue(node["source"]), kind: node["exportKind"] === "type" ? "type" : "static" };
    case "ImportExpression":
      return { specifier: stringValue(node["source"]), kind: "dynamic" };
    case "TSImportType":
      return { specifier: stringValue(node["source"]), kind: "type" };
    case "TSExternalModuleReference":
      return { specifier: stringValue(node["expression"]), kind: "static" };
    case "CallExpression": {
      if (identifierName(node["callee"]) !== "require" || !Array.isArray(node["arguments"])) return undefined;
      return { specifier: stringValue(node["arguments"][0]), kind: "static" };
    }
    default:
      return undefined;
  }
}
