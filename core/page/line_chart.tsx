/** One chart of curves, drawn by Chart.js. It is updated in place when its data grow. */
import {
  Chart,
  type ChartData as Drawn,
  type ChartOptions,
  Legend,
  LinearScale,
  LineController,
  LineElement,
  PointElement,
  Tooltip,
} from "chart.js";
import { useEffect, useRef } from "preact/hooks";
import type { ChartData, Series } from "../report/interactive/chart_data.ts";
import { significant } from "../report/format.ts";
import { useColours } from "./colours.ts";

Chart.defaults.font.family = 'Inter, system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';
Chart.register(Legend, LinearScale, LineController, LineElement, PointElement, Tooltip);

type Points = Drawn<"line", { x: number; y: number }[]>;

/** Black arms take the colour of the text, which is light on a dark page. */
const inkOf = (colour: string, ink: string) => colour === "#000000" ? ink : colour;

function curveOf({ name, detail, look, dashed, faint, points }: Series, ink: string): Points["datasets"][number] {
  const colour = inkOf(look.colour, ink);
  return {
    label: detail ? `${name}, ${detail}` : name,
    data: points.map(([x, y]) => ({ x, y })),
    borderColor: faint ? `${colour}66` : colour,
    backgroundColor: colour,
    borderWidth: faint ? 1 : 2,
    borderDash: dashed ? [6, 4] : [],
    pointStyle: look.marker,
    pointRotation: look.rotation,
    pointRadius: faint || points.length > 60 ? 0 : 3,
  };
}

function ruleOf(
  [value, name]: readonly [number, string],
  { end, faint }: { end: number; faint: string },
): Points["datasets"][number] {
  return {
    label: name,
    data: [{ x: 0, y: value }, { x: end, y: value }],
    borderColor: faint,
    borderWidth: 1,
    borderDash: [7, 5],
    pointRadius: 0,
    pointStyle: "line",
  };
}

function drawnOf({ series, rules }: ChartData, { ink, faint }: { ink: string; faint: string }): Points {
  const end = Math.max(1, ...series.flatMap(({ points }) => points.map(([step]) => step)));
  return {
    datasets: [...series.map((one) => curveOf(one, ink)), ...rules.map((rule) => ruleOf(rule, { end, faint }))],
  };
}

function optionsOf(
  { xTitle, yTitle, series }: ChartData,
  { ink, faint, rule }: { ink: string; faint: string; rule: string },
): ChartOptions<"line"> {
  const axis = (text: string) => ({
    type: "linear" as const,
    title: { display: true, text, color: faint },
    ticks: { color: faint },
    grid: { color: rule },
  });
  return {
    animation: false,
    maintainAspectRatio: false,
    interaction: { mode: "nearest", axis: "x", intersect: false },
    scales: { x: { ...axis(xTitle), min: 0 }, y: axis(yTitle) },
    plugins: {
      legend: {
        labels: {
          color: ink,
          usePointStyle: true,
          boxHeight: 7,
          // One name for each model: its faint and dashed curves have its colour.
          generateLabels: (chart) =>
            Chart.defaults.plugins.legend.labels.generateLabels(chart).filter(({ datasetIndex = 0 }) => {
              const own = series[datasetIndex];
              return !own?.faint && !own?.dashed;
            }).map((item) => ({ ...item, text: series[item.datasetIndex ?? 0]?.name ?? item.text })),
        },
      },
    },
  };
}

/** The newest values in words, for those who cannot see the curves. */
const wordsOf = ({ title, yTitle, series }: ChartData): string =>
  `${title}, ${yTitle}. Newest values: ${
    series.filter(({ faint }) => !faint).map(({ name, detail, points }) => {
      const [step, value] = points.at(-1) ?? [0, NaN];
      return `${name}${detail ? ` (${detail})` : ""} ${significant(value)} at step ${step}`;
    }).join("; ")
  }.`;

export function LineChart({ chart }: { chart: ChartData }) {
  const canvas = useRef<HTMLCanvasElement>(null), drawn = useRef<Chart<"line", { x: number; y: number }[]>>(null);
  const colours = useColours();
  useEffect(() => {
    if (!canvas.current) return;
    drawn.current = new Chart(canvas.current, { type: "line", data: { datasets: [] } });
    return () => drawn.current?.destroy();
  }, []);
  useEffect(() => {
    if (!drawn.current) return;
    drawn.current.data = drawnOf(chart, colours);
    drawn.current.options = optionsOf(chart, colours);
    drawn.current.update();
  }, [chart, colours]);
  return (
    <section>
      <h2>{chart.title}</h2>
      <p class="faint">{chart.note}</p>
      <div class="chart">
        <canvas ref={canvas} role="img" aria-label={wordsOf(chart)} />
      </div>
    </section>
  );
}
