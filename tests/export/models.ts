/** Models with weights at which every part matters, and their logits. */
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { armsOf, HymbaConfig } from "../../core/config/mod.ts";
import type { ExportedModel } from "../../core/export/mod.ts";
import { logitsOf } from "../../core/nn/model.ts";
import { ParameterStore } from "../../core/params/store.ts";
import { finish } from "../../core/plan/mod.ts";
import { fillNormal } from "../../core/random.ts";
import { sizeOf, Tape } from "../../core/tensor/mod.ts";
import type { Tokenizer } from "../../core/tokenizer/mod.ts";
import { fill } from "../infer/weights.ts";
import { furtherModels, SMALL, smallModels } from "../train/models.ts";

/** All architectures and many options. */
export const MODELS = [
  ...smallModels(),
  ...armsOf("arms", SMALL, ["samba", "falcon-h1"]).map(({ name, config }) => ({ name, config })),
  ...furtherModels(),
  {
    name: "heads that are wider than usual",
    config: new HymbaConfig({
      ...SMALL,
      layers: "4g",
      headDim: 10,
      valueHeadDim: 6,
      useMetaTokens: true,
      normEps: 1e-3,
      ropeBase: 50,
    }),
  },
];

/** What other programs have to reproduce: B sequences of T tokens, and their logits [B · T · V]. */
export interface Case {
  readonly ids: number[][];
  readonly logits: number[];
}

/** Makes norms, biases and skips differ from their start values, which are all alike. */
function unsettle(store: ParameterStore, executor: CpuExecutor): void {
  for (const [step, { name, shape, init }] of store.specs.entries()) {
    if (init.kind !== "constant") continue;
    const noise = fillNormal(new Float32Array(sizeOf(shape)), { seed: 9, stream: 100, step }, { deviation: 0.2 });
    executor.write(store.tensor(name), noise.map((x) => x + init.value));
  }
}

/** A model of a configuration, with weights of a fixed seed, and its logits on two sequences of `T` tokens. */
export async function madeModel(
  { name, config }: { name: string; config: HymbaConfig },
  { T = 17, tokenizer }: { T?: number; tokenizer?: Tokenizer } = {},
): Promise<{ model: ExportedModel; expected: Case }> {
  const executor = await CpuExecutor.create({ threads: 1 }), store = new ParameterStore(config);
  store.initialise(executor, 3);
  fill(store, executor);
  unsettle(store, executor);
  const weights = await store.read(executor), B = 2;
  const ids = Array.from(
    { length: B },
    (_, b) => Array.from({ length: T }, (_, t) => (7 * t + 5 * b + t * t) % config.vocabSize),
  );
  const logits = await logitsFrom(executor, store, ids);
  await executor.close();
  return {
    model: { name, config, sequenceLength: T, weights, tokenizer, source: "a test" },
    expected: { ids, logits },
  };
}

/** The logits [B · T · V] of a model on sequences of one length. */
export async function logitsOfModel({ config, weights }: ExportedModel, ids: readonly number[][]): Promise<number[]> {
  const executor = await CpuExecutor.create({ threads: 1 }), store = new ParameterStore(config);
  store.write(executor, weights);
  const found = await logitsFrom(executor, store, ids);
  await executor.close();
  return found;
}

async function logitsFrom(executor: CpuExecutor, store: ParameterStore, ids: readonly number[][]): Promise<number[]> {
  const tape = new Tape(false), input = tape.input("ids", [ids.length, ids[0]?.length ?? 0], { dtype: "u32" });
  const logits = logitsOf(tape, input, store);
  const program = await executor.prepare(finish(tape, { name: "logits", outputs: [logits] }));
  program.write(input, Uint32Array.from(ids.flat()));
  await program.run();
  const found = Array.from(await program.read(logits));
  program.dispose();
  return found;
}
