// Runs in the reader's browser: the scales, ticks and numbers of the charts.

const SVG = "http://www.w3.org/2000/svg";

/** An SVG element with attributes and an optional text. */
export function shape(name, attributes, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

/** An HTML element with a class and an optional text. */
export function element(name, className, text) {
  const made = document.createElement(name);
  made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

const PREFIXES = [[1e9, " G"], [1e6, " M"], [1e4, " k", 1e3]];

/** A number with at most four digits, and a decimal prefix from 10,000 upwards. */
export function readable(value) {
  const [, prefix, unit] = PREFIXES.map(([least, name, by]) => [least, name, by ?? least])
    .find(([least]) => Math.abs(value) >= least) ?? [0, "", 1];
  return String(Number((value / unit).toPrecision(4))).replace("-", "−") + prefix;
}

/** About `count` round numbers from `low` to `high`. */
function linearTicks(low, high, count) {
  const rough = (high - low) / count, power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((digit) => digit * power >= rough);
  const ticks = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high * (1 + 1e-9); i++) ticks.push(i * step);
  return ticks;
}

/** Powers of ten times 1, 2 and 5. A range with fewer than three of them gets round numbers. */
function logTicks(low, high) {
  const ticks = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
    for (const digit of [1, 2, 5]) ticks.push(digit * 10 ** power);
  }
  const inside = ticks.filter((tick) => tick >= low && tick <= high);
  if (inside.length >= 3) return inside.length > 9 ? inside.filter((tick) => /^1/.test(tick.toExponential())) : inside;
  return linearTicks(low, high, 5).filter((tick) => tick > 0);
}

/** A scale: `at` maps a value to a pixel, `ticks` are values. */
export function scaleOf([low, high], [from, to], { log = false, count = 6 } = {}) {
  const place = log ? Math.log : (value) => value, start = place(low), length = place(high) - start || 1;
  return {
    at: (value) => from + (place(value) - start) / length * (to - from),
    ticks: log ? logTicks(low, high) : linearTicks(low, high, count),
  };
}

/** The range of values with a margin. A linear scale starts at zero when `zero` is set. */
export function rangeOf(values, { log, zero = false }) {
  const low = Math.min(...values), high = Math.max(...values);
  if (log) return [low / 1.08, high * 1.08];
  if (zero && low >= 0) return [0, high * 1.15 || 1];
  const margin = 0.06 * (high - low || Math.abs(high) || 1);
  return [low - margin, high + margin];
}
