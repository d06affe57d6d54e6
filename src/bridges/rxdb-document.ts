/** A document as RxDB's replication hands it over and takes it: with `_deleted`, without a revision. */
export type RxdbDocument = Readonly<Record<string, unknown>> & { readonly _deleted: boolean };

/** How documents are called on both sides. */
export interface DocumentNames {
  /** The member that holds the primary key. */
  readonly primaryPath: string;
  /** What the keys of the records begin with. */
  readonly prefix: string;
}

export function keyOf(document: RxdbDocument, { primaryPath, prefix }: DocumentNames): string {
  return prefix + String(document[primaryPath]);
}

/** What is stored of a document. */
export function toValue(document: RxdbDocument): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(document).filter(([name]) => !membersOfRxdb.has(name)));
}

/** The record as a document. Undefined when its value is no object. */
export function toDocument(key: string, value: unknown, names: DocumentNames): RxdbDocument | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return { ...value, [names.primaryPath]: key.slice(names.prefix.length), _deleted: false };
}

/** A deleted document keeps its members: a schema that requires them holds for it too. */
export function asDeleted(document: Readonly<Record<string, unknown>>): RxdbDocument {
  return { ...document, _deleted: true };
}

const membersOfRxdb: ReadonlySet<string> = new Set(["_attachments", "_deleted", "_meta", "_rev"]);
