/** Runs the checks of the op tests against one WGSL file that has one fault. */
import type { Plan, Program } from "../../core/plan/mod.ts";
import { ReferenceExecutor, type ReferenceProgram, withHalfProducts } from "../../core/plan/mod.ts";
import type { AdapterClass } from "../../core/device/types.ts";
import type { Launch, LowerContext } from "../../core/webgpu/launch.ts";
import { WebgpuExecutor } from "../../core/webgpu/executor.ts";
import { Dice } from "../fuzz/dice.ts";
import { BOUNDS, type Bounds, type Built, compare, fillProgram, record } from "../ops/harness.ts";
import { CASES, TALL } from "./cases.ts";
import { guarded, type Guards } from "./guards.ts";
import type { Mutant } from "./mutator.ts";
import { loosened } from "./sizes.ts";

/** The result of a mutant; `stillborn` does not compile and does not count. */
export type Fate = "killed" | "survived" | "stillborn";

interface Case {
  readonly name: string;
  readonly bounds: Bounds;
  readonly built: Built;
  readonly guards: Guards;
  readonly truth: ReferenceProgram;
}

/** Four unit roundoffs of f16: a correct product of f16 operands stays below this, a wrong index does not. */
const F16_BOUNDS = { output: 2 ** -9, gradient: 2 ** -9 };

/**
 * A file as it appears in the text of a kernel, where `enable` lines have moved to the start: once, or as one copy for K and one for V
 * (core/webgpu/ops/attention.ts).
 */
function bodiesOf(source: string): string[] {
  const body = source.replace(/^enable \w+;\n/gm, "").trim();
  return body.includes("_COLUMNS") ? ["K", "V"].map((name) => body.replaceAll("COLUMNS", name)) : [body];
}

/**
 * Lowers as for an adapter of some class, with the text of one file replaced and sizes as uniforms, so that a mutant compiles once for
 * all its cases. Kernels without the file stay compiled.
 */
export class Mutating extends WebgpuExecutor {
  original: readonly string[] = [];
  mutant: readonly string[] = [];
  count = 0;

  constructor(base: WebgpuExecutor, adapterClass: AdapterClass) {
    super({ ...base.gpu, device: base.gpu.device, failure: () => base.gpu.failure(), adapterClass }, base);
  }

  /** Scans of GPUs are cut into spans, and so are the queries of meta tokens; these short ones would not be. */
  override context(): LowerContext {
    return { ...super.context(), ...(this.gpu.adapterClass === "software" ? {} : { scanSpans: 3, metaSpans: 2 }) };
  }

  override lower(plan: Plan): (Launch & { step: number })[] {
    return super.lower(plan).map((launch) => {
      const { name, code, run } = launch.kernel;
      if (!this.original.some((body) => code.includes(body))) return loosened(launch);
      const mutated = this.original.reduce((text, body, i) => text.replace(body, () => this.mutant[i] ?? body), code);
      return loosened({ ...launch, kernel: { name: `${name} mutant ${this.count}`, code: mutated, run } });
    });
  }

  /** The kernels' texts as they are written. */
  textsOf(plan: Plan): string[] {
    return super.lower(plan).map(({ kernel }) => kernel.code);
  }
}

/**
 * The first cases of the first op whose kernels contain the text of the file. If the op has tall cases, the last case is tall. For a
 * text that kernels share, also a quarter as many cases of each other such op, because each op uses other parts of it.
 */
export async function casesOf(
  executor: Mutating,
  source: string,
  { most, shared }: { most: number; shared: boolean },
): Promise<Case[]> {
  const found: Case[] = [], bodies = bodiesOf(source), half = source.startsWith("enable f16;");
  for (const [name, make] of Object.entries(CASES)) {
    const wanted = found.length === 0 ? most : shared ? Math.ceil(most / 4) : 0;
    for (let number = 0; number < wanted; number++) {
      const op = make(new Dice(3, number), number === wanted - 1 && TALL.has(name)),
        made = guarded(record(op)),
        { guards } = made;
      const built = half ? { ...made.built, plan: withHalfProducts(made.built.plan) } : made.built;
      if (!executor.textsOf(built.plan).some((code) => bodies.some((body) => code.includes(body)))) continue;
      const truth = await new ReferenceExecutor().prepare(built.plan);
      fillProgram(truth, built);
      await truth.run();
      const bounds = half ? F16_BOUNDS : op.bounds ?? BOUNDS;
      found.push({ name: `${name} ${number}`, bounds, built, guards, truth });
    }
  }
  return found;
}

async function passes(executor: Mutating, { name, bounds, built, guards, truth }: Case): Promise<boolean> {
  let program: Program | undefined;
  try {
    program = await executor.prepare(built.plan);
    guards.fill(executor);
    for (const { tensor, data } of built.plan.constants) program.write(tensor, data);
    fillProgram(program, built);
    await program.run();
    await compare(built, truth, { program, who: name, bounds });
    await guards.check(executor, name);
    return true;
  } catch {
    return false;
  } finally {
    program?.dispose();
    guards.release(executor);
  }
}

/** Whether the mutated file compiles for a case. */
async function compiles(executor: Mutating, { built }: Case): Promise<boolean> {
  try {
    (await executor.prepare(built.plan)).dispose();
    return true;
  } catch {
    return false;
  }
}

/** Runs the cases until one fails; reports after each. */
export async function fateOf(
  executor: Mutating,
  { code }: Pick<Mutant, "code">,
  { source, cases, onCase }: { source: string; cases: readonly Case[]; onCase(): void },
): Promise<Fate> {
  [executor.original, executor.mutant] = [bodiesOf(source), bodiesOf(code)];
  executor.count++;
  if (code !== source && !await compiles(executor, cases[0]!)) return "stillborn";
  for (const each of cases) {
    if (!await passes(executor, each)) return "killed";
    onCase();
  }
  return "survived";
}
