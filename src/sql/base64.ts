/** Bytes that JSON cannot hold, as text of RFC 4648 and back. `Buffer` is not everywhere. */
export function toBase64(bytes: Uint8Array): string {
  let binary = "";
  // In pieces: an argument list of a whole value would overflow the stack.
  for (let start = 0; start < bytes.length; start += PIECE) {
    binary += String.fromCharCode(...bytes.subarray(start, start + PIECE));
  }
  return btoa(binary);
}

export function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

const PIECE = 8192;
