// One study of the coordinator: its plan, links for its readers, their progress, a pause, the answers as CSV.

import { $, fill, make, put, readerCells, readerName, when } from "./coordinator-table.js";
import { enter, get, post, setForm } from "./server.js";

const QUESTIONS = { realness: "A real or synthetic", choice: "B which is real", diagnosis: "C diagnosis", plausibility: "D plausibility" };
const study = new URLSearchParams(location.search).get("study") ?? "";
const address = (part = "") => `/api/desk/studies/${encodeURIComponent(study)}${part}`;
let told = null;

function facts() {
  const rows = [
    ["Plan's hash", make("code", {}, told.hash)], ["Made", when(told.at)], ["Folder", told.name],
    ["Questions", told.questions.map((q) => QUESTIONS[q] ?? q).join(", ")],
    ["Asked of each reader", `${told.items} items`], ["Readers planned", `${told.planned_readers}`],
  ];
  $("facts").replaceChildren(...rows.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
  $("pilot").hidden = !told.pilot;
}

function row(r) {
  const link = r.link_valid ? `until ${when(r.link_ends)}` : "ended";
  const act = (words, run) => make("button", { type: "button", onclick: run, "data-key": `${words} ${r.reader}`, "aria-label": `${words}: ${readerName(r)}` }, words);
  return make("tr", {}, ...readerCells(r), make("td", {}, link), make("td", {}, make("div", { className: "row" },
    act("New link", () => sure(`A new link for ${readerName(r)}?`, "The old link ends at once. Answers stay, and the reader goes on at the same case.", "Make a new link",
      async () => show((await post(address("/renew"), { reader: r.reader, days: Number($("days").value) || 30 })).links))),
    ...(r.link_valid ? [act("Revoke", () => sure(`Revoke the link of ${readerName(r)}?`, "The reader gets no further case. Answers stay; a new link lets the reader back in.", "Revoke",
      async () => { await post(address("/revoke"), { reader: r.reader }); forget(r.reader); }))] : []))));
}

function sure(title, words, yes, act) {
  $("sure-title").textContent = title;
  $("sure-text").textContent = words;
  $("sure-yes").textContent = yes;
  $("sure-yes").onclick = async () => { $("sure").close(); await attempt(act); };
  $("sure").showModal();
}

/** Do something, then look again; errors are told where the state is. */
async function attempt(act) {
  try { await act(); } catch (error) { put($("state"), error.message); return; }
  await refresh();
}

/** Take a link that has ended out of those that are shown. */
function forget(reader) {
  $("links").querySelector(`[data-reader="${CSS.escape(reader)}"]`)?.remove();
  $("shown").hidden = !$("links").children.length;
}

function show(links) {
  const named = (link) => { const known = told.readers.find((r) => r.reader === link.id); return known ? readerName(known) : link.id.slice(0, 8); };
  const lines = links.map((link) => [named(link), link.address, link]);
  $("links").replaceChildren(...lines.map(([name, value, link]) => {
    const field = make("input", { value, readOnly: true, "aria-label": `Link of ${name}`, onfocus: (e) => e.target.select() });
    return make("li", { "data-reader": link.id }, make("span", {}, name), field, make("button", { type: "button", onclick: () => copy(value, `${name}: copied`), "aria-label": `Copy the link of ${name}` }, "Copy"));
  }));
  $("copy-all").onclick = () => copy([...$("links").children].map((line) => `${line.firstChild.textContent}\t${line.querySelector("input").value}`).join("\n"), "All copied");
  put($("copied"), "");
  $("shown").hidden = false;
  $("links-heading").focus();
}

async function copy(words, done) {
  try { await navigator.clipboard.writeText(words); put($("copied"), done); } catch { put($("copied"), "The browser does not allow it: mark the link and copy it"); }
}

const STATES = { planned: "Planned: no links yet", reading: "Reading", paused: "Paused: readers get no new case", done: "All have read" };

async function refresh() {
  try {
    const first = told === null;
    told = await get(address());
    setForm(told.form);
    put($("title"), document.title = told.title);
    put($("state"), STATES[told.state]);
    if (first) { facts(); $("number").value = told.planned_readers - told.readers.length; }
    const left = told.planned_readers - told.readers.length, begun = told.readers.length > 0;
    $("invite").hidden = left < 1;
    $("complete").hidden = left > 0;
    $("number").max = left;
    if (Number($("number").value) > left) $("number").value = left;
    $("nobody").hidden = begun;
    $("begun").hidden = !begun;
    put($("hold"), told.paused ? "Resume the study" : "Pause the study");
    $("csv").href = address("/answers.csv");
    $("problem").hidden = !told.problem;
    put($("problem"), told.problem);
    put($("running"), told.served ? "Readers can open their links now." : "The readers' server is not running; a new link starts it.");
    fill($("rows"), told.readers, () => told.readers.map(row));
  } catch (error) {
    put($("state"), error.message);
  }
}

$("invite").addEventListener("submit", async (e) => {
  e.preventDefault();
  let made = [];
  await attempt(async () => { made = (await post(address("/links"), { number: Number($("number").value), days: Number($("days").value) })).links; });
  if (made.length) show(made);
});
$("hold").onclick = () => attempt(() => post(address("/hold"), { paused: !told.paused }));
try { await enter(); } catch (error) { put($("state"), error.message); }
await refresh();
setInterval(refresh, 5000);
