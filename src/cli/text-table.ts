/**
 * Columns under their names, two blanks apart. Numbers stand to the right. Line breaks in a cell are shown as `⏎`, so that a row
 * stays a line.
 */
export function textTable(columns: readonly string[], rows: readonly (readonly unknown[])[]): readonly string[] {
  const cells = rows.map((row) => row.map(cellText));
  const isRight = columns.map((_, index) => rows.length > 0 && rows.every((row) => isNumeric(row[index])));
  const widths = columns.map((name, index) => Math.max(name.length, ...cells.map((row) => (row[index] ?? "").length)));
  const line = (texts: readonly string[]) =>
    texts
      .map((text, index) => (isRight[index] ? text.padStart(widths[index] ?? 0) : text.padEnd(widths[index] ?? 0)))
      .join("  ")
      .trimEnd();
  return [line(columns), ...cells.map(line)];
}

function cellText(value: unknown): string {
  if (value === null || value === undefined) return "";
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  return text.replace(/\r?\n/g, "⏎");
}

function isNumeric(value: unknown): boolean {
  if (typeof value === "number" || value === null) return true;
  return typeof value === "string" && /^[~≥ ]*-?[\d,.]+$/.test(value);
}
