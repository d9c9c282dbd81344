// Runs in the reader's browser: shows the attention map of a chosen stage, layer and head.
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

function paint(canvas, map, head) {
  const { positions: P, metaTokens: M } = map, unit = Math.max(1, Math.floor(720 / P));
  canvas.width = canvas.height = P * unit;
  const brush = canvas.getContext("2d");
  for (let q = 0; q < P; q++) {
    for (let k = 0; k < P; k++) {
      const rgb = visible(map, q, k) ? colourOf(probabilityAt(map, head, q, k), map) : [127, 127, 127, 0.15];
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

/** Fills a list of options. The selected index stays if it still exists. */
function fill(select, names) {
  const chosen = select.selectedIndex;
  select.replaceChildren(...names.map((name) => element("option", "", name)));
  select.selectedIndex = chosen >= 0 && chosen < names.length ? chosen : 0;
}

function startMaps(place) {
  const { stages, ...common } = JSON.parse(document.getElementById("map-data").textContent);
  const [stage, layer, head] = place.querySelectorAll("select"), canvas = place.querySelector("canvas");
  const summary = place.querySelector(".summary"), readout = place.querySelector(".readout");
  const chosen = () => {
    const map = stages[stage.selectedIndex].maps[layer.selectedIndex];
    map.codes ??= bytesOf(map.planes);
    return { ...common, ...map };
  };
  const show = () => {
    fill(layer, stages[stage.selectedIndex].maps.map(({ title }) => title));
    const map = chosen();
    fill(head, ["mean of all heads", ...Array.from({ length: map.heads }, (_, h) => `head ${h}`)]);
    paint(canvas, map, head.selectedIndex);
    summary.textContent = summaryOf(map, head.selectedIndex);
  };
  canvas.onpointermove = ({ clientX, clientY }) => {
    const map = chosen(), box = canvas.getBoundingClientRect(), P = map.positions;
    const cell = (at, length) => Math.min(P - 1, Math.max(0, Math.floor(at / length * P)));
    const q = cell(clientY - box.top, box.height), k = cell(clientX - box.left, box.width);
    const name = (at) => `${at} ${JSON.stringify(map.labels[at] ?? "")}`;
    const value = visible(map, q, k) ? readable(probabilityAt(map, head.selectedIndex, q, k)) : "hidden by the mask";
    readout.textContent = `query ${name(q)} → key ${name(k)}: ${value}`;
  };
  for (const select of [stage, layer, head]) select.onchange = show;
  fill(stage, stages.map(({ title }) => title));
  show();
}

const maps = document.getElementById("maps");
if (maps) startMaps(maps);
