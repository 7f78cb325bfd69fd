// The coordinator's page: who has read how much, a pause, the answers as CSV.

import { enter, get, post, setForm } from "./server.js";

const $ = (id) => document.getElementById(id);
let paused = false;

function state(r) {
  if (r.withdrawn) return "withdrawn";
  if (r.answered === r.total) return "finished";
  if (r.answered) return "reading";
  return r.consented ? "agreed" : "not opened";
}

function row(r) {
  const line = document.createElement("tr");
  const bar = Object.assign(document.createElement("progress"), { max: r.total, value: r.answered });
  bar.setAttribute("aria-label", `Share read by ${r.reader}`);
  const last = r.last ? new Date(r.last).toLocaleString() : "–";
  for (const [content, kind] of [[r.reader], [state(r)], [`${r.answered} of ${r.total}`, "number"], [bar], [last]]) {
    const cell = document.createElement("td");
    if (kind) cell.className = kind;
    cell.append(content);
    line.append(cell);
  }
  return line;
}

async function refresh() {
  try {
    const told = await get("/api/coordinator/progress");
    setForm(told.form);
    paused = told.paused;
    $("title").textContent = document.title = told.title;
    $("state").textContent = paused ? "Paused: readers get no new case" : "Running";
    $("hold").textContent = paused ? "Resume the study" : "Pause the study";
    $("acts").hidden = false;
    $("rows").replaceChildren(...told.readers.map(row));
  } catch (error) {
    $("state").textContent = error.message;
  }
}

$("hold").onclick = async () => {
  try { await post("/api/coordinator/hold", { paused: !paused }); } catch (error) { $("state").textContent = error.message; return; }
  refresh();
};
try { await enter(); } catch (error) { $("state").textContent = error.message; }
await refresh();
setInterval(refresh, 5000);
