/**
 * A value of Keyv as kv takes it. Without serialization Keyv hands over `{ value, expires }`, with members that are undefined:
 * they are left out.
 */
export function toStorable(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value) || value instanceof Uint8Array) return value;
  const members = Object.entries(value);
  const isEnvelope = members.every(([name]) => name === "value" || name === "expires");
  return isEnvelope ? Object.fromEntries(members.filter(([, member]) => member !== undefined)) : value;
}
