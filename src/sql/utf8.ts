/** Whether a text takes more than `maxBytes` as UTF-8. */
export function exceedsBytes(text: string, maxBytes: number): boolean {
  if (text.length > maxBytes) return true;
  // At most three bytes of UTF-8 for each UTF-16 unit: counting is left to the few that come near the limit.
  return text.length * 3 > maxBytes && new TextEncoder().encode(text).length > maxBytes;
}
