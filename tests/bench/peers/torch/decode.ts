/**
 * Compares generation with PyTorch at batch 1: same model, same weights, same cores, in turns in one run. Both sides must make the same
 * logits (1e-4) and the same tokens.
 *
 *     deno run -A tests/bench/peers/torch/decode.ts [--models=a,b] [--context=N] [--rounds=N] [--steps=N] [--threads=N] [--out=FILE]
 */
import { fileURLToPath } from "node:url";
import { table } from "../../../../cli/ui/table.ts";
import { intervalOf } from "../../../../core/bench/decode.ts";
import { benchShape } from "../../../../core/bench/shapes.ts";
import { ARCH_TYPES, type Arm, type HymbaConfig, layersOf } from "../../../../core/config/mod.ts";
import { CpuExecutor } from "../../../../core/cpu/mod.ts";
import { DecodeSession } from "../../../../core/infer/session.ts";
import { encodeSafetensors } from "../../../../core/params/safetensors.ts";
import { ParameterStore } from "../../../../core/params/store.ts";
import { loadStudent } from "../../../../core/student.ts";
import { takeArena } from "../../../../core/train/snapshot.ts";

const option = (name: string, fallback: string) =>
  Deno.args.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3) ?? fallback;
const context = Number(option("context", "256")),
  rounds = Number(option("rounds", "9")),
  steps = Number(option("steps", "64"));
const threads = option("threads", "2"), models = option("models", ARCH_TYPES.join(",")).split(",");

/** Variables of OpenBLAS and OpenMP as in run.ts. */
const { OPENBLAS_CORETYPE: _core, OPENBLAS_L2_SIZE: _size, ...environment } = Deno.env.toObject();

/** The description of the model for decode.py. */
function described(config: HymbaConfig, length: number): string {
  const { nHeads: H, nKvHeads: G, headDim: K, valueHeadDim: Kv, innerDim: I, stateSize: N, dtRank: R, normEps: eps } =
    config;
  const layers = layersOf(config).map(({ index, attention, mamba, window, kvOwner }) => ({
    ...{ attention, mamba, window, owner: kvOwner, owns: attention && kvOwner === index },
  }));
  return JSON.stringify({ H, G, K, Kv, I, N, R, eps, meta: config.metaTokens, length, layers });
}

/** decode.py as a process that answers each line with one line of JSON. */
class Torch {
  readonly #process: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #lines: AsyncIterator<string>;

  constructor(weights: string, config: string) {
    const script = fileURLToPath(new URL("decode.py", import.meta.url));
    this.#process = new Deno.Command("/usr/bin/python3", {
      args: [script, weights, config, "--threads", threads],
      env: { ...environment, OMP_WAIT_POLICY: "PASSIVE" },
      clearEnv: true,
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#writer = this.#process.stdin.getWriter();
    this.#lines = linesOf(this.#process.stdout);
  }

  async ask(line: string): Promise<unknown> {
    await this.#writer.write(new TextEncoder().encode(`${line}\n`));
    const { value, done } = await this.#lines.next();
    if (done) throw new Error("decode.py ended");
    return JSON.parse(value);
  }

  async close(): Promise<void> {
    await this.#writer.close();
    await this.#process.status;
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  for await (const part of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + part).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

const rms = (values: readonly number[]) => Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / values.length);

async function compared({ name, config }: Arm) {
  const executor = await CpuExecutor.create({ threads: Number(threads) }), store = new ParameterStore(config);
  const weights = await Deno.makeTempFile({ suffix: ".safetensors" }), length = context + steps * (rounds + 1) + 1;
  store.initialise(executor, 1);
  await Deno.writeFile(weights, encodeSafetensors(await takeArena(executor, store, "parameters"), {}));
  const torch = new Torch(weights, described(config, length));
  const session = await DecodeSession.create(executor, store, { B: 1, length });
  const prompt = Uint32Array.from({ length: context }, (_, t) => (7 * t + 3) % config.vocabSize);
  await session.append([prompt]);
  const theirLogits = await torch.ask(`start ${prompt.join(" ")}`) as number[];
  let ours = await round(session);
  const error = rms([...ours.logits].map((x, i) => x - theirLogits[i]!)) / rms(theirLogits);
  const mine: number[] = [], theirs: number[] = [];
  let read = 1;
  for (let i = 0; i <= rounds; i++) {
    ours = await round(session, steps);
    const rows = await session.drawn(read);
    read += steps;
    const other = await torch.ask(`round ${steps}`) as { seconds: number; token: number };
    if (rows.at(-1)![0] !== other.token) throw new Error(`${name}: another token than in PyTorch in round ${i}`);
    if (i > 0) {
      [mine, theirs].forEach((list, side) => list.push(1000 * (side === 0 ? ours.seconds : other.seconds) / steps));
    }
  }
  session.dispose();
  await torch.close();
  await executor.close();
  await Deno.remove(weights);
  const ratios = theirs.map((ms, i) => ms / mine[i]!), best = Math.min(...theirs) / Math.min(...mine);
  return {
    arm: name,
    logits_error: error,
    ours_ms: intervalOf(mine),
    torch_ms: intervalOf(theirs),
    ratio: intervalOf(ratios),
    best_ratio: best,
  };
}

/** Runs `count` steps of this engine and reads the logits. Default: the one step after the prompt. */
async function round(session: DecodeSession, count = 1) {
  const start = performance.now();
  for (let i = 0; i < count; i++) await session.step();
  await session.settled();
  return { seconds: (performance.now() - start) / 1000, logits: await session.logits() };
}

await loadStudent();
const found = [];
for (const arm of benchShape("peers", { models }).arms) found.push(await compared(arm));
const text = ({ mean, low, high }: { mean: number; low: number; high: number }) =>
  `${mean.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`;
console.log(table([
  ["model", "hymba ms a token", "PyTorch ms a token", "times as fast", "best rounds", "logits differ by"],
  ...found.map(({ arm, ours_ms, torch_ms, ratio, best_ratio, logits_error }) => [
    ...[arm, text(ours_ms), text(torch_ms), text(ratio), best_ratio.toFixed(2), logits_error.toExponential(1)],
  ]),
]));
console.log(`\npeers, batch 1, context ${context}, ${threads} threads, ${rounds} rounds of ${steps} tokens in turns`);
if (found.some(({ logits_error }) => !(logits_error < 1e-4))) throw new Error("the logits are not the same");
const out = option("out", "");
if (out !== "") {
  await Deno.writeTextFile(out, `${JSON.stringify({ context, threads, rounds, steps, arms: found }, null, 1)}\n`);
}
