// A reader's way through a study: consent, display check, case after case, breaks, the end.

import { placeKey, VIEWER_KEYS, viewerKey } from "./keys.js";
import { drawPattern } from "./pattern.js";
import { formFor, LETTERS } from "./questions.js";
import { Queue } from "./queue.js";
import { enter, get, getBytes, newId, post, Refused, setForm, Unreachable } from "./server.js";
import { Viewer } from "./viewer.js";
import { decode } from "./windowing.js";

const $ = (id) => document.getElementById(id);
const SECTIONS = ["message", "consent", "pattern", "reading"];
let study, viewer, queue, current = null, upcoming = [], done = 0, total = 0, busy = false, rested = false;
const pixels = new Map();

function show(section) {
  for (const name of SECTIONS) $(name).hidden = name !== section;
  if (section !== "reading") document.body.classList.remove("largest");
  attend(section === "reading" ? "question" : `${section}-title`);
}

/** Focus a heading; where the page is scrolled, as on a phone, it begins at its top, with the image in view. */
function attend(heading) {
  $(heading).focus({ preventScroll: true });
  $("main").scrollTop = 0;
}

/** Say something on an otherwise empty page; `again` is done on the button, and by itself after `seconds`. */
function say(title, words, { button, again, seconds } = {}) {
  current = null;
  $("message-title").textContent = title;
  $("message-text").textContent = words;
  $("message-button").hidden = !button;
  $("message-button").textContent = button ?? "";
  clearTimeout(say.timer);
  const go = () => { clearTimeout(say.timer); again(); };
  $("message-button").onclick = go;
  if (seconds) say.timer = setTimeout(go, 1000 * seconds);
  show("message");
}

function failed(error, again) {
  if (error instanceof Unreachable) {
    return say("Waiting for the network", "Your answers are kept on this computer. The page goes on by itself.",
      { button: "Try now", again, seconds: 5 });
  }
  if (!(error instanceof Refused)) throw error;
  if (error.code === "withdrawn") return farewell();
  say("The study cannot be opened", error.message);
}

function farewell() {
  $("withdraw-open").hidden = true;
  $("progress").textContent = $("saved").textContent = "";
  say("You have withdrawn", "Thank you for your time. Your answers are left out. You can close the page.");
}

async function open() {
  try {
    await enter();
    study = await get("/api/study");
  } catch (error) {
    return failed(error, open);
  }
  setForm(study.form);
  document.title = study.title;
  $("title").textContent = study.title;
  $("withdraw-open").hidden = false;
  viewer ??= new Viewer($("viewer"), study);
  queue ??= new Queue(study.reader, (waiting, problem) => {
    $("saved").textContent = waiting ? `${waiting} answer${waiting > 1 ? "s" : ""} kept here, not sent yet` : problem || "All answers saved";
  });
  await queue.send();
  next();
}

function next() {
  const happened = new Set(study.happened);
  if (happened.has("withdrawn")) return farewell();
  if (!happened.has("consent")) {
    $("consent-text").replaceChildren(...study.consent.map((p) => Object.assign(document.createElement("p"), { textContent: p })));
    return show("consent");
  }
  if (!happened.has("display")) { drawPattern($("pattern-canvas")); return show("pattern"); }
  return work();
}

async function happen(kind, detail = {}) {
  try {
    await post("/api/events", { kind, detail });
    study.happened.push(kind);
    return true;
  } catch (error) {
    failed(error, next);
    return false;
  }
}

$("consent-form").addEventListener("submit", async (e) => {
  e.preventDefault();
  const detail = Object.fromEntries([...new FormData(e.target)].map(([k, v]) => [k, String(v)]));
  if (await happen("consent", detail)) next();
});

for (const button of document.querySelectorAll("[data-seen]")) {
  button.addEventListener("click", async () => {
    const both = button.dataset.seen === "both";
    if (!both && (study.display_check === "require" || !$("pattern-text").textContent)) {
      $("pattern-text").textContent = study.display_check === "require"
        ? "This study needs a display that shows both. Raise the brightness, darken the room, or use another display."
        : "Raise the brightness or darken the room and look again. If it stays so, answer once more: it is written down.";
      return;
    }
    const screen = `${window.screen.width}x${window.screen.height} at ${devicePixelRatio}`;
    if (await happen("display", { squares: button.dataset.seen, screen })) next();
  });
}

const load = (task) => Promise.all(task.images.map((image) => {
  if (!pixels.has(image)) {
    const coming = getBytes(`/api/pixels/${image}`).then(decode);
    coming.catch(() => pixels.delete(image));
    pixels.set(image, coming);
  }
  return pixels.get(image);
}));

/** Ask what comes next, unless enough is known to go on without the network. */
async function work() {
  if (!queue.waiting.length) {
    try {
      const told = await get("/api/work");
      ({ done, total } = told);
      upcoming = told.tasks;
      if (told.paused) return say("The study is paused", "The coordinator has paused it. Every answer is saved. This page goes on by itself; you can also close it and come back with your link.", { button: "Look again", again: work, seconds: 15 });
      if (done === total) return finish();
      if (told.break_due && !rested) {
        return say("Time for a break", `You have read for more than ${study.session_minutes} minutes. Every answer is saved: close the page and come back with your link, or rest here and go on.`,
          { button: "Go on", again: async () => { rested = true; if (await happen("break")) work(); } });
      }
      if (!told.break_due) rested = false;
    } catch (error) {
      if (!(error instanceof Unreachable) || !upcoming.length) return failed(error, retry);
    }
  }
  if (!upcoming.length) {
    if (queue.waiting.length) return failed(new Unreachable(""), retry);
    return finish();
  }
  await open_(upcoming[0]);
}

const retry = async () => { await queue.send(); work(); };

function finish() {
  $("progress").textContent = `${total} of ${total}`;
  say("All cases are read", "Thank you. Every answer is saved; you can close the page.");
}

async function open_(task, value = null) {
  let images;
  try { images = await load(task); } catch (error) { return failed(error, retry); }
  show("reading");
  viewer.onPlace = viewer.cursor = null;
  viewer.show(images, task.images.length > 1 ? LETTERS : []);
  $("progress").textContent = `Case ${task.place + 1} of ${total}`;
  $("training").hidden = !task.training;
  $("question").textContent = task.question;
  $("feedback").textContent = $("hint").textContent = "";
  $("back").hidden = !(study.back && task.place > 0);
  const form = formFor(task, study, viewer);
  $("answers").replaceChildren(...form.elements);
  current = { task, form, cannot: false, visible: 0, since: document.hidden ? null : performance.now(), told: false };
  setCannot(false);
  explained(false);
  if (value) { if (value.cannot_judge) setCannot(true); else form.fill(value); }
  attend("question");
  forget();
  for (const ahead of upcoming.slice(1)) load(ahead).catch(() => {});
}

/** Drop pixels that no task at hand needs; a CT stack is 32 MB. */
function forget() {
  const wanted = new Set([current.task, ...upcoming].flatMap((task) => task.images));
  for (const image of pixels.keys()) if (!wanted.has(image)) pixels.delete(image);
}

/** Whether the case at hand is a training case that was answered and explained: nothing can be changed any more. */
function explained(yes) {
  current.told = yes;
  $("save").firstChild.textContent = yes ? "Next case " : "Save and next ";
  $("cannot").hidden = yes;
  for (const b of $("answers").querySelectorAll("button")) b.disabled = yes;
  if (yes) $("save").focus();
}

function setCannot(on) { current.cannot = on; $("cannot").setAttribute("aria-pressed", String(on)); }

function seconds() { return current.visible + (current.since === null ? 0 : (performance.now() - current.since) / 1000); }
document.addEventListener("visibilitychange", () => {
  if (!current) return;
  if (document.hidden) { current.visible = seconds(); current.since = null; } else current.since = performance.now();
});

async function save() {
  if (!current || busy) return;
  const { task, form, told } = current;
  if (told) return work();
  const value = current.cannot ? { cannot_judge: true } : form.value();
  if (!value) { $("hint").textContent = form.missing(); return; }
  busy = true;
  try {
    // An answer keeps its id however often it is sent, so a lost confirmation doubles nothing.
    const sending = queue.add({ id: newId(), item: task.item, value, seen: viewer.seen(seconds()) });
    if (upcoming[0]?.item === task.item) upcoming = upcoming.slice(1);
    const result = await sending;
    if (task.training && result?.feedback) {
      explained(true);
      $("feedback").textContent = result.feedback;
      return;
    }
    await work();
  } finally { busy = false; }
}

async function goBack() {
  if (!current || busy || current.task.place === 0) return;
  try {
    const task = await get(`/api/given/${current.task.place - 1}`);
    await open_(task, task.value);
  } catch (error) {
    if (error instanceof Refused) $("hint").textContent = error.message; else failed(error, retry);
  }
}

$("save").onclick = save;
$("cannot").onclick = () => setCannot(!current.cannot);
$("answers").addEventListener("click", () => { if (current?.cannot) setCannot(false); });
$("back").onclick = goBack;
$("help-open").onclick = () => $("help").showModal();
$("withdraw-open").onclick = () => $("withdraw").showModal();
$("withdraw-yes").onclick = async () => { if (await happen("withdrawn")) { $("withdraw").close(); next(); } };

const remembered = (() => { try { return localStorage.getItem("radassay.keys") !== "off"; } catch { return true; } })();
$("keys-on").checked = remembered;
$("keys-on").onchange = () => { try { localStorage.setItem("radassay.keys", $("keys-on").checked ? "on" : "off"); } catch { /* kept for this page */ } };

function keyList() {
  const rows = [...VIEWER_KEYS, ...(study?.presets ?? []).map((p) => [p.key, `window ${p.name} (${Math.round(p.width)}/${Math.round(p.center)})`])];
  $("viewer-keys").replaceChildren(...rows.flatMap(([key, words]) => [
    Object.assign(document.createElement("dt"), { textContent: key }), Object.assign(document.createElement("dd"), { textContent: words })]));
}
$("help").addEventListener("toggle", keyList);
keyList();

function answerKey(e) {
  const digit = /^Digit([0-9])$/.exec(e.code) ?? /^Numpad([0-9])$/.exec(e.code);
  if (digit && current.told) return true;
  if (digit) {
    if (digit[1] === "0") { setCannot(!current.cannot); return true; }
    const used = e.shiftKey ? current.form.shiftDigit(+digit[1]) : current.form.digit(+digit[1]);
    if (used) setCannot(false);
    return used;
  }
  // A focused button keeps its Enter, except those that Enter would only press again.
  if (e.key !== "Enter" || e.target.closest(".tools, .bar, #cannot, #back, #save")) return false;
  save();
  return true;
}

document.addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey || document.querySelector("dialog[open]")) return;
  if (e.target.closest("input, select, textarea")) return;
  const plain = e.key.length === 1;
  if (plain && !$("keys-on").checked) return;
  if (e.key === "?") { $("help").showModal(); e.preventDefault(); return; }
  if (!current || $("reading").hidden) return;
  if (placeKey(viewer, e) || answerKey(e) || viewerKey(viewer, e)) e.preventDefault();
});

// For measuring and for tests of the page; it holds nothing that the page does not show.
window.radassay = { get viewer() { return viewer; } };
open();
