// Calls to the daemon: one shape of errors, and an id for each call that stands in its log.
export class Refused extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export async function call(method, path, body) {
  const headers = { "X-Correlation-ID": `page-${crypto.randomUUID ? crypto.randomUUID() : Date.now()}` };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch {
    throw new Refused(0, "unreachable", "tradebot does not answer; nothing is known of what was asked");
  }
  const found = await answer.json().catch(() => null);
  if (answer.ok) return found;
  const error = found?.error ?? { code: "error", message: `tradebot answered ${answer.status}` };
  throw new Refused(answer.status, error.code, error.message);
}

export const get = (path) => call("GET", path);
