/** A message of PostgreSQL's protocol, either direction: a letter, a length, a body. */
export function wireMessage(type: string, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body]);
}

export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

/** A string as the protocol writes it: UTF-8 with a zero byte at the end. */
export function cString(value: string): Buffer {
  return Buffer.from(`${value}\0`);
}
