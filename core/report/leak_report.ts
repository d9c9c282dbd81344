/** The results of the leak experiment as CSV, as text and as a picture. */
import { at } from "../lists.ts";
import type { LeakPoint, LeakResult } from "../proof/leak_experiment.ts";
import { type Line, linePlot } from "./chart/lines.ts";
import { type Cell, drawSheet } from "./chart/sheet.ts";
import { type Look, looks } from "./palette.ts";

/** One row per model and evaluation. Losses are nats per token. */
export function leakCsv({ curves }: LeakResult): string {
  const rows = curves.flatMap(({ name, points }) =>
    points.map(({ step, trainLoss, validationLoss }) =>
      [name, step, trainLoss, validationLoss, Math.exp(validationLoss)].join()
    )
  );
  return `${["model,step,train_loss_nats,validation_loss_nats,validation_perplexity", ...rows].join("\n")}\n`;
}

const finalOf = (result: LeakResult) =>
  result.curves.map(({ name, points }) => ({ name, perplexity: Math.exp(at(points, -1).validationLoss) }));

/** The crop has an effect when it lowers the perplexity below this share of the causal model's perplexity. */
const SMALLEST_EFFECT = 0.9;

/** The finding in words, with the command that produced it. */
export function leakText(result: LeakResult, { command }: { command: string }): string {
  const { corpus, steps, parameters, evaluatedTokens } = result, finals = finalOf(result);
  const causal = at(finals, 0).perplexity, cropped = at(finals, 1).perplexity;
  return [
    `The same hybrid (${parameters} parameters) was trained twice from the same start on the same ${steps} batches of ${corpus}:`,
    "once with causal local layers, once with the documented study's crop, which shows local layers the future.",
    "",
    ...finals.map(({ name, perplexity }) =>
      `  ${name.padEnd(14)} final validation perplexity ${perplexity.toFixed(2)}`
    ),
    "",
    cropped < SMALLEST_EFFECT * causal
      ? `The crop divides perplexity by ${
        (causal / cropped).toFixed(1)
      }. The model is not better: it sees the tokens that it has to predict.`
      : "In so few steps the crop lowers perplexity by less than a tenth.",
    `Perplexities are per token over the first ${evaluatedTokens} predicted tokens of the validation part; one seed.`,
    "Every other command refuses a model with the crop. Its weights are not saved.",
    "",
    `Made with: ${command}`,
    "",
  ].join("\n");
}

function lineOf({ name, points }: LeakResult["curves"][number], look: Look, of: (point: LeakPoint) => number): Line {
  const point = (each: LeakPoint) => {
    const mean = of(each);
    return { step: each.step, spread: { mean, low: mean, high: mean, deviation: undefined, count: 1 } };
  };
  return { points: points.map(point), look, markers: true, endName: name };
}

/** Curves of training loss and of validation perplexity side by side. Returns the bytes of a PNG. */
export function leakChart(result: LeakResult): Promise<Uint8Array> {
  const { curves, steps, corpus } = result, names = curves.map(({ name }) => name), look = looks(names);
  const cell = (title: string, axis: string, of: (point: LeakPoint) => number): Cell => ({
    title,
    plot: linePlot(curves.map((curve) => lineOf(curve, look(curve.name), of)), {
      x: { title: "step", min: 0, max: steps, whole: true },
      y: { title: axis, suggestedMin: 0 },
    }),
  });
  const finals = finalOf(result).map(({ name, perplexity }) => `${name} ${perplexity.toFixed(2)}`).join(", ");
  return drawSheet({
    title: "What the documented study's crop does to perplexity",
    subtitle: `One hybrid trained twice; final validation perplexity: ${finals}`,
    footer:
      `${corpus}, ${result.parameters} parameters, one seed. The crop shows local layers the tokens they have to predict.`,
    columns: 2,
    cellHeight: 340,
    cells: [
      cell("Training loss", "nats per token, mean since the last point", ({ trainLoss }) => trainLoss),
      cell("Validation perplexity", "perplexity per token", ({ validationLoss }) => Math.exp(validationLoss)),
    ],
  });
}
