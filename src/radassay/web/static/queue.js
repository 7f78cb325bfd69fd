// Answers that the server has not confirmed yet: kept on this computer, sent in order until they are.

import { post, Refused } from "./server.js";

export class Queue {
  /** `told(waiting, problem)` is called whenever the number of waiting answers changes. */
  constructor(reader, told) {
    this.key = `radassay.answers.${reader}`;
    this.told = told;
    this.waiting = this.#load();
    this.results = new Map();
    addEventListener("online", () => this.send());
    setInterval(() => { if (this.waiting.length) this.send(); }, 4000);
  }

  #load() {
    try { return JSON.parse(localStorage.getItem(this.key)) ?? []; } catch { return []; }
  }
  #keep() {
    try { localStorage.setItem(this.key, JSON.stringify(this.waiting)); } catch { /* storage is off: memory must do */ }
    this.told(this.waiting.length, this.problem ?? "");
  }

  /** Keep an answer and try to send it; resolves to what the server said, or to null while it cannot be reached. */
  async add(answer) {
    this.waiting.push(answer);
    this.#keep();
    await this.send();
    const result = this.results.get(answer.id) ?? null;
    this.results.delete(answer.id);
    return result;
  }

  /** Send what waits, in order. One sender at a time. */
  send() {
    this.sending ??= this.#send().finally(() => { this.sending = null; });
    return this.sending;
  }

  async #send() {
    while (this.waiting.length) {
      const answer = this.waiting[0];
      try {
        this.results.set(answer.id, await post("/api/answers", answer));
        this.problem = "";
      } catch (error) {
        // The server has said no for good: keep what was given for a person to look at, and go on.
        const final = error instanceof Refused && [404, 409, 422].includes(error.status);
        this.problem = error.message;
        if (!final) { this.#keep(); return; }
        this.results.set(answer.id, { refused: error.code });
        try { localStorage.setItem(`${this.key}.refused.${answer.id}`, JSON.stringify(answer)); } catch { /* as above */ }
      }
      this.waiting.shift();
      this.#keep();
    }
  }
}
