// Runs in the reader's browser: colours a text by which of two models was less surprised, a page of tokens at a time.
import { element } from "./axis.js";

/** Nats from which each of the four strengths of colour begins. */
const STEPS = [0.1, 0.5, 1, 2];

const strength = (difference) => STEPS.filter((step) => Math.abs(difference) >= step).length;

/** The class of a token: a or b for the less surprised model, and how much. */
function toneOf(difference) {
  const level = strength(difference);
  return level === 0 ? "" : `${difference < 0 ? "a" : "b"}${level}`;
}

const nats = (value) => value.toFixed(2).replace("-", "−");

class Reader {
  constructor(place, data) {
    this.data = data;
    this.page = 0;
    this.current = 0;
    const [a, b] = place.querySelectorAll("select.model");
    this.kinds = place.querySelector("select.kinds");
    this.text = place.querySelector(".text");
    this.readout = place.querySelector(".readout");
    this.where = place.querySelector(".pages span");
    this.summary = place.querySelector(".summary");
    this.models = [a, b];
    for (const [i, select] of this.models.entries()) {
      data.models.forEach(({ name }, m) => select.append(new Option(name, String(m), false, m === i)));
      select.addEventListener("change", () => this.draw());
    }
    this.kinds.append(new Option("all tokens", ""));
    data.groups.forEach(({ title, kinds }, g) =>
      kinds.forEach((kind, k) => this.kinds.append(new Option(`${title}: ${kind}`, `${g} ${k}`)))
    );
    this.kinds.addEventListener("change", () => this.draw());
    const [back, on] = place.querySelectorAll(".pages button");
    back.addEventListener("click", () => this.turn(-1));
    on.addEventListener("click", () => this.turn(1));
    this.buttons = [back, on];
    this.text.addEventListener("keydown", (event) => this.key(event));
    this.text.addEventListener(
      "pointerover",
      ({ target }) => target.dataset.token && this.show(Number(target.dataset.token)),
    );
    this.draw();
  }

  get pages() {
    return Math.ceil(this.data.tokens.length / this.data.perPage);
  }

  /** First and last but one token of the page. */
  get range() {
    const { perPage, tokens } = this.data, first = this.page * perPage;
    return [first, Math.min(tokens.length, first + perPage)];
  }

  difference(token) {
    const [a, b] = this.models.map(({ value }) => this.data.models[Number(value)].nats[token]);
    return a - b;
  }

  isShown(token) {
    if (this.kinds.value === "") return true;
    const [group, kind] = this.kinds.value.split(" ").map(Number);
    return Number(this.data.groups[group].codes[token]) === kind;
  }

  turn(by) {
    this.page = Math.min(this.pages - 1, Math.max(0, this.page + by));
    this.draw();
    this.text.focus();
  }

  draw() {
    const [first, end] = this.range, nodes = [];
    for (let token = first; token < end; token++) {
      const node = element(
        "span",
        `${toneOf(this.difference(token))}${this.isShown(token) ? "" : " dim"}`,
        this.data.tokens[token],
      );
      node.dataset.token = String(token);
      nodes.push(node);
    }
    this.text.replaceChildren(...nodes);
    this.where.textContent = `page ${this.page + 1} of ${this.pages}`;
    this.buttons[0].disabled = this.page === 0;
    this.buttons[1].disabled = this.page === this.pages - 1;
    this.summary.textContent = this.inWords();
    this.show(first);
  }

  inWords() {
    const { tokens, models } = this.data, [a, b] = this.models.map(({ value }) => models[Number(value)].name);
    let lower = 0, count = 0, sum = 0;
    for (let token = 0; token < tokens.length; token++) {
      if (!this.isShown(token)) continue;
      const difference = this.difference(token);
      count++;
      sum += difference;
      if (difference < 0) lower++;
    }
    const share = (100 * lower / Math.max(1, count)).toFixed(1);
    return `${count} tokens: ${a} was less surprised by ${share} % of them; ${a} − ${b} is ${
      nats(sum / Math.max(1, count))
    } nats on average.`;
  }

  /** Marks a token and says what both models lost on it. */
  show(token) {
    const [first, end] = this.range;
    this.current = Math.min(end - 1, Math.max(first, token));
    this.text.querySelector(".now")?.classList.remove("now");
    this.text.children[this.current - first]?.classList.add("now");
    const losses = this.models.map(({ value }) => this.data.models[Number(value)]).map(({ name, nats: all }) =>
      `${name} ${nats(all[this.current])}`
    );
    const kinds = this.data.groups.map(({ kinds, codes }) => kinds[Number(codes[this.current])]);
    this.readout.textContent = `${JSON.stringify(this.data.tokens[this.current])}: ${losses.join(", ")} nats. ${
      kinds.join("; ")
    }.`;
  }

  key(event) {
    const [first, end] = this.range;
    const moves = { ArrowRight: this.current + 1, ArrowLeft: this.current - 1, Home: first, End: end - 1 };
    if (event.key === "PageDown") this.turn(1);
    else if (event.key === "PageUp") this.turn(-1);
    else if (event.key in moves) {
      const to = moves[event.key];
      if (to >= end && this.page < this.pages - 1) this.turn(1);
      else if (to < first && this.page > 0) {
        this.turn(-1);
        this.show(first - 1);
      } else this.show(to);
    } else return;
    event.preventDefault();
    this.text.querySelector(".now")?.scrollIntoView({ block: "nearest" });
  }
}

for (const place of document.querySelectorAll("[data-surprise]")) {
  new Reader(place, JSON.parse(document.getElementById("surprise-data").textContent));
}
