// Runs in the reader's browser: shows the attention map of a chosen stage, layer and head, or its change from stage to stage.
import { element, readable } from "./axis.js";

/** Number of cells in a lower triangle before row q. */
const before = (q) => q * (q + 1) / 2;

function bytesOf(base64) {
  const text = atob(base64), bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

const visible = ({ window, metaTokens }, q, k) => k <= q && (window === 0 || q - k < window || k < metaTokens);

/** The probability of a cell. Head 0 is the mean of all heads. */
function probabilityAt(map, head, q, k) {
  const code = map.codes[head * before(map.positions) + before(q) + k];
  return code === 0 ? 0 : Math.exp(-Math.log(map.least) * ((code - 1) / 254 - 1));
}

/** Red, green and blue of a probability, on a logarithmic scale from `floor` to 1. */
function colourOf(probability, { floor, colours }) {
  const share = 1 - Math.log(Math.max(floor, probability)) / Math.log(floor), at = share * (colours.length - 1);
  return colours[Math.round(at)];
}

/** Red, green and blue of a change of probability. */
const colourOfChange = (difference, { change, changes }) =>
  changes[Math.round(Math.min(1, Math.max(0, (1 + difference / change) / 2)) * (changes.length - 1))];

/** The value of a cell: its probability, or with a map before the change of it. */
const valueAt = (map, head, q, k) =>
  probabilityAt(map, head, q, k) - (map.before ? probabilityAt(map.before, head, q, k) : 0);

function paint(canvas, map, head) {
  const { positions: P, metaTokens: M } = map, unit = Math.max(1, Math.floor(720 / P));
  canvas.width = canvas.height = P * unit;
  const brush = canvas.getContext("2d");
  for (let q = 0; q < P; q++) {
    for (let k = 0; k < P; k++) {
      const value = valueAt(map, head, q, k);
      const own = map.before ? colourOfChange(value, map) : colourOf(value, map);
      const rgb = visible(map, q, k) ? own : [127, 127, 127, 0.15];
      brush.fillStyle = `rgba(${rgb.join()}${rgb.length < 4 ? ",1" : ""})`;
      brush.fillRect(k * unit, q * unit, unit, unit);
    }
  }
  if (M === 0) return;
  brush.strokeStyle = "#d55e00";
  brush.lineWidth = 2;
  brush.strokeRect(-2, -2, M * unit + 2, P * unit + 4);
  brush.strokeRect(-2, -2, P * unit + 4, M * unit + 2);
}

/** The shares of attention that a head's text queries give to meta tokens, to themselves and to other text, in words. */
function summaryOf(map, head) {
  const { positions: P, metaTokens: M } = map, sums = { meta: 0, self: 0, all: 0 };
  for (let q = M; q < P; q++) {
    for (let k = 0; k <= q; k++) {
      const p = probabilityAt(map, head, q, k);
      sums.all += p;
      if (k < M) sums.meta += p;
      else if (k === q) sums.self += p;
    }
  }
  const share = (part) => `${(100 * part / sums.all).toFixed(1)} %`;
  const meta = M > 0 ? `meta tokens ${share(sums.meta)}, ` : "", rest = sums.all - sums.meta - sums.self;
  return `Mean attention of text: ${meta}itself ${share(sums.self)}, other text ${share(rest)}`;
}

/** The share of the attention of text that went to other keys, in words. */
function changeOf(map, head) {
  const { positions: P, metaTokens: M } = map;
  let sum = 0;
  for (let q = M; q < P; q++) for (let k = 0; k <= q; k++) sum += Math.abs(valueAt(map, head, q, k));
  return `Mean attention of text that moved to other keys: ${(100 * sum / 2 / Math.max(1, P - M)).toFixed(1)} %`;
}

/** Fills a list of options. The selected index stays if it still exists. */
function fill(select, names) {
  const chosen = select.selectedIndex;
  select.replaceChildren(...names.map((name) => element("option", "", name)));
  select.selectedIndex = chosen >= 0 && chosen < names.length ? chosen : 0;
}

/** What can be chosen as a stage: each stage, and the change from the first to the second where both have maps. */
function choicesOf({ stages, change }) {
  const decoded = ({ maps }) => maps.map((map) => ({ ...map, codes: bytesOf(map.planes) }));
  const own = stages.map((stage) => ({ title: stage.title, maps: decoded(stage) })), [first, second] = own;
  if (change === undefined) return own;
  const changed = second.maps.map((map, i) => ({ ...map, before: { ...map, ...first.maps[i] } }));
  return [...own, { title: "change by ORPO", maps: changed }];
}

function startMaps(place) {
  const { stages, ...common } = JSON.parse(document.getElementById("map-data").textContent);
  const [stage, layer, head] = place.querySelectorAll("select"), canvas = place.querySelector("canvas");
  const summary = place.querySelector(".summary"), readout = place.querySelector(".readout");
  const choices = choicesOf({ stages, ...common }), cursor = { q: 0, k: 0 };
  const chosen = () => {
    const map = choices[stage.selectedIndex].maps[layer.selectedIndex],
      before = map.before && { ...common, ...map.before };
    return { ...common, ...map, before };
  };
  const show = () => {
    fill(layer, choices[stage.selectedIndex].maps.map(({ title }) => title));
    const map = chosen();
    fill(head, ["mean of all heads", ...Array.from({ length: map.heads }, (_, h) => `head ${h}`)]);
    paint(canvas, map, head.selectedIndex);
    summary.textContent = (map.before ? changeOf : summaryOf)(map, head.selectedIndex);
    canvas.setAttribute("aria-label", `Attention, ${map.title}. ${summary.textContent}. Arrow keys read its cells.`);
  };
  const read = (q, k) => {
    const map = chosen(), P = map.positions, within = (at) => Math.min(P - 1, Math.max(0, at));
    [cursor.q, cursor.k] = [within(q), within(k)];
    const name = (at) => `${at} ${JSON.stringify(map.labels[at] ?? "")}`, sees = visible(map, cursor.q, cursor.k);
    const value = sees ? readable(valueAt(map, head.selectedIndex, cursor.q, cursor.k)) : "hidden by the mask";
    const word = map.before && sees ? "change " : "";
    readout.textContent = `query ${name(cursor.q)} → key ${name(cursor.k)}: ${word}${value}`;
  };
  canvas.onpointermove = ({ clientX, clientY }) => {
    const box = canvas.getBoundingClientRect(), P = chosen().positions;
    read(Math.floor((clientY - box.top) / box.height * P), Math.floor((clientX - box.left) / box.width * P));
  };
  canvas.onkeydown = (event) => {
    const [down, right] = { ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1] }[event.key] ??
      [];
    if (down === undefined) return;
    event.preventDefault();
    const far = event.shiftKey ? 10 : 1;
    read(cursor.q + far * down, cursor.k + far * right);
  };
  for (const select of [stage, layer, head]) select.onchange = show;
  fill(stage, choices.map(({ title }) => title));
  show();
}

const maps = document.getElementById("maps");
if (maps) startMaps(maps);
