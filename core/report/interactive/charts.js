// Runs in the reader's browser: draws the charts from the data of the page. A button for each arm hides it in all charts, one in each
// chart changes its scale. Arrow keys read the values of a chart that has the focus.
import { element, rangeOf, readable, scaleOf, shape } from "./axis.js";

const WIDTH = 660, HEIGHT = 360, LEFT = 66, TOP = 14, BOTTOM = 46;

/** The right end of the plot. The labels of horizontal lines need room beside it. */
const endOf = ({ rules }) => WIDTH - (rules.length > 0 ? 84 : 14);

/** A colour on the page. Black becomes the colour of the text, which is light on a dark page. */
const inkOf = (colour) => colour === "#000000" ? "currentColor" : colour;

/** The marker of an arm at a point. */
function markerAt({ marker, rotation, colour }, x, y) {
  const common = { fill: inkOf(colour), class: "marker" };
  if (marker === "circle") return shape("circle", { ...common, cx: x, cy: y, r: 3.6 });
  const turn = marker === "rectRot" ? 45 : rotation, place = `translate(${x} ${y}) rotate(${turn})`;
  const path = marker === "triangle" ? "M0 -4.4L4.2 3.2H-4.2Z" : "M-3.2 -3.2H3.2V3.2H-3.2Z";
  return shape("path", { ...common, d: path, transform: place });
}

function axes(svg, { x, y, right, xTitle, yTitle }) {
  const bottom = HEIGHT - BOTTOM;
  for (const tick of y.ticks) {
    const at = y.at(tick);
    svg.append(shape("line", { class: "grid", x1: LEFT, x2: right, y1: at, y2: at }));
    svg.append(shape("text", { class: "tick", x: LEFT - 8, y: at + 4, "text-anchor": "end" }, readable(tick)));
  }
  for (const tick of x?.ticks ?? []) {
    const at = x.at(tick);
    svg.append(shape("line", { class: "grid", x1: at, x2: at, y1: TOP, y2: bottom }));
    svg.append(shape("text", { class: "tick", x: at, y: bottom + 18, "text-anchor": "middle" }, readable(tick)));
  }
  svg.append(shape("line", { class: "axis", x1: LEFT, x2: right, y1: bottom, y2: bottom }));
  const middle = (LEFT + right) / 2, upwards = `translate(14 ${(TOP + bottom) / 2}) rotate(-90)`;
  svg.append(shape("text", { class: "title", x: middle, y: HEIGHT - 6, "text-anchor": "middle" }, xTitle));
  svg.append(shape("text", { class: "title", transform: upwards, "text-anchor": "middle" }, yTitle));
}

const joined = (places) => places.map((place) => place.map((at) => at.toFixed(1)).join(",")).join(" ");

/** Draws a curve. With several seeds a band behind it shows their range. */
function drawLine(svg, { points, look, dashed, faint }, { x, y }) {
  const places = points.map(([step, value]) => [x.at(step), y.at(value)]);
  if (!faint && points[0].length === 4) {
    const edge = (column) => points.map((point) => [x.at(point[0]), y.at(point[column])]);
    const band = [...edge(2), ...edge(3).reverse()];
    svg.append(shape("polygon", { class: "band", points: joined(band), fill: inkOf(look.colour) }));
  }
  svg.append(shape("polyline", {
    class: faint ? "line faint" : "line",
    points: joined(places),
    stroke: inkOf(look.colour),
    "stroke-dasharray": dashed ? "6 4" : "none",
  }));
  if (faint || places.length > 60) return;
  for (const [left, top] of places) svg.append(markerAt(look, left, top));
}

/** Lets the pointer and the arrow keys show the values of all visible curves at a step. Returns what keys may do. */
function readSteps(svg, tip, { series, x, y, xTitle }) {
  const steps = [...new Set(series.flatMap(({ points }) => points.map(([step]) => step)))].sort((a, b) => a - b);
  const rule = svg.appendChild(shape("line", { class: "rule", y1: TOP, y2: HEIGHT - BOTTOM, visibility: "hidden" }));
  const dots = svg.appendChild(shape("g", {}));
  const show = (step) => {
    const found = series.map((each) => ({ each, point: each.points.find(([at]) => at === step) }))
      .filter(({ point }) => point).sort((a, b) => b.point[1] - a.point[1]);
    for (const end of ["x1", "x2"]) rule.setAttribute(end, x.at(step));
    rule.setAttribute("visibility", "visible");
    dots.replaceChildren(...found.map(({ each, point }) => markerAt(each.look, x.at(step), y.at(point[1]))));
    showTip(tip, `${xTitle} ${step}`, found.map(({ each, point }) => [each, inWords(point)]));
    tip.style.left = `${Math.min(x.at(step) / WIDTH * 100, 62)}%`;
  };
  const hide = () => {
    tip.hidden = true;
    rule.setAttribute("visibility", "hidden");
    dots.replaceChildren();
  };
  svg.onpointermove = ({ clientX }) => {
    const box = svg.getBoundingClientRect(), wanted = (clientX - box.left) / box.width * WIDTH;
    const distance = (step) => Math.abs(x.at(step) - wanted);
    show(steps.reduce((a, b) => distance(b) < distance(a) ? b : a));
  };
  svg.onpointerleave = hide;
  return { count: steps.length, show: (index) => show(steps[index]), hide };
}

/** A value, and with several seeds their range. */
const inWords = ([, value, low, high]) =>
  readable(value) + (low === undefined ? "" : ` (${readable(low)} to ${readable(high)})`);

function showTip(tip, heading, rows) {
  tip.replaceChildren(
    element("strong", "", heading),
    ...rows.map(([{ look, name, detail }, value]) => {
      const row = element("div", "", `${value}  ${name}${detail ? `, ${detail}` : ""}`);
      row.style.borderLeft = `4px solid ${inkOf(look.colour)}`;
      return row;
    }),
  );
  tip.hidden = false;
}

function drawLines(svg, tip, { chart, series, log }) {
  const values = [
    ...series.flatMap(({ points, faint }) => points.flatMap((point) => point.slice(1, faint ? 2 : 4))),
    ...chart.rules.map(([at]) => at),
  ];
  const right = endOf(chart);
  const ends = series.flatMap(({ points }) => [points[0][0], points.at(-1)[0]]);
  const x = scaleOf([Math.min(...ends), Math.max(...ends)], [LEFT, right]);
  const y = scaleOf(rangeOf(values, { log }), [HEIGHT - BOTTOM, TOP], { log });
  axes(svg, { x, y, right, ...chart });
  for (const [value, name] of chart.rules) {
    const at = y.at(value), words = name.split(" ");
    svg.append(shape("line", { class: "baseline", x1: LEFT, x2: right, y1: at, y2: at }));
    words.forEach((word, i) => {
      const below = 4 + 14 * (i - (words.length - 1) / 2);
      svg.append(shape("text", { class: "tick", x: right + 8, y: at + below }, word));
    });
  }
  for (const each of series) drawLine(svg, each, { x, y });
  return readSteps(svg, tip, { series, x, y, xTitle: chart.xTitle });
}

function drawBars(svg, tip, { chart, series, log }) {
  const values = series.flatMap(({ points: [point] }) => point.slice(1)), right = endOf(chart);
  const width = (right - LEFT) / series.length;
  const range = rangeOf(values, { log, zero: true }), bottom = HEIGHT - BOTTOM;
  const y = scaleOf(log ? [range[0] / 1.5, range[1] * 1.2] : range, [bottom, TOP], { log });
  axes(svg, { y, right, ...chart });
  const hide = () => {
    tip.hidden = true;
  };
  const show = (index) => {
    const { name, detail, look, points: [point] } = series[index], middle = LEFT + (index + 0.5) * width;
    showTip(tip, chart.yTitle, [[{ look, name, detail }, inWords(point)]]);
    tip.style.left = `${Math.min(middle / WIDTH * 100, 62)}%`;
  };
  series.forEach(({ name, look, points: [[, value, low, high]] }, index) => {
    const at = y.at(value), x = LEFT + index * width + width * 0.15, middle = LEFT + (index + 0.5) * width;
    const box = { x, y: at, width: width * 0.7, height: bottom - at, fill: inkOf(look.colour), rx: 2 };
    const bar = svg.appendChild(shape("rect", { class: "bar", ...box }));
    const top = high === undefined ? at : y.at(high);
    if (high !== undefined && low < high) drawWhisker(svg, { x: middle, from: y.at(low), to: top });
    svg.append(shape("text", { class: "tick", x: middle, y: top - 5, "text-anchor": "middle" }, readable(value)));
    svg.append(
      shape("text", { class: "tick", x: middle, y: bottom + 17, "text-anchor": "middle" }, cut(name, width / 6)),
    );
    bar.onpointerenter = () => show(index);
    bar.onpointerleave = hide;
  });
  return { count: series.length, show, hide };
}

/** Draws the range of the seeds. The light edge makes it visible on a dark bar. */
function drawWhisker(svg, { x, from, to }) {
  const path = `M${x} ${from}V${to}M${x - 4} ${from}h8M${x - 4} ${to}h8`;
  for (const kind of ["whisker edge", "whisker"]) svg.append(shape("path", { class: kind, d: path }));
}

const cut = (name, most) => name.length > most ? `${name.slice(0, Math.max(1, most - 1))}…` : name;

/** What a chart shows, in one sentence: the lowest and the highest value, of curves at their ends. */
function finding({ title, kind, series }) {
  const last = ({ points }) => points.at(-1)[1], own = series.filter(({ faint }) => !faint);
  if (own.length === 0) return title;
  const sorted = [...own].sort((a, b) => last(a) - last(b)), word = kind === "bars" ? "" : "at the end, ";
  const words = (each) =>
    `${each.name}${each.detail && kind === "lines" ? ` (${each.detail})` : ""} ${readable(last(each))}`;
  if (sorted.length === 1) return `${title}: ${word}${words(sorted[0])}`;
  return `${title}: ${word}lowest ${words(sorted[0])}, highest ${words(sorted.at(-1))}`;
}

/** Draws the visible series. Called again after each change of the legend or the scale. Returns what keys may do. */
function redraw(plot, { chart, hidden, log }) {
  const series = chart.series.filter(({ name }) => !hidden.has(name));
  const words = finding({ ...chart, series });
  const svg = shape("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": words });
  const tip = element("div", "tip");
  tip.hidden = true;
  tip.setAttribute("role", "status");
  plot.replaceChildren(svg, tip);
  if (series.length === 0) {
    const middle = { x: WIDTH / 2, y: HEIGHT / 2, "text-anchor": "middle" };
    svg.append(shape("text", { class: "title", ...middle }, "all models are hidden"));
    return { count: 0 };
  }
  return (chart.kind === "bars" ? drawBars : drawLines)(svg, tip, { chart, series, log });
}

/** Lets the arrow keys, Home and End read the values of a chart, and Escape hide them. */
function readByKeys(plot, reader) {
  let index = -1;
  plot.onkeydown = (event) => {
    const { count, show, hide } = reader();
    if (count === 0) return;
    if (event.key === "Escape") return hide();
    const moves = { ArrowRight: index + 1, ArrowLeft: index - 1, Home: 0, End: count - 1 };
    if (!(event.key in moves)) return;
    event.preventDefault();
    index = Math.min(count - 1, Math.max(0, moves[event.key]));
    show(index);
  };
  plot.onblur = () => reader().hide?.();
}

/** Adds a chart and the button of its scale. Returns a function that draws it again. */
function startChart(place, chart, hidden) {
  const plot = element("div", "plot"), controls = element("div", "controls"), state = { chart, hidden, log: chart.log };
  let reader = { count: 0 };
  const draw = () => {
    reader = redraw(plot, state);
  };
  plot.tabIndex = 0;
  plot.setAttribute("role", "group");
  plot.setAttribute("aria-label", `${chart.title}. Arrow keys read its values.`);
  readByKeys(plot, () => reader);
  const positive = chart.series.flatMap(({ points }) => points.flatMap((point) => point.slice(1))).every((v) => v > 0);
  const button = element("button", "scale", "logarithmic");
  button.setAttribute("aria-pressed", String(state.log));
  button.setAttribute("aria-label", `${chart.title}: logarithmic`);
  button.onclick = () => {
    state.log = !state.log;
    button.setAttribute("aria-pressed", String(state.log));
    draw();
  };
  if (positive) controls.append(button);
  place.append(controls, plot);
  draw();
  return draw;
}

/** Adds a button for each arm, which hides it in all charts or shows it again. */
function startLegend(place, charts, { hidden, changed }) {
  const arms = new Map(charts.flatMap(({ series }) => series.map(({ name, look }) => [name, look])));
  for (const [name, { colour }] of arms) {
    const button = place.appendChild(element("button", "arm", name)), swatch = element("i", "swatch");
    swatch.style.background = inkOf(colour);
    button.prepend(swatch);
    button.setAttribute("aria-pressed", "true");
    button.onclick = () => {
      const shown = hidden.delete(name);
      if (!shown) hidden.add(name);
      button.setAttribute("aria-pressed", String(shown));
      changed();
    };
  }
}

const charts = JSON.parse(document.getElementById("chart-data").textContent), hidden = new Set();
const places = [...document.querySelectorAll("[data-chart]")];
const draws = places.map((place) => startChart(place, charts[Number(place.dataset.chart)], hidden));
const changed = () => draws.forEach((draw) => draw());
startLegend(document.getElementById("legend"), charts, { hidden, changed });
