/**
 * Compares generation with PyTorch at batch 1: same model, same weights, same cores, in turns in one run, by the clock and by the
 * processor's time. Both sides run on each number of threads. They must make the same logits (1e-4) and the same tokens.
 *
 *     deno run -A tests/bench/peers/torch/decode.ts [--shape=peers] [--models=a,b] [--context=N] [--rounds=N] [--steps=N] [--threads=1,2] [--out=FILE]
 */
import { table } from "../../../../cli/ui/table.ts";
import { intervalOf } from "../../../../core/bench/decode.ts";
import { benchShape } from "../../../../core/bench/shapes.ts";
import { ARCH_TYPES, type Arm, type HymbaConfig, layersOf } from "../../../../core/config/mod.ts";
import { CpuExecutor } from "../../../../core/cpu/mod.ts";
import { DecodeSession } from "../../../../core/infer/session.ts";
import { at } from "../../../../core/lists.ts";
import { encodeSafetensors } from "../../../../core/params/safetensors.ts";
import { parameterCount } from "../../../../core/params/specs.ts";
import { ParameterStore } from "../../../../core/params/store.ts";
import { loadStudent } from "../../../../core/student.ts";
import { takeArena } from "../../../../core/train/snapshot.ts";
import { type DecodePeer, type DecodePeers, peerRows, type Taken } from "./decode_report.ts";
import { Torch } from "./decode_process.ts";

const option = (name: string, fallback: string) =>
  Deno.args.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3) ?? fallback;
const shape = option("shape", "peers"), context = Number(option("context", "256"));
const rounds = Number(option("rounds", "9")), steps = Number(option("steps", "64"));
const threads = option("threads", "1,2").split(",").map(Number), models = option("models", ARCH_TYPES.join(","));

/** What decode.py is told of the model. */
function described(config: HymbaConfig, length: number): string {
  const { nHeads: H, nKvHeads: G, headDim: K, valueHeadDim: Kv, innerDim: I, stateSize: N, dtRank: R, normEps: eps } =
    config;
  const layers = layersOf(config).map(({ index, attention, mamba, window, kvOwner }) => ({
    ...{ attention, mamba, window, owner: kvOwner, owns: attention && kvOwner === index },
  }));
  return JSON.stringify({ H, G, K, Kv, I, N, R, eps, meta: config.metaTokens, length, layers });
}

/** One side on one number of threads. */
interface Side {
  readonly name: "hymba" | "torch";
  readonly threads: number;
  /** Takes the prompt; returns the logits behind it. */
  start(prompt: Uint32Array<ArrayBuffer>): Promise<ArrayLike<number>>;
  /** Makes so many tokens; returns the last, and what they took (seconds). */
  round(count: number): Promise<Taken & { readonly token: number }>;
  close(): Promise<void>;
}

async function ourSide(config: HymbaConfig, { threads, length }: { threads: number; length: number }): Promise<Side> {
  const executor = await CpuExecutor.create({ threads }), store = new ParameterStore(config);
  store.initialise(executor, 1);
  const session = await DecodeSession.create(executor, store, { B: 1, length });
  let read = 0;
  const round = async (count: number) => {
    const start = performance.now(), busy = process.cpuUsage();
    for (let i = 0; i < count; i++) await session.step();
    await session.settled();
    const seconds = (performance.now() - start) / 1000, { user, system } = process.cpuUsage(busy);
    const rows = await session.drawn(read);
    read += count;
    return { seconds, processor: (user + system) / 1e6, token: at(at(rows, -1), 0) };
  };
  return {
    ...{ name: "hymba", threads, round },
    start: async (prompt) => {
      await session.append([prompt]);
      await round(1);
      return await session.logits();
    },
    close: async () => {
      session.dispose();
      await executor.close();
    },
  };
}

function theirSide(weights: string, { threads, described }: { threads: number; described: string }): Side {
  const torch = new Torch({ weights, config: described, threads });
  return {
    ...{ name: "torch", threads },
    start: async (prompt) => await torch.ask(`start ${prompt.join(" ")}`) as number[],
    round: async (count) => await torch.ask(`round ${count}`) as Taken & { token: number },
    close: () => torch.close(),
  };
}

/** The initial weights of a model, which are those of every executor, as a file that decode.py reads. */
async function weightsFile(config: HymbaConfig): Promise<string> {
  const executor = await CpuExecutor.create({ threads: 1 }), store = new ParameterStore(config);
  store.initialise(executor, 1);
  const file = await Deno.makeTempFile({ suffix: ".safetensors" });
  await Deno.writeFile(file, encodeSafetensors(await takeArena(executor, store, "parameters"), {}));
  await executor.close();
  return file;
}

const rms = (values: readonly number[]) => Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / values.length);

/** The largest difference of logits from the first side's, relative to their size. */
function differences(all: readonly ArrayLike<number>[]): number {
  const first = Array.from(at(all, 0)), size = rms(first);
  return Math.max(...all.map((other) => rms(first.map((x, i) => x - at(other, i))) / size));
}

async function compared({ name, config }: Arm): Promise<DecodePeer> {
  const weights = await weightsFile(config), length = context + steps * (rounds + 1) + 1;
  const ours = await Promise.all(threads.map((count) => ourSide(config, { threads: count, length })));
  const told = described(config, length);
  const sides = [...ours, ...threads.map((count) => theirSide(weights, { threads: count, described: told }))];
  const prompt = Uint32Array.from({ length: context }, (_, t) => (7 * t + 3) % config.vocabSize);
  const taken = sides.map((): Taken[] => []), logits: ArrayLike<number>[] = [];
  for (const side of sides) logits.push(await side.start(prompt));
  for (let i = 0; i <= rounds; i++) {
    const tokens: number[] = [];
    for (const [s, side] of sides.entries()) {
      const { seconds, processor, token } = await side.round(steps);
      tokens.push(token);
      if (i > 0) at(taken, s).push({ seconds: seconds / steps, processor: processor / steps });
    }
    if (new Set(tokens).size > 1) throw new Error(`${name}: other tokens in round ${i}: ${tokens.join(", ")}`);
  }
  for (const side of sides) await side.close();
  await Deno.remove(weights);
  return {
    ...{ model: name, parameters: parameterCount(config), logits_error: differences(logits) },
    sides: sides.map(({ name, threads }, s) => ({ name, threads, rounds: at(taken, s) })),
  };
}

/** Milliseconds, over all rounds. */
function shown(rounds: readonly Taken[], of: keyof Taken): string {
  const { mean, low, high } = intervalOf(rounds.map((taken) => 1000 * taken[of]));
  return `${mean.toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)})`;
}

await loadStudent();
const found: DecodePeer[] = [];
for (const arm of benchShape(shape, { models: models.split(",") }).arms) found.push(await compared(arm));
console.log(table([
  ["model", "side", "threads", "ms a token", "processor ms a token"],
  ...found.flatMap(({ model, sides }) =>
    sides.map(({ name, threads, rounds }) => [
      ...[model, name, `${threads}`, shown(rounds, "seconds"), shown(rounds, "processor")],
    ])
  ),
]));
const report: DecodePeers = { shape, context, rounds, steps, ...await Torch.about(), models: found };
console.log(
  `\n${table(peerRows(report))}\n\n${shape}, batch 1, context ${context}, ${rounds} rounds of ${steps} tokens in turns`,
);
if (found.some(({ logits_error }) => !(logits_error < 1e-4))) throw new Error("the logits are not the same");
const out = option("out", "");
if (out !== "") await Deno.writeTextFile(out, `${JSON.stringify(report, null, 1)}\n`);
