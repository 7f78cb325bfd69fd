// The fields of a plan: drawn from what the server says of them, and read back as settings.

import { $, make } from "./coordinator-table.js";

const WORDS = {
  "held-out": "of validation and test patients", test: "of test patients", validation: "of validation patients", any: "all; the generator has seen none of these patients",
  squash: "squashing", pad: "padding", crop: "cropping", 2: "2", 4: "4",
};
const STEPS = new Set(["repeats", "margin", "area", "leak_limit", "trim", "smooth", "slice_mm"]);

function control(field, questions, id, help) {
  const common = { id, "aria-describedby": help };
  switch (field.kind) {
    case "flag": return make("input", { ...common, type: "checkbox", checked: field.default });
    case "number": return make("input", { ...common, type: "number", value: field.default, step: STEPS.has(field.name) ? "any" : 1, required: true });
    case "text": return make("textarea", { ...common, value: field.default, maxLength: 20000 });
    case "one": return make("select", common, ...field.options.map((o) => make("option", { value: o, selected: o === field.default }, WORDS[o] ?? String(o))));
    case "class": return make("select", common);
    case "list": return make("input", { ...common, type: "text", value: field.default.join(", ") });
    case "questions": return several(id, help, questions.map((q) => [q.name, q.label, field.default.includes(q.name)]));
    case "classes": return several(id, help, []);
    default: return make("input", { ...common, type: "text", value: field.default, maxLength: 200 });
  }
}

const several = (id, help, rows) => make("div", { id, className: "several", role: "group", "aria-describedby": help, "aria-labelledby": `${id}-name` }, ...boxes(id, rows));
const boxes = (id, rows) => rows.map(([value, words, checked]) => make("label", {}, make("input", { type: "checkbox", name: id, value, checked }), words));

export class Fields {
  /** Draw all groups into `place`. */
  constructor(place, about) {
    this.fields = about.groups.flatMap((group) => group.fields);
    this.questions = about.questions;
    place.replaceChildren(...about.groups.map((group) => this.#group(group)));
    place.addEventListener("change", () => this.#settle());
    this.#settle();
  }

  #group({ title, folded, fields }) {
    const rows = fields.map((field) => this.#row(field));
    if (folded) return make("details", { className: "group" }, make("summary", {}, title), ...rows);
    return make("fieldset", { className: "group" }, make("legend", {}, title), ...rows);
  }

  #row(field) {
    const id = `f-${field.name}`, help = `${id}-help`;
    const many = ["questions", "classes"].includes(field.kind);
    const name = many ? make("span", { className: "name", id: `${id}-name` }, field.label) : make("label", { htmlFor: id }, field.label);
    return make("div", { className: "field", id: `${id}-row` }, name, control(field, this.questions, id, help), make("p", { className: "help", id: help }, field.help));
  }

  /** Show a field only where one of its questions is asked. */
  #settle() {
    const asked = this.checked("questions");
    for (const field of this.fields) {
      $(`f-${field.name}-row`).hidden = field.questions.length > 0 && !field.questions.some((q) => asked.includes(q));
    }
  }

  checked(name) { return [...document.querySelectorAll(`[name="f-${name}"]:checked`)].map((box) => box.value); }

  /** Offer the classes that both arms have, with numbers of images; all are taken unless somebody takes one away. */
  offer(classes) {
    const left = new Set([...document.querySelectorAll('[name="f-labels"]:not(:checked)')].map((box) => box.value));
    const positive = $("f-positive").value;
    $("f-labels").replaceChildren(...boxes("f-labels", Object.entries(classes).map(([name, n]) => [name, `${name || "without a label"} (${n})`, !left.has(name)])));
    $("f-positive").replaceChildren(make("option", { value: "" }, "choose"), ...Object.keys(classes).map((name) => make("option", { value: name, selected: name === positive }, name)));
  }

  /** The settings as the server takes them; what is hidden keeps its default. */
  settings() {
    const told = {};
    for (const field of this.fields) {
      if ($(`f-${field.name}-row`).hidden) { told[field.name] = field.default; continue; }
      told[field.name] = this.#value(field);
    }
    return told;
  }

  #value({ name, kind, options }) {
    const element = $(`f-${name}`);
    if (kind === "flag") return element.checked;
    if (kind === "number") return element.value === "" ? null : Number(element.value);
    if (kind === "questions") return this.checked(name);
    if (kind === "classes") { const all = document.querySelectorAll(`[name="f-${name}"]`).length, some = this.checked(name); return some.length === all ? [] : some; }
    if (kind === "list") return element.value.split(",").map((part) => part.trim()).filter(Boolean).map((part) => (name === "hu" ? Number(part) : part));
    if (kind === "one") return options.find((o) => String(o) === element.value);
    return element.value.trim();
  }

  /** Put settings back into the form, as after a reload of the page. */
  restore(settings) {
    for (const { name, kind } of this.fields) {
      if (!(name in settings)) continue;
      const element = $(`f-${name}`), value = settings[name];
      if (kind === "flag") element.checked = value;
      else if (kind === "questions" || kind === "classes") {
        if (kind === "classes" && value.length === 0) continue;
        for (const box of document.querySelectorAll(`[name="f-${name}"]`)) box.checked = value.includes(box.value);
      } else element.value = kind === "list" ? value.join(", ") : value ?? "";
    }
    this.#settle();
  }
}
