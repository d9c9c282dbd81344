/**
 * How large the numbers inside a model are before its first update, by layer. `deno run -A tests/params/start_scales.ts` measures
 * models of several widths and writes results/initialisation/scales.csv and the table of
 * docs/initialisation.md.
 */
import {
  ArchType,
  HymbaConfig,
  type HymbaOptions,
  PUBLISHED_DEVIATION,
  startDeviation,
} from "../../core/config/mod.ts";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { linear } from "../../core/ops/linear.ts";
import { forward } from "../../core/nn/model.ts";
import type { AttentionTrace } from "../../core/nn/mixing.ts";
import { ParameterStore } from "../../core/params/store.ts";
import { type Executor, finish, type Program } from "../../core/plan/mod.ts";
import { randomInteger } from "../../core/random.ts";
import { Tape, type Tensor } from "../../core/tensor/mod.ts";

/** Root mean squares, or for logits the standard deviation. NaN where a model lacks the part. */
export interface LayerScales {
  readonly layer: number;
  /** The residual stream before the layer. */
  readonly stream: number;
  /** Scores before the softmax, over the visible pairs of the first sequence. */
  readonly attentionLogits: number;
  /** The input of the output projection: both branches joined, or the only one. */
  readonly branches: number;
  /** What the mixer adds to the stream. */
  readonly mixed: number;
  /** Gate and up of the feed-forward part, before their product. */
  readonly gateAndUp: number;
  /** What the feed-forward part adds to the stream. */
  readonly fed: number;
}

export interface StartScales {
  readonly layers: readonly LayerScales[];
  /** Standard deviation of the logits over all positions and tokens. */
  readonly logits: number;
}

const SIZES = { B: 2, T: 48 };

export const RESULTS = new URL("../../results/initialisation/", import.meta.url);
export const DOCUMENT = new URL("../../docs/initialisation.md", import.meta.url);

const rms = (values: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! ** 2;
  return Math.sqrt(sum / values.length);
};

/** The standard deviation of q · k / √K over the pairs that a causal mask lets through, for the first sequence. */
async function attentionLogits(program: Program, trace: AttentionTrace): Promise<number> {
  const [, T, H, K] = trace.q.shape as [number, number, number, number], G = trace.k.shape[2]!;
  const q = await program.read(trace.q), k = await program.read(trace.k), scores: number[] = [];
  for (let h = 0; h < H; h++) {
    for (let t = 0; t < T; t++) {
      for (let s = 0; s <= t; s++) {
        let score = 0;
        const queryAt = (t * H + h) * K, keyAt = (s * G + Math.floor(h * G / H)) * K;
        for (let i = 0; i < K; i++) score += q[queryAt + i]! * k[keyAt + i]!;
        scores.push(score / Math.sqrt(K));
      }
    }
  }
  return rms(scores);
}

/** Measures a model with the start weights of seed 1 on random tokens. */
export async function startScales(executor: Executor, config: HymbaConfig): Promise<StartScales> {
  const store = new ParameterStore(config), tape = new Tape(false), { B, T } = SIZES;
  store.initialise(executor, 1);
  const ids = tape.input("ids", [B, T], { dtype: "u32" });
  const { hidden, traces } = forward(tape, ids, store);
  const logits = linear(tape, { x: hidden, w: store.tensor("embedding") }, { name: "logits" });
  /** The tensor that a step of a layer reads or writes, found by the name of what it writes. */
  const found = (name: string, role: string): Tensor[] =>
    tape.steps.filter(({ writes }) => Object.values(writes).some(({ storage }) => storage.name === name))
      .flatMap(({ reads, writes }) => [...Object.entries(reads), ...Object.entries(writes)])
      .flatMap(([at, tensor]) => at === role ? [tensor] : []);
  const parts = Array.from({ length: config.nLayers }, (_, i) => ({
    stream: found(`layers.${i}.normed`, i === 0 ? "x" : "sum"),
    branches: found(`layers.${i}.mixed`, "a"),
    mixed: found(`layers.${i}.mixed`, "c"),
    gateAndUp: found(`layers.${i}.gate and up`, "c"),
    fed: found(`layers.${i}.fed forward`, "c"),
  }));
  const outputs = [logits, ...parts.flatMap((part) => Object.values(part).flat())];
  const read = traces.flatMap((trace) => trace ? [trace.q, trace.k] : []);
  const program = await executor.prepare(finish(tape, { name: "start", outputs: [...outputs, ...read] }));
  try {
    program.write(ids, Uint32Array.from({ length: B * T }, (_, i) => randomToken(i, config.vocabSize)));
    await program.run();
    const size = async ([tensor]: Tensor[]) => tensor ? rms(await program.read(tensor)) : NaN;
    const layers: LayerScales[] = [];
    for (const [layer, { stream, branches, mixed, gateAndUp, fed }] of parts.entries()) {
      const trace = traces[layer];
      layers.push({
        layer,
        stream: await size(stream),
        attentionLogits: trace ? await attentionLogits(program, trace) : NaN,
        branches: await size(branches),
        mixed: await size(mixed),
        gateAndUp: await size(gateAndUp),
        fed: await size(fed),
      });
    }
    return { layers, logits: rms(await program.read(logits)) };
  } finally {
    program.dispose();
    store.release(executor);
  }
}

const randomToken = (i: number, V: number) => randomInteger({ seed: 5, stream: 100, step: 0 }, i, V);

/** Heads and key heads of the measured models by width, as in the presets and the published 125M and 1.5B models. */
const HEADS: Readonly<Record<number, readonly [nHeads: number, nKvHeads: number]>> = {
  64: [4, 2],
  128: [4, 2],
  512: [8, 4],
  1600: [25, 5],
};

/** Four layers with the proportions of a preset or a published model. */
export function measuredModel(dModel: number, options: Partial<HymbaOptions>): HymbaConfig {
  const [nHeads, nKvHeads] = HEADS[dModel]!, sizes = { vocabSize: 1000, nLayers: 4, numMetaTokens: 8, swaWindow: 16 };
  const useMetaTokens = options.archType === ArchType.HYBRID;
  return new HymbaConfig({ ...sizes, dModel, nHeads, nKvHeads, useMetaTokens, ...options });
}

const MODELS = [ArchType.MAMBA, ArchType.TRANSFORMER_GLOBAL, ArchType.HYBRID];
const COLUMNS = ["stream", "attentionLogits", "branches", "mixed", "gateAndUp", "fed"] as const;

async function measureAll(executor: Executor): Promise<string> {
  const head = ["width", "deviation", "model", "layer", ...COLUMNS, "logits"], rows = [head.join(",")];
  const shown = (x: number) => Number.isNaN(x) ? "" : x.toPrecision(4);
  for (const dModel of Object.keys(HEADS).map(Number)) {
    for (const initDeviation of [PUBLISHED_DEVIATION, startDeviation(dModel)]) {
      for (const archType of MODELS) {
        const { layers, logits } = await startScales(executor, measuredModel(dModel, { archType, initDeviation }));
        for (const layer of layers) {
          const numbers = [...COLUMNS.map((name) => layer[name]), logits].map(shown);
          rows.push([dModel, initDeviation, archType, layer.layer, ...numbers].join(","));
        }
        console.error(rows.at(-1));
      }
    }
  }
  return rows.map((row) => `${row}\n`).join("");
}

/** The table of docs/initialisation.md: the means over the layers. */
export function scalesTable(csv: string): string {
  const [, ...rows] = csv.trim().split("\n").map((row) => row.split(","));
  const groups = Map.groupBy(rows, ([width, deviation, model]) => `${width},${deviation},${model}`);
  const shown = ["attentionLogits", "gateAndUp", "branches", "mixed", "fed"] as const;
  const lines = [...groups.values()].map((layers) => {
    const [width, deviation, model] = layers[0]!, places = shown.map((name) => 4 + COLUMNS.indexOf(name));
    const cells = [...places, 4 + COLUMNS.length].map((at) => {
      const mean = layers.reduce((sum, row) => sum + Number(row[at]), 0) / layers.length;
      return layers[0]![at] === "" ? "" : mean.toPrecision(2);
    });
    return [width, Number(deviation).toPrecision(2), `\`${model}\``, ...cells];
  });
  const head = ["D", "σ", "model", "scores", "gate and up", "branches", "mixer adds", "feed-forward adds", "logits"];
  return [head, head.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** The document with the table between its marks. */
export const withTable = (document: string, csv: string): string =>
  document.replace(/<!-- scales.csv -->[^]*?<!-- end -->/, `<!-- scales.csv -->\n${scalesTable(csv)}\n<!-- end -->`);

if (import.meta.main) {
  const executor = await CpuExecutor.create({ threads: 1 });
  try {
    await Deno.mkdir(RESULTS, { recursive: true });
    const csv = await measureAll(executor);
    await Deno.writeTextFile(new URL("scales.csv", RESULTS), csv);
    await Deno.writeTextFile(DOCUMENT, withTable(await Deno.readTextFile(DOCUMENT), csv));
  } finally {
    await executor.close();
  }
}
