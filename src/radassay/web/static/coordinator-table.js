// What the coordinator's pages share: elements, the rows of readers, tables that keep the focus when they change.

export const $ = (id) => document.getElementById(id);

/** An element with properties, attributes (those with a dash or named `role`) and children. */
export function make(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name.includes("-") || ["role", "scope", "for"].includes(name)) element.setAttribute(name, value); else element[name] = value;
  }
  element.append(...children);
  return element;
}

export const when = (time) => (time ? new Date(time).toLocaleString([], { dateStyle: "medium", timeStyle: "short" }) : "–");
export const stateMark = (state) => make("span", { className: `state ${state}` }, state);

export function readerState(r) {
  if (r.withdrawn) return "withdrawn";
  if (r.answered === r.total) return "finished";
  if (r.answered) return "reading";
  return r.consented ? "agreed" : "not opened";
}

export const readerName = (r) => `Reader ${r.number}`;

/** The cells that tell how far a reader is. */
export function readerCells(r) {
  const bar = make("progress", { max: r.total, value: r.answered, "aria-label": `Share read by ${readerName(r)}` });
  return [
    make("th", { scope: "row" }, readerName(r), " ", make("code", { className: "quiet" }, r.reader.slice(0, 8))),
    make("td", {}, stateMark(readerState(r))), make("td", { className: "number" }, `${r.answered} of ${r.total}`),
    make("td", {}, bar), make("td", {}, when(r.seen)),
  ];
}

/** Fill a table's body when what it shows has changed; the button that has the focus keeps it. */
export function fill(body, told, rows) {
  const now = JSON.stringify(told);
  if (body.dataset.told === now) return;
  const key = body.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  body.dataset.told = now;
  body.replaceChildren(...rows());
  if (key) body.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus();
}

/** Set words only when they are others, so that screen readers are not told the same twice. */
export function put(element, words) { if (element.textContent !== words) element.textContent = words; }
