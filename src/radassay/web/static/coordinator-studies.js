// The list of the coordinator's studies.

import { $, fill, make, put, stateMark, when } from "./coordinator-table.js";
import { enter, get, setForm } from "./server.js";

function row(one) {
  if (one.state === "unreadable") {
    return make("tr", {}, make("th", { scope: "row" }, one.name), make("td", {}, stateMark(one.state)),
      make("td", { colSpan: 3, className: "words" }, one.problem));
  }
  const [given, asked] = [one.readers.reduce((n, r) => n + r.answered, 0), one.readers.reduce((n, r) => n + r.total, 0)];
  const name = make("th", { scope: "row" }, make("a", { href: `/study?study=${one.study}` }, one.title));
  if (one.title !== one.name) name.append(" ", make("span", { className: "quiet" }, one.name));
  return make("tr", {}, name, make("td", {}, stateMark(one.state)),
    make("td", { className: "number" }, `${one.readers.length} of ${one.planned_readers}${one.pilot ? ", a pilot" : ""}`),
    make("td", { className: "number" }, asked ? `${given} of ${asked}` : "–"), make("td", {}, when(one.at)));
}

async function refresh() {
  try {
    const told = await get("/api/desk/studies");
    setForm(told.form);
    const n = told.studies.length;
    put($("state"), told.job.state === "running" ? "A study is being worked on" : `${n} ${n === 1 ? "study" : "studies"}`);
    $("none").hidden = n > 0;
    $("list").hidden = n === 0;
    fill($("rows"), told.studies, () => told.studies.map(row));
  } catch (error) {
    put($("state"), error.message);
  }
}

try { await enter(); } catch (error) { put($("state"), error.message); }
await refresh();
setInterval(refresh, 5000);
