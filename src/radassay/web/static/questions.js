// The answer form of each kind of question: buttons that digits reach, and the value they add up to.

const make = (tag, props, ...children) => {
  const element = Object.assign(document.createElement(tag), props);
  element.append(...children);
  return element;
};

/** A group of buttons of which one is pressed; `levels` are words, values count from 1 unless given. */
function group(legend, levels, { keys = (n) => `${n}`, short = false, values, chosen } = {}) {
  const element = make("fieldset", { className: short ? "levels short" : "levels" });
  if (legend) element.append(make("legend", { textContent: legend }));
  const one = { element, value: null };
  const buttons = levels.map((words, n) => {
    const key = keys(n + 1);
    const b = make("button", { type: "button" }, ...(key ? [make("kbd", { textContent: key }), " "] : []), words);
    b.setAttribute("aria-pressed", "false");
    b.onclick = () => one.choose(n + 1);
    element.append(b);
    return b;
  });
  one.size = levels.length;
  one.choose = (n) => {
    if (n < 1 || n > levels.length) return false;
    one.value = values ? values[n - 1] : n;
    buttons.forEach((b, i) => b.setAttribute("aria-pressed", String(i === n - 1)));
    chosen?.();
    return true;
  };
  return one;
}

function realness(task, study) {
  const levels = group("", study.levels.realness);
  return {
    elements: [levels.element], digit: (n) => levels.choose(n), shiftDigit: () => false,
    value: () => levels.value && { level: levels.value }, missing: () => "Choose a level.",
    fill: (v) => levels.choose(v.level),
  };
}

export const LETTERS = ["A", "B", "C", "D"];

function choice(task) {
  const names = task.images.map((_, n) => `Image ${LETTERS[n]}`);
  const one = group("", names, { values: task.images });
  return {
    elements: [one.element], digit: (n) => one.choose(n), shiftDigit: () => false,
    value: () => one.value && { image: one.value }, missing: () => "Choose an image.",
    fill: (v) => one.choose(task.images.indexOf(v.image) + 1),
  };
}

function diagnosis(task, study) {
  const options = group("Diagnosis", task.options, { values: task.options });
  const certainty = group("How certain?", study.levels.certainty, { keys: (n) => `Shift ${n}` });
  return {
    elements: [options.element, certainty.element],
    digit: (n) => options.choose(n), shiftDigit: (n) => certainty.choose(n),
    value: () => options.value && certainty.value && { option: options.value, certainty: certainty.value },
    missing: () => (options.value ? "Say how certain you are." : "Choose a diagnosis."),
    fill: (v) => { options.choose(task.options.indexOf(v.option) + 1); certainty.choose(v.certainty); },
  };
}

function plausibility(task, study, viewer) {
  const places = new Map();
  let current = 0;
  const notes = task.options.map(() => make("p", { className: "place quiet" }));
  const groups = task.options.map((name, n) =>
    group(`${n + 1}. ${name}`, study.levels.plausibility, { short: true, keys: () => "", chosen: () => look(n) }));
  groups.forEach((g, n) => { g.element.append(notes[n]); g.element.addEventListener("focusin", () => look(n)); });
  const needs = (n) => groups[n].value !== null && groups[n].value < 3;
  const tell = () => {
    notes.forEach((note, n) => {
      const at = places.get(n);
      note.textContent = !needs(n) ? "" : at ? `Marked at ${at[0]}, ${at[1]}${viewer.depth > 1 ? `, slice ${at[2] + 1}` : ""}` :
        "Click the place in the image, or go there with the arrow keys and Enter.";
    });
    viewer.marks = [...places].filter(([n]) => needs(n)).map(([n, at]) => ({ at, name: String(n + 1) }));
    viewer.onPlace = needs(current) ? (at) => { places.set(current, at); viewer.cursor = null; tell(); } : null;
    if (!viewer.onPlace) viewer.cursor = null;
    viewer.draw();
  };
  function look(n) {
    current = n;
    groups.forEach((g, i) => g.element.classList.toggle("current", i === n));
    tell();
  }
  return {
    elements: groups.map((g) => g.element),
    digit: (n) => {
      if (n > groups.length) return false;
      look(n - 1);
      groups[n - 1].element.querySelector("button").focus();
      return true;
    },
    shiftDigit: (n) => groups[current].choose(n),
    value: () => groups.every((g, n) => g.value && (!needs(n) || places.has(n))) && {
      structures: Object.fromEntries(task.options.map((name, n) =>
        [name, { level: groups[n].value, place: needs(n) ? places.get(n) : null }])),
    },
    missing: () => {
      const open = groups.findIndex((g, n) => !g.value || (needs(n) && !places.has(n)));
      return groups[open].value ? `Mark the place: ${task.options[open]}.` : `Judge: ${task.options[open]}.`;
    },
    fill: (v) => task.options.forEach((name, n) => {
      if (v.structures[name].place) places.set(n, v.structures[name].place);
      groups[n].choose(v.structures[name].level);
    }),
  };
}

/** The form of a task: elements, digit, shiftDigit, value (null until complete), missing, fill. */
export const formFor = (task, study, viewer) =>
  ({ realness, choice, diagnosis, plausibility })[task.kind](task, study, viewer);
