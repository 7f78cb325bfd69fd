// Requests to the server this page came from; errors as the server words them.

export class Refused extends Error {
  constructor(status, { code, message, possible }) {
    super(possible ? `${message} ${possible}.` : message);
    Object.assign(this, { status, code });
  }
}
/** The network or the server is not there now; trying again later may work. */
export class Unreachable extends Error {}

let form = "";
export const setForm = (value) => { form = value; };

async function answered(address, options) {
  let response;
  try {
    response = await fetch(address, { credentials: "same-origin", cache: "no-store", ...options });
  } catch {
    throw new Unreachable("The server cannot be reached now.");
  }
  if (response.ok) return response;
  let body = null;
  try { body = await response.json(); } catch { /* a proxy's own page */ }
  if (response.status >= 500 || response.status === 429 || !body?.error) throw new Unreachable("The server does not answer now.");
  throw new Refused(response.status, body.error);
}

export const get = async (address) => (await answered(address)).json();
export const getBytes = async (address) => (await answered(address)).arrayBuffer();
export const post = async (address, body) =>
  (await answered(address, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Radassay-Form": form },
    body: JSON.stringify(body),
  })).json();

/** Turn the token behind '#' into a cookie and take it out of the address bar. */
export async function enter() {
  const token = location.hash.slice(1);
  if (!token) return;
  const told = await post("/api/enter", { token });
  setForm(told.form);
  history.replaceState(null, "", location.pathname);
}

/** A random id in the usual form; crypto.randomUUID exists only on secure pages, and hospitals have others. */
export function newId() {
  const b = crypto.getRandomValues(new Uint8Array(16));
  b[6] = (b[6] & 15) | 64;
  b[8] = (b[8] & 63) | 128;
  const hex = [...b].map((v) => v.toString(16).padStart(2, "0")).join("");
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
