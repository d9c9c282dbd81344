/** `hymba bench all`: everything that a first day with a GPU should find out, in parts. */
import { type BackendOptions, EXACT_TIMESTAMPS, type OpenBackend, openBackend } from "../../backend/mod.ts";
import { HymbaError } from "../../errors.ts";
import { doctorPart } from "./doctor.ts";
import { goldenPart } from "./golden.ts";
import { kernelsPart } from "./kernels.ts";
import { lossesPart } from "./losses.ts";
import { memoryPart } from "./memory.ts";
import { Absent, Clock, type Found, type Part, type PartContext, type PartFile, type State } from "./part.ts";
import { peaksPart } from "./peaks.ts";
import { predictionsPart } from "./predictions.ts";
import { stepsPart } from "./steps.ts";
import type { Once } from "../once.ts";
import { tunePart } from "./tune.ts";
import { hasTensorCores, type Variant, VARIANTS } from "./variants.ts";

export { partFileOf } from "./part.ts";
export type { PartFile, State, Table } from "./part.ts";

/** A part: its name, the most seconds that it may take, and what it does. */
export interface NamedPart {
  readonly name: string;
  readonly seconds: number;
  readonly run: Part;
}

/** A part for every way to compute. */
const forEach = (name: string, seconds: number, part: (variant: Variant) => Part): NamedPart[] =>
  VARIANTS.map((variant) => ({ name: `${name}-${variant.name}`, seconds, run: part(variant) }));

/** In the order in which they run: what matters most comes first. Together they take less than eight minutes. */
export const PARTS: readonly NamedPart[] = [
  { name: "doctor", seconds: 10, run: doctorPart },
  { name: "peaks", seconds: 20, run: peaksPart },
  ...forEach("golden", 15, goldenPart),
  ...forEach("steps", 30, stepsPart),
  { name: "predictions", seconds: 30, run: predictionsPart },
  ...forEach("kernels", 20, kernelsPart),
  { name: "memory", seconds: 10, run: memoryPart },
  { name: "losses", seconds: 80, run: lossesPart },
  { name: "tune", seconds: 60, run: tunePart },
];

/** Share of its time after which a part starts nothing new. At the end of its time it is killed. */
const SOFT = 0.8;

/** What a part needs from outside. */
export interface PartOptions extends Omit<PartContext, "clock" | "open" | "keep" | "once" | "adapter"> {
  readonly where: BackendOptions;
  readonly seconds: number;
  /** What an earlier call has measured. Default: nothing. */
  readonly measured?: Readonly<Record<string, unknown>>;
  /** Writes the file of the part. */
  write(file: PartFile): Promise<void>;
}

/** Opens the executor of a variant. Throws Absent where this program or this adapter has no tensor cores. */
async function open(where: BackendOptions, variant: Variant | undefined): Promise<OpenBackend> {
  const usual = { ...where, toggles: EXACT_TIMESTAMPS };
  if (!variant?.tensorCores) return await openBackend(usual);
  if (!hasTensorCores()) throw new Absent("not in this build: it has no kernels for tensor cores");
  try {
    return await openBackend({ ...usual, tensorCores: true });
  } catch (error) {
    if (error instanceof HymbaError && /tensor cores/.test(error.parts.message)) throw new Absent(error.message);
    throw error;
  }
}

/** The measurements of a part, which `save` writes as soon as one was made. */
function keeper(
  part: string,
  { earlier, save }: { earlier: PartOptions["measured"]; save(): Promise<void> },
): { measured: Record<string, unknown>; once: Once } {
  const measured: Record<string, unknown> = { ...earlier };
  const once: Once = async (name, { as, measure }) => {
    if (Object.hasOwn(measured, name)) return as(measured[name], `the file of ${part}: ${name}`);
    const value = await measure();
    measured[name] = value;
    await save();
    return value;
  };
  return { measured, once };
}

/**
 * Runs a part in this process. What it finds, and how it ended, is in its file; only a failed write throws. The measurements of a part
 * that says itself that it failed are not for a later call: they may be what is wrong.
 */
export async function runPart({ name, run }: NamedPart, options: PartOptions): Promise<State> {
  const { where, seconds, write, measured: earlier, ...given } = options, start = performance.now();
  let found: Found = { result: {}, tables: [] };
  const { measured, once } = keeper(name, { earlier, save: () => save("running") });
  const save = (state: State, message = found.message) =>
    write({
      part: name,
      state,
      seconds: (performance.now() - start) / 1000,
      limit_s: seconds,
      ...(message !== undefined && { message }),
      tables: found.tables,
      result: found.result,
      ...(state !== "failed" && { measured }),
    });
  const keep = async (more: Found) => {
    found = more;
    await save("running");
  };
  const context: PartContext = {
    ...given,
    ...(where.adapter !== undefined && { adapter: where.adapter }),
    clock: new Clock(SOFT * seconds),
    open: (variant) => open(where, variant),
    keep,
    once,
  };
  const ended = await endOf(run, context);
  await save(ended.state, ended.message);
  return ended.state;
}

/** How a part ends. Every error is a result here: the other parts go on. */
async function endOf(run: Part, context: PartContext): Promise<{ state: State; message?: string }> {
  try {
    const left = await run(context);
    return left > 0
      ? { state: "stopped", message: `the time was up: ${left} measurements were left out` }
      : { state: "done" };
  } catch (error) {
    if (error instanceof Absent) return { state: "absent", message: error.message };
    if (error instanceof HymbaError) return { state: "failed", message: error.message };
    // A fault of the program is told with its stack.
    const message = error instanceof Error ? error.stack ?? error.message : String(error);
    return { state: "failed", message };
  }
}
