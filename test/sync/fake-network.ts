import type { NetworkEvents } from "../../src/sync/network-events.ts";

/** A browser's global object, without a browser. */
export function fakeNetwork(): NetworkEvents & { fire(type: string): void; readonly listeners: number } {
  const target = new EventTarget();
  const listeners = new Set<() => void>();
  return {
    addEventListener(type, listener) {
      listeners.add(listener);
      target.addEventListener(type, listener);
    },
    removeEventListener(type, listener) {
      listeners.delete(listener);
      target.removeEventListener(type, listener);
    },
    fire: (type) => void target.dispatchEvent(new Event(type)),
    get listeners() {
      return listeners.size;
    },
  };
}
