import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAst } from "vitest/node";

/** A node of the ESTree that the parser gives, TypeScript's own nodes (`TS…`) included. */
export interface SyntaxNode {
  readonly type: string;
  /** Offset of the first character. */
  readonly start: number;
  readonly [field: string]: unknown;
}

/** One parsed TypeScript file. */
export interface SourceFile {
  /** From the root of the repository. */
  readonly path: string;
  readonly program: SyntaxNode;
  /** The line, from 1, on which a node begins. */
  lineOf(node: SyntaxNode): number;
}

/** Parses a TypeScript file. @throws the parser's error when the text is not TypeScript. */
export function parseFile(root: string, path: string): SourceFile {
  const text = readFileSync(join(root, path), "utf8");
  const program: unknown = parseAst(text, { lang: path.endsWith("x") ? "tsx" : "ts" }, path);
  if (!isNode(program)) throw new Error(`${path}: the parser gave no syntax tree`);
  return { path, program, lineOf: (node) => text.slice(0, node.start).split("\n").length };
}

/** Calls `visit` for a node and all below it, parents first, with the parent and the field that holds the node. */
export function walk(node: SyntaxNode, visit: Visitor, parent?: SyntaxNode, field?: string): void {
  if (visit(node, parent, field) === "skip") return;
  for (const [name, value] of Object.entries(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (isNode(child)) walk(child, visit, node, name);
    }
  }
}

/** Answering `"skip"` leaves out what is below the node. */
export type Visitor = (node: SyntaxNode, parent?: SyntaxNode, field?: string) => "skip" | undefined;

export function isNode(value: unknown): value is SyntaxNode {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}

/** A field of a node; undefined when it is no node. */
export function fieldOf(node: unknown, name: string): unknown {
  return isNode(node) ? node[name] : undefined;
}

/** The value of a string literal; else undefined. */
export function stringValue(node: unknown): string | undefined {
  if (!isNode(node)) return undefined;
  if (node.type === "Literal" && typeof node["value"] === "string") return node["value"];
  return node.type === "TSLiteralType" ? stringValue(node["literal"]) : undefined;
}

/** The name of an identifier; else undefined. */
export function identifierName(node: unknown): string | undefined {
  return isNode(node) && node.type === "Identifier" && typeof node["name"] === "string" ? node["name"] : undefined;
}
