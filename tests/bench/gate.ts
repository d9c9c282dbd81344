/**
 * Compares the speed of hot kernels with a baseline: `deno run -A tests/bench/gate.ts [--adapter=TEXT] [--write]`. Speeds are shares
 * of the adapter's peaks, which are measured in the same minute. Prints shares and baseline, and fails when a share is more than 30 %
 * below the baseline. `--write` saves the shares as the new baseline of this class of adapters.
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { table } from "../../cli/ui/table.ts";
import { EXACT_TIMESTAMPS } from "../../core/backend/mod.ts";
import { at } from "../../core/lists.ts";
import { ParameterStore } from "../../core/params/store.ts";
import type { Plan, Program } from "../../core/plan/mod.ts";
import { trainingPlan } from "../../core/train/plans.ts";
import { type Cost, costOf, leastSeconds } from "../../core/bench/cost.ts";
import { type Kind, kindsOf } from "../../core/bench/kernels.ts";
import { benchShape } from "../../core/bench/shapes.ts";
import { drawnContents, fill, singleStep } from "../../core/bench/single_step.ts";
import { deviceSeconds, kernelTime } from "../../core/bench/timing.ts";
import { openWebgpu, type OwnedWebgpuExecutor, type WebgpuExecutor } from "../../core/webgpu/mod.ts";
import { copyProbe, MULTIPLY_ADD_VARIANTS, multiplyAddProbe, type Probe } from "../../core/webgpu/peak.ts";

export const BASELINE_FILE = new URL("gate_baseline.json", import.meta.url);

/** Shares of the peak by name of the kernel. */
export type Shares = Readonly<Record<string, number>>;

export interface Baseline {
  readonly adapter: string;
  readonly shares: Shares;
}

/** The smallest allowed share, as a part of the baseline. */
const KEPT = 0.7;
/** The ops that take most of the time of a training step. */
export const HOT_OPS: readonly string[] = [
  "matmul",
  "attention_forward",
  "attention_backward",
  "selective_scan_forward",
  "selective_scan_backward",
  "linear_logp_forward",
  "linear_logp_backward",
  "causal_conv_backward",
  "rmsnorm_forward",
  "rmsnorm_backward",
  "swiglu_backward",
  "adamw",
];
/** The fewest rounds for every kernel and probe. The best round counts, because a busy machine disturbs most of them. */
const LEAST_ROUNDS = 8;
/** On a software adapter a kernel is repeated until a run has this much work, so that the host's cost of a run is negligible. */
const RUN_FLOPS = 5e7, RUN_BYTES = 2e7, MOST_TIMES = 64;
/** Vectors of four that an invocation of the copy probe moves. */
const COPIED_QUADS = 4;

/** The class of the adapter. Software adapters differ a lot, so each kind is its own class. */
export const classOf = ({ adapterClass, info }: OwnedWebgpuExecutor["opened"]): string =>
  adapterClass === "software" ? info.kind : adapterClass;

/** The kernels whose share is too far below the baseline, and those without a baseline. */
export const fallen = (shares: Shares, baseline: Shares): string[] =>
  Object.entries(shares).filter(([name, share]) => !(share >= KEPT * (baseline[name] ?? Infinity))).map(([name]) =>
    name
  );

/** Opens an executor whose timestamps are not rounded to 0.1 ms. */
export const openExact = (adapter?: string): Promise<OwnedWebgpuExecutor> =>
  openWebgpu({ adapter, toggles: EXACT_TIMESTAMPS });

interface Timed {
  readonly program: Program;
  /** The shortest run so far (s). */
  seconds: number;
}

interface Kernel extends Timed {
  readonly name: string;
  readonly cost: Cost;
}

interface Options {
  readonly ops?: readonly string[];
  /** The longest time for rounds (s). They end earlier when nothing is below `baseline`. */
  readonly seconds: number;
  readonly baseline: Shares;
  /** Repeats each launch, which makes a kernel slow on purpose, to test the gate. */
  readonly repeated?: number;
}

/**
 * The largest step of each op, pass and transposition in a training step of `hymba` with the shape `peers`. On software adapters the
 * batch is one sequence, so that there is time for many rounds.
 */
function hotKinds(
  ops: readonly string[],
  { software }: { software: boolean },
): { plan: Plan; kinds: Map<string, Kind>; V: number } {
  const { arms, B, T } = benchShape("peers", { models: ["hymba"] }), { config } = at(arms, 0);
  const { plan } = trainingPlan(new ParameterStore(config), { B: software ? 1 : B, T, decay: 0.1 }),
    kinds = new Map<string, Kind>();
  for (const kind of kindsOf(plan, ops)) {
    const { op, attributes: { transA, transB }, flops } = kind.step;
    const name = [op.name, kind.pass, transA ? "aT" : "", transB ? "bT" : ""].filter(Boolean).join(" ");
    if (flops > (kinds.get(name)?.step.flops ?? -1)) kinds.set(name, kind);
  }
  return { plan, kinds, V: config.vocabSize };
}

interface Probes {
  readonly multiply: readonly (Timed & { work: number })[];
  readonly copy: readonly (Timed & { work: number })[];
}

async function probesOf(executor: WebgpuExecutor): Promise<Probes> {
  const software = isSoftware(executor), unrolled = MULTIPLY_ADD_VARIANTS.filter(({ unroll }) => unroll > 1);
  const multiply = unrolled.map((variant) => probe(executor, multiplyAddProbe(variant, { software })));
  return { multiply: await Promise.all(multiply), copy: [await probe(executor, copyProbe(COPIED_QUADS))] };
}

async function probe(executor: WebgpuExecutor, { plan, launches, input, flops, bytes }: Probe) {
  const program = await executor.prepareLaunches(plan, launches);
  program.write(input.x, input.data);
  return { program, seconds: Infinity, work: flops || bytes };
}

async function kernelsOf(executor: WebgpuExecutor, { ops = HOT_OPS, repeated = 1 }: Options): Promise<Kernel[]> {
  const software = isSoftware(executor), kernels: Kernel[] = [];
  const { plan, kinds, V } = hotKinds(ops, { software }), contents = drawnContents(plan.constants, { V });
  for (const [name, { step }] of kinds) {
    const { flops, bytes } = costOf(step), enough = Math.ceil(1 / Math.max(flops / RUN_FLOPS, bytes / RUN_BYTES));
    const count = software ? Math.min(MOST_TIMES, enough) : 1, single = singleStep(step, { count });
    const launches = executor.lower(single.plan).flatMap((launch) => Array.from({ length: repeated }, () => launch));
    const program = await executor.prepareLaunches(single.plan, launches);
    fill(program, single, contents);
    kernels.push({
      name,
      cost: { flops: count * flops, bytes: count * bytes, exponentials: 0 },
      program,
      seconds: Infinity,
    });
  }
  return kernels;
}

function sharesOf(kernels: readonly Kernel[], { multiply, copy }: Probes): Shares {
  const most = (probes: Probes["copy"]) => Math.max(...probes.map(({ work, seconds }) => work / seconds));
  const roofline = { flops: most(multiply), bytes: most(copy), exponentials: Infinity };
  return Object.fromEntries(kernels.map(({ name, cost, seconds }) => [name, leastSeconds(cost, roofline) / seconds]));
}

/** The shares of all hot kernels: least possible time divided by the best time of several rounds. Probes and kernels take turns. */
export async function measuredShares(executor: WebgpuExecutor, options: Options): Promise<Shares> {
  const kernels = await kernelsOf(executor, options), probes = await probesOf(executor);
  const all = [...probes.multiply, ...probes.copy], end = performance.now() + 1000 * options.seconds;
  try {
    for (let round = 1;; round++) {
      for (const [i, kernel] of kernels.entries()) {
        await again(kernel, executor);
        await again(at(all, i % all.length), executor);
      }
      for (const each of all) await again(each, executor);
      const shares = sharesOf(kernels, probes);
      if (round < LEAST_ROUNDS) continue;
      if (performance.now() > end || fallen(shares, options.baseline).length === 0) return shares;
    }
  } finally {
    for (const { program } of [...kernels, ...all]) program.dispose();
  }
}

/** Times one more run. The first run compiles. */
async function again(timed: Timed, executor: WebgpuExecutor): Promise<void> {
  const seconds = await (isSoftware(executor) ? processorSeconds : deviceTime)(timed.program);
  timed.seconds = Math.min(timed.seconds, seconds);
}

const isSoftware = ({ gpu }: WebgpuExecutor): boolean => gpu.adapterClass === "software";
const deviceTime = async (program: Program) => await deviceSeconds(program) ?? await kernelTime(program, { runs: 1 });

/** Processor time of a run over all threads (s). Other processes make a software adapter wait, but they do not change this time. */
async function processorSeconds(program: Program): Promise<number> {
  const before = process.cpuUsage();
  await program.run();
  await program.drainMetrics();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

export const readBaselines = async (): Promise<Record<string, Baseline>> =>
  JSON.parse(await Deno.readTextFile(BASELINE_FILE));

if (import.meta.main) {
  const { values } = parseArgs({
    options: { adapter: { type: "string" }, write: { type: "boolean", default: false } },
  });
  const executor = await openExact(values.adapter), all = await readBaselines(), name = classOf(executor.opened);
  const baseline = all[name]?.shares ?? {}, start = performance.now();
  const shares = await measuredShares(executor, {
    seconds: values.write ? 20 : 40,
    baseline: values.write ? {} : baseline,
  });
  const percent = (x: number | undefined) => x === undefined ? "—" : `${(100 * x).toFixed(1)} %`;
  console.log(table([
    ["kernel", "share of the peak", "baseline"],
    ...Object.entries(shares).map(([name, share]) => [name, percent(share), percent(baseline[name])]),
  ]));
  console.log(`\n${name}: ${executor.opened.info.name}, ${((performance.now() - start) / 1000).toFixed(0)} s`);
  await executor.close();
  const bad = fallen(shares, baseline);
  if (values.write) {
    const next = { ...all, [name]: { adapter: executor.opened.info.name, shares } };
    await Deno.writeTextFile(BASELINE_FILE, `${JSON.stringify(next, null, 2)}\n`);
  } else if (bad.length > 0) console.log(`more than 30 % below the baseline, or without a baseline: ${bad.join(", ")}`);
  Deno.exit(values.write || bad.length === 0 ? 0 : 1);
}
