// Making a study: choose images, fill in the plan, see what it would show, make it.

import { Fields } from "./coordinator-fields.js";
import { $, make, put } from "./coordinator-table.js";
import { enter, get, post, setForm } from "./server.js";

const KEPT = "radassay.desk.draft";
const LOOK = 500;
let about, fields, checked = null, checkedAs = "";

const chosen = () => ($("from-run").checked ? { real: $("run").value } : { real: $("real").value, synthetic: $("synthetic").value });
const request = () => ({ ...fields.settings(), ...chosen() });
const source = (id) => about.sources.find((one) => one.source === id);

function words(one) {
  const origin = one.origins?.length ? `, ${one.origins.join(" and ")}` : "";
  return one.run ? one.name : `${one.name} (${one.images} images${origin})`;
}

function fillSources() {
  const [runs, sets] = [about.sources.filter((s) => s.run), about.sources.filter((s) => !s.run)];
  const options = (list) => list.map((one) => make("option", { value: one.source }, words(one)));
  $("run").replaceChildren(...options(runs));
  const made = (one) => one.origins.some((o) => o !== "acquired");
  $("real").replaceChildren(...options([...sets].sort((a, b) => made(a) - made(b))));
  $("synthetic").replaceChildren(...options([...sets].sort((a, b) => made(b) - made(a))));
  $("from-run").disabled = runs.length === 0;
  $("from-sets").disabled = sets.length < 2;
  (runs.length ? $("from-run") : $("from-sets")).checked = true;
  if (!runs.length && sets.length < 2) put($("state"), "There is no finished run and there are no two image sets in the folders of the desk");
}

/** Show what fits the source: its fields, its classes, whether it has splits. */
function settleSources() {
  const run = $("from-run").checked, { real, synthetic } = chosen();
  $("run-field").hidden = !run;
  $("real-field").hidden = $("synthetic-field").hidden = run;
  const one = source(real), other = source(synthetic);
  if (!one) return;
  const there = run ? one.classes : Object.fromEntries(Object.entries(one.classes).filter(([name]) => !other || name in other.classes));
  fields.offer(there);
}

function keep() { try { sessionStorage.setItem(KEPT, JSON.stringify({ settings: fields.settings(), ...chosen() })); } catch { /* the form is then lost with the page */ } }

function restore() {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEPT));
    if (!kept) return;
    const one = source(kept.real);
    if (one) { (one.run ? $("from-run") : $("from-sets")).checked = true; $(one.run ? "run" : "real").value = kept.real; }
    if (source(kept.synthetic)) $("synthetic").value = kept.synthetic;
    settleSources();
    fields.restore(kept.settings);
  } catch { /* an older draft */ }
}

function showFacts({ cases, power, pilot, readers }) {
  const parts = [];
  if (pilot) parts.push(make("div", { className: "box warn" }, make("p", {}, make("strong", {}, "This is a pilot."), ` ${readers} ${readers === 1 ? "reader" : "readers"}: with fewer than ${about.enough_readers}, nothing can be said of other readers.`)));
  if (cases) {
    const cell = ({ there, taken }) => make("td", { className: "number" }, `${taken} of ${there}`, ...(taken > there ? [" ", make("strong", {}, "too few")] : []));
    parts.push(make("h3", {}, "Cases"), make("table", {}, make("thead", {}, make("tr", {}, ...["Class", "Real", "Synthetic"].map((h, n) => make("th", { scope: "col", className: n ? "number" : "" }, h)))),
      make("tbody", {}, ...cases.map((c) => make("tr", {}, make("th", { scope: "row" }, c.class), cell(c.real), cell(c.synthetic))))),
    make("p", { className: "quiet" }, "Read, of how many different ones there are. Training and broken images come on top."));
  }
  if (power) parts.push(make("h3", {}, "What it could show"), make("ul", {}, ...power.map((line) => make("li", {}, line))), make("p", { className: "quiet" }, "Studies are usually planned for 80 % or more; more readers and more cases both help."));
  $("facts").replaceChildren(...parts);
}

const either = (words) => words.join(", ").replace(/, ([^,]*)$/, " and $1");

function leakTable(leaks) {
  const row = ({ by, auc, interval, above }) => make("tr", {}, make("th", { scope: "row" }, by), make("td", { className: "number" }, auc),
    make("td", {}, interval, ...(above ? [" ", make("strong", {}, "above")] : [])));
  return make("table", {}, make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "By"), make("th", { scope: "col", className: "number" }, "AUC"), make("th", { scope: "col" }, "95 % interval"))),
    make("tbody", {}, ...leaks.map(row)));
}

function showOutcome(told) {
  const tests = [make("h3", {}, "Can anything but the anatomy tell the arms apart?")];
  if (told.leaks.some((leak) => !leak.auc)) tests.push(make("p", { className: "box warn" }, "Not tested: the study can be made, but nobody knows whether something else than the anatomy tells the arms apart."));
  else if (!told.tells.length) tests.push(make("p", { className: "box good" }, `No: no lower limit lies above ${told.limit}.`));
  else if (told.blind) tests.push(make("p", { className: "box warn" }, `Accepted, and told with every result: ${told.override}`));
  else tests.push(make("div", { className: "box warn", role: "alert" },
    make("p", {}, make("strong", {}, "This study is refused.")),
    make("p", {}, `Real and synthetic images can be told apart by ${either(told.tells)}, so readers would judge how images were stored.`),
    make("p", {}, "What to do: tick “Change both arms alike” and check again; or prepare both sets alike and import them anew; or plan more cases, with which chance goes away and a leak does not; or, where the difference is the generator’s own and readers shall judge it, give a reason to accept it.")));
  tests.push(leakTable(told.leaks), ...told.rounds.map((round) => make("p", { className: "quiet" }, `${round}.`)));
  const facts = make("dl", { className: "facts" }, ...[["Asked of each reader", `${told.items} items`], ["Shown", told.shown], ["Plan's hash", make("code", {}, told.hash)]]
    .flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
  $("outcome").replaceChildren(...tests, make("h3", {}, "The study"), facts);
  if (!told.blind) openGroupOf("override");
}

function openGroupOf(name) { const group = $(`f-${name}`).closest("details"); if (group) group.open = true; }

function showRefusal({ title = "This study is refused.", what, got, possible }) {
  $("refused").replaceChildren(make("p", {}, make("strong", {}, title)), make("p", {}, got ? `${what} Got: ${got}.` : what),
    ...(possible ? [make("p", {}, `What to do: ${possible}.`)] : []));
  $("refused").hidden = false;
}

function clear() {
  checked = null;
  $("not-yet").hidden = true;
  for (const id of ["refused", "changed", "make-row"]) $(id).hidden = true;
  $("facts").replaceChildren();
  $("outcome").replaceChildren();
}

function settle() {
  const same = checked && JSON.stringify(request()) === checkedAs;
  $("changed").hidden = !checked || same;
  $("make-row").hidden = !(checked?.check && same);
}

/** Begin a piece of work and follow it to its end. */
async function follow(begin, ended) {
  for (const id of ["check", "make"]) $(id).disabled = true;
  $("work").hidden = false;
  try {
    let job = await begin();
    while (job.state === "running") {
      put($("step"), job.of ? `${job.step} (step ${Math.min(job.done + 1, job.of)} of ${job.of})` : job.step);
      $("bar").max = job.of || 1;
      $("bar").value = job.done;
      if (job.kind === "check") showFacts(job.facts);
      await new Promise((done) => setTimeout(done, LOOK));
      job = await get("/api/desk/job");
    }
    if (job.kind === "check") showFacts(job.facts);
    if (job.state === "refused") showRefusal(job.refusal);
    else if (job.state === "failed") showRefusal({ title: "Nothing was made.", what: "The work ended without a result.", possible: "The terminal in which the desk was started says why" });
    else if (job.state === "stopped") showRefusal({ title: "Nothing was made.", what: "It was stopped.", possible: "Check the study again" });
    else await ended(job.result);
  } catch (error) {
    showRefusal({ title: "Nothing was made.", what: error.message });
  } finally {
    $("work").hidden = true;
    // Below the form, what was found has only now grown long enough to be scrolled to.
    if (!matchMedia("(min-width: 1150px)").matches) $("found").scrollIntoView({ block: "start" });
    for (const id of ["check", "make"]) $(id).disabled = false;
  }
}

$("form").addEventListener("submit", async (e) => {
  e.preventDefault();
  clear();
  keep();
  checkedAs = JSON.stringify(request());
  $("found-heading").focus();
  put($("state"), "Checking");
  await follow(() => post("/api/desk/check", { settings: request() }), (result) => { checked = result; showOutcome(result); settle(); });
  put($("state"), checked?.check ? "Checked: it can be made" : "Checked: it cannot be made");
});
$("form").addEventListener("input", () => { keep(); settle(); });
$("form").addEventListener("change", (e) => { if (e.target.closest("#run, #real, #synthetic, [name=from]")) settleSources(); keep(); settle(); });
$("stop").onclick = () => post("/api/desk/job/stop", {}).catch((error) => showRefusal({ what: error.message }));
$("make").onclick = async () => {
  put($("state"), "Making the study");
  await follow(() => post("/api/desk/make", { check: checked.check }), leave);
};

function leave(result) {
  try { sessionStorage.removeItem(KEPT); } catch { /* nothing was kept */ }
  location.assign(`/study?study=${result.study}`);
}

/** After a reload: go on looking at what is under way. */
async function resume() {
  const job = await get("/api/desk/job");
  if (job.state !== "running") return;
  clear();
  await follow(() => job, job.kind === "make" ? leave : (result) => { checked = result; showOutcome(result); settle(); });
}

try {
  await enter();
  about = await get("/api/desk/form?again");
  setForm(about.form);
  fields = new Fields($("groups"), about);
  put($("state"), "Fill in the form, then check the study");
  fillSources();
  settleSources();
  restore();
  $("form").hidden = $("found").hidden = false;
  await resume();
} catch (error) {
  put($("state"), error.message);
}
