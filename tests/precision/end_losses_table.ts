/** The results of tests/precision/end_losses.ts, and their table. */
import type { Precision } from "../../core/config/mod.ts";
import { randomInteger } from "../../core/random.ts";

/** One training of one model. `change` 0: no change; a number: this weight is moved; `unfused`: the kernels round each product. */
export interface EndLoss {
  readonly arm: string;
  readonly precision: Precision;
  readonly change: number | "unfused";
  /** Mean over the validation tokens after the last update, nats. */
  readonly loss: number;
  /** Mean of the last 100 updates, nats. */
  readonly trainingLoss: number;
}

export interface EndLosses {
  readonly preset: string;
  readonly seed: number;
  readonly steps: number;
  readonly corpus: string;
  /** Predicted tokens of the validation text. */
  readonly tokens: number;
  readonly precisions: readonly Precision[];
  readonly trainings: readonly EndLoss[];
}

/** Moves one weight up to the next float: the first that is not zero, searched from a position that `number` draws. */
export function moveOneWeight(weights: Readonly<Record<string, Float32Array>>, number: number): void {
  const all = Object.values(weights), total = all.reduce((sum, { length }) => sum + length, 0);
  let at = randomInteger({ seed: number, stream: 200, step: 0 }, 0, total);
  for (const values of [...all, ...all]) {
    for (; at < values.length; at++) {
      if (values[at] === 0) continue;
      const bits = new Int32Array(values.buffer, values.byteOffset, values.length);
      bits[at]! += values[at]! > 0 ? 1 : -1;
      return;
    }
    at -= values.length;
  }
  throw new Error("all weights are zero");
}

interface Group {
  readonly mean: number;
  /** Standard deviation of one training; 0 for a single one. */
  readonly deviation: number;
  readonly losses: readonly number[];
}

function groupOf(losses: readonly number[]): Group {
  const n = losses.length, mean = losses.reduce((sum, x) => sum + x, 0) / n;
  const squares = losses.reduce((sum, x) => sum + (x - mean) ** 2, 0);
  return { mean, deviation: n > 1 ? Math.sqrt(squares / (n - 1)) : 0, losses };
}

const percent = (x: number) => `${x < 0 ? "−" : "+"}${(100 * Math.abs(x)).toFixed(2)} %`;
const range = (losses: readonly number[], to: number) =>
  [Math.min(...losses), Math.max(...losses)].map((loss) => percent(loss / to - 1)).join(" to ");

/**
 * One line per model: the mean of f32 and the distance of its trainings from it. For each 16-bit precision, the distance of its
 * trainings from that mean, and the difference of the means with its standard error (from the deviations of both sides).
 */
export function endLossTable({ trainings, precisions }: EndLosses): string {
  const halves = precisions.filter((precision) => precision !== "f32");
  const head = ["model", "f32", "f32 trainings"];
  for (const precision of halves) head.push(`${precision} trainings`, `${precision}, means`);
  const rows = [...Map.groupBy(trainings, ({ arm }) => arm)].map(([arm, all]) => {
    const of = (precision: Precision) => all.filter((t) => t.precision === precision).map(({ loss }) => loss);
    const whole = groupOf(of("f32"));
    const cells = [`\`${arm}\``, whole.mean.toFixed(4), `${whole.losses.length}: ${range(whole.losses, whole.mean)}`];
    for (const precision of halves) {
      const half = groupOf(of(precision)), n = half.losses.length;
      if (n === 0) cells.push("not run", "");
      else {
        const error = Math.hypot(half.deviation / Math.sqrt(n), whole.deviation / Math.sqrt(whole.losses.length));
        cells.push(
          `${n}: ${range(half.losses, whole.mean)}`,
          `${percent(half.mean / whole.mean - 1)} (± ${(100 * error / whole.mean).toFixed(2)} %)`,
        );
      }
    }
    return cells;
  });
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
