/** One step of a plan taken out of it, to be timed or checked alone. */
import type { Data, Plan, Program } from "../plan/mod.ts";
import { fillNormal } from "../random.ts";
import { Arena, type Constant, type Step, Storage, type Tensor, tensorOver } from "../tensor/mod.ts";

/** The numbers of a whole storage. */
export type Contents = (storage: Storage) => Data;

export interface SingleStep {
  readonly plan: Plan;
  /** The storages of the step in its old plan, and the inputs that stand for them. */
  readonly inputs: ReadonlyMap<Storage, Tensor>;
  readonly writes: Readonly<Record<string, Tensor>>;
  /** Of storages too long to be bound whole; whoever prepares the plan releases them. */
  readonly arenas: readonly Arena[];
}

/** Numbers drawn before they repeat. */
const DRAWN = 2 ** 20;

/** Storages of this many elements cannot be bound whole everywhere (128 MiB); kernels cut them where they lie in an arena. */
const LONG = 2 ** 25;

/** The step `count` times over, on storages of its own that lie in no arena, or in arenas of their own where they are long. */
export function singleStep(step: Step, { count }: { count: number }): SingleStep {
  const inputs = new Map<Storage, Tensor>(), arenas: Arena[] = [];
  const placeFor = ({ name, elements, pinned }: Storage) => {
    if (!pinned || elements < LONG) return undefined;
    arenas.push(new Arena(name, elements));
    return { arena: arenas.at(-1)!, offset: 0 };
  };
  const moved = (x: Tensor): Tensor => {
    const { name, elements, dtype } = x.storage, known = inputs.get(x.storage);
    const input = known ?? tensorOver(new Storage(name, elements, dtype, placeFor(x.storage)), [elements]);
    inputs.set(x.storage, input);
    return { ...x, storage: input.storage };
  };
  const all = (tensors: Readonly<Record<string, Tensor>>) =>
    Object.fromEntries(Object.entries(tensors).map(([role, x]) => [role, moved(x)]));
  const alone: Step = { ...step, reads: all(step.reads), writes: all(step.writes) };
  const written = Object.values(alone.writes);
  const plan: Plan = {
    name: step.op,
    forwardSteps: count,
    steps: Array.from({ length: count }, () => alone),
    inputs: [...inputs.values()],
    constants: [],
    outputs: written,
    metrics: [tensorOver(written[0]!.storage, [1])],
  };
  return { plan, inputs, writes: alone.writes, arenas };
}

/** Gives every storage of the step its numbers. */
export function fill(program: Program, { inputs }: SingleStep, contents: Contents): void {
  for (const [storage, input] of inputs) program.write(input, contents(storage));
}

/** Two 16-bit floats in a word: 0.1 each in bf16, 1.45 in f16. */
const SMALL_HALVES = 0x3dcd3dcd;

/** Numbers for timing: constants of the plan as they are, tokens below `V`, and small normal numbers, in 16 bits where they are kept so. */
export function drawnContents(
  constants: readonly Constant[],
  { V, steps = [] }: { V: number; steps?: readonly Step[] },
): Contents {
  const packed = new Set(steps.filter(({ op }) => op === "pack_halves").map(({ writes }) => writes.words!.storage));
  return (storage) => {
    const constant = constants.find(({ tensor }) => tensor.storage === storage);
    if (constant) return constant.data;
    if (packed.has(storage)) return new Uint32Array(storage.elements).fill(SMALL_HALVES);
    if (storage.dtype === "u32") return Uint32Array.from({ length: storage.elements }, (_, i) => i * 7 % V);
    const values = new Float32Array(storage.elements), drawn = values.subarray(0, DRAWN);
    fillNormal(drawn, { seed: 1, stream: 100, step: storage.elements });
    for (let i = 0; i < drawn.length; i++) drawn[i] = 0.1 * Math.abs(drawn[i]!);
    for (let at = DRAWN; at < values.length; at += DRAWN) values.copyWithin(at, 0, DRAWN);
    return values;
  };
}
