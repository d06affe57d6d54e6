/** Where a browser tells of network and visibility: its global object. */
export interface NetworkEvents {
  addEventListener(type: string, listener: () => void): void;
  removeEventListener(type: string, listener: () => void): void;
}

export interface NetworkListener {
  readonly online: () => void;
  readonly offline: () => void;
  /** The page was hidden or came back: what waits is better sent before it is put to sleep, and what is new got after. */
  readonly visibility: () => void;
}

/** Listens where there is something to listen to. Returns what ends it. */
export function onNetworkEvents(source: NetworkEvents | undefined, listener: NetworkListener): () => void {
  if (source === undefined) return () => undefined;
  const pairs = [
    ["online", listener.online],
    ["offline", listener.offline],
    ["visibilitychange", listener.visibility],
  ] as const;
  for (const [type, listen] of pairs) source.addEventListener(type, listen);
  return () => {
    for (const [type, listen] of pairs) source.removeEventListener(type, listen);
  };
}

/** The global object of a browser or a worker of one. Undefined on a server, which has no such events. */
export function globalNetworkEvents(): NetworkEvents | undefined {
  return "navigator" in globalThis && "onLine" in globalThis.navigator ? globalThis : undefined;
}
