/** An answer as one line of JSON: the line's end is for people who read it in a terminal. */
export function jsonAnswer(value: unknown, status: number, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(`${JSON.stringify(value)}\n`, {
    status,
    headers: { "content-type": "application/json", ...headers },
  });
}
