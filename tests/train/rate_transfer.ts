/**
 * Whether one rate serves several widths: the loss on the validation text against the rate, for three widths, with and without
 * `rateScaling`. Writes results/initialisation/rates.csv, a row as soon as it is known; a row that is there is not made again.
 *
 *     deno run -A tests/train/rate_transfer.ts [--steps 150] [--models hymba]
 */
import { parseArgs } from "node:util";
import { linePlot } from "../../core/report/chart/lines.ts";
import { type Cell, drawSheet } from "../../core/report/chart/sheet.ts";
import { looks } from "../../core/report/palette.ts";
import { type Arm, RATE_SCALINGS, type RateScaling, type StudyConfig } from "../../core/config/mod.ts";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { BatchOrder } from "../../core/data/batches.ts";
import { resolveCorpus, wholeText } from "../../core/data/corpus.ts";
import { studyTokens, tokenizerText } from "../../core/data/study_data.ts";
import { onePiece, type TokenData } from "../../core/data/parts.ts";
import { qualityOfTokens } from "../../core/eval/quality.ts";
import { evaluationPlan, Scorer } from "../../core/infer/scorer.ts";
import { ParameterStore } from "../../core/params/store.ts";
import { resolveSources } from "../../core/study_file/mod.ts";
import { trainTokenizer } from "../../core/tokenizer/mod.ts";
import { textObjective } from "../../core/train/objective.ts";
import { trainingPlan } from "../../core/train/plans.ts";
import { rateFactors } from "../../core/train/rate_scaling.ts";
import { Trainer } from "../../core/train/trainer.ts";

const OUT = new URL("../../results/initialisation/rates.csv", import.meta.url);
const HEAD = "model,width,scaling,rate,seed,steps,loss_nats";
const WIDTHS = [32, 64, 128], RATES = [2e-3, 4e-3, 8e-3, 1.6e-2, 3.2e-2], SEED = 1;
/** Validation tokens that are scored. */
const SCORED = 16_000;

/** `quick` with four layers of a width, on short sequences. */
function studyOf(width: number, model: string, { steps, rate }: { steps: number; rate: number }): StudyConfig {
  const text = `models = ["${model}"]
sequenceLength = 64
[model]
dModel = ${width}
nLayers = 4
ffnHidden = ${3 * width}
[pretraining]
steps = ${steps}
rate = ${rate}
warmup = 20
batch = 4
`;
  return resolveSources({ file: { path: "rates.toml", text } }).study;
}

async function lossOf(
  executor: CpuExecutor,
  arm: Arm,
  { study, tokens, rateScaling }: { study: StudyConfig; tokens: TokenData; rateScaling: RateScaling },
): Promise<number> {
  const { sequenceLength: T, pretraining } = study, { batch: B, decay } = pretraining;
  const store = new ParameterStore(arm.config), rateFactor = rateFactors({ rateScaling }, arm.config);
  store.initialise(executor, SEED);
  const order = new BatchOrder(tokens.train, { B, T, seed: SEED });
  const objective = textObjective(trainingPlan(store, { B, T, decay, rateFactor }), order);
  const trainer = await Trainer.create(executor, store, { name: arm.name, objective, schedule: pretraining });
  const scorer = await Scorer.create(executor, evaluationPlan(store, { B: 16, T }));
  try {
    for await (const _ of trainer.run());
    const scored = onePiece(tokens.validation.tokens.slice(0, SCORED), SCORED);
    return qualityOfTokens(await scorer.tokenLogps(scored), scored).loss;
  } finally {
    for (const used of [trainer, scorer]) used.dispose();
    store.release(executor);
  }
}

/** Draws the losses of a table of this script: a curve for each width, without and with scaling. */
export function rateChart(csv: string): Promise<Uint8Array> {
  const rows = csv.trim().split("\n").slice(1).map((row) => row.split(","));
  const cells = [...new Set(rows.map(([model]) => model!))].flatMap((model) => cellsOf(rows, model));
  const footer = `corpus tinyshakespeare  ·  four layers, ${rows[0]![5]} steps of 256 tokens  ·  seed ${SEED}`;
  const size = { columns: 2, cellHeight: 420 };
  return drawSheet({
    title: "One rate for several widths",
    subtitle: "loss against the learning rate",
    footer,
    cells,
    ...size,
  });
}

/** A model without and with scaling. */
function cellsOf(rows: readonly string[][], model: string): Cell[] {
  const look = looks(WIDTHS.map(String));
  return RATE_SCALINGS.map((scaling) => ({
    title: `${model}: ${scaling === "none" ? "one rate for all parameters" : "rates that fall with the width"}`,
    subtitle: scaling === "none"
      ? "validation loss after the last step; lower is better"
      : "the same; matrices and embedding at rate × 64 / width",
    plot: linePlot(
      WIDTHS.map(String).map((width) => ({
        points: rows.filter((row) => row[0] === model && row[1] === width && row[2] === scaling).map((row) => {
          const loss = Number(row[6]), spread = { mean: loss, low: loss, high: loss, deviation: undefined, count: 1 };
          return { step: Number(row[3]), spread };
        }),
        look: look(width),
        markers: true,
        endName: `width\u00a0${width}`,
      })),
      {
        x: { title: "learning rate", log: true },
        y: { title: "nats per token", suggestedMin: 3.6, suggestedMax: 4.6 },
      },
    ),
  }));
}

async function before(): Promise<string[]> {
  try {
    return (await Deno.readTextFile(OUT)).trim().split("\n").slice(1);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

const { values } = parseArgs({
  options: { steps: { type: "string", default: "150" }, models: { type: "string", default: "hymba" } },
});
const steps = Number(values.steps), rows = await before();
const first = studyOf(64, "hymba", { steps, rate: 1e-3 });
const corpus = await resolveCorpus({ onProgress: (line) => console.error(line) });
const text = wholeText(corpus, "this measurement");
const tokenizer = trainTokenizer(tokenizerText(text, first), { vocabSize: first.vocabSize });
const all = studyTokens(text, tokenizer, first);
const executor = await CpuExecutor.create({ threads: 1 });
for (const model of values.models.split(",")) {
  for (const width of WIDTHS) {
    for (const rateScaling of RATE_SCALINGS) {
      for (const rate of RATES) {
        const about = [model, width, rateScaling, rate, SEED, steps].join(",");
        if (rows.some((row) => row.startsWith(`${about},`))) continue;
        const study = studyOf(width, model, { steps, rate });
        const loss = await lossOf(executor, study.arms[0]!, { study, tokens: all, rateScaling });
        rows.push(`${about},${loss.toFixed(5)}`);
        console.error(rows.at(-1));
        await Deno.writeTextFile(OUT, [HEAD, ...rows].map((row) => `${row}\n`).join(""));
      }
    }
  }
}
await executor.close();
await Deno.writeFile(new URL("rates.png", OUT), await rateChart(await Deno.readTextFile(OUT)));
