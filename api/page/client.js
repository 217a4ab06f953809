// Talks to /v1. The key lives in this tab's session storage; it is never part of an address.

const KEY = "taglake-key";

export class Problem extends Error {
  constructor(problem) {
    super(problem.detail ?? problem.title);
    this.problem = problem;
  }
}

export const key = {
  get: () => sessionStorage.getItem(KEY),
  set: (text) => sessionStorage.setItem(KEY, text),
  forget: () => sessionStorage.removeItem(KEY),
};

export async function ask(path, { method = "GET", body, headers = {} } = {}) {
  const answer = await request(path, { method, body, headers });
  return answer.status === 204 ? null : answer.json();
}

export async function file(path) {
  return (await request(path, {})).blob();
}

async function request(path, { method = "GET", body, headers = {} }) {
  const all = { Authorization: `Bearer ${key.get()}`, ...headers };
  if (body !== undefined) all["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(path, { method, headers: all, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch {
    throw new Problem({ title: "No answer", detail: "The service cannot be reached. Check the connection, then try again.", status: 0 });
  }
  if (!answer.ok) throw new Problem(await told(answer));
  return answer;
}

async function told(answer) {
  try {
    const problem = await answer.json();
    if (problem.title) return problem;
  } catch { /* a proxy answered in its own words: ours below are better than none */ }
  return { title: "Not answered", detail: "The service is busy or being restarted. Try again in a minute.", status: answer.status };
}

export function once() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export async function save(path, name) {
  const address = URL.createObjectURL(await file(path));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
