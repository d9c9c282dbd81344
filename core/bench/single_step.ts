/** A plan of one step, taken from another plan, to time or check the step alone. */
import type { Data, Plan, Program } from "../plan/mod.ts";
import { fillNormal } from "../random.ts";
import { Arena, type Constant, type Step, Storage, type Tensor, tensorOver } from "../tensor/mod.ts";
import { at } from "../lists.ts";

/** Gives the contents of a whole storage. */
export type Contents = (storage: Storage) => Data;

export interface SingleStep {
  readonly plan: Plan;
  /** The inputs of the plan, by the storages of the original plan that they replace. */
  readonly inputs: ReadonlyMap<Storage, Tensor>;
  readonly writes: Readonly<Record<string, Tensor>>;
  /** Arenas of storages that are too long to be bound whole. The caller releases them after use. */
  readonly arenas: readonly Arena[];
}

/** Number of random values, after which they repeat. */
const DRAWN = 2 ** 20;

/** Storages of this many elements (128 MiB) cannot be bound whole on every adapter. In an arena, kernels bind them in parts. */
const LONG = 2 ** 25;

/** The step, repeated `count` times, on new storages. Only long storages are in arenas, each in an arena of its own. */
export function singleStep(step: Step, { count }: { count: number }): SingleStep {
  const inputs = new Map<Storage, Tensor>(), arenas: Arena[] = [];
  const placeFor = ({ name, elements, pinned }: Storage) => {
    if (!pinned || elements < LONG) return undefined;
    arenas.push(new Arena(name, elements));
    return { arena: at(arenas, -1), offset: 0 };
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
    name: step.op.name,
    forwardSteps: count,
    steps: Array.from({ length: count }, () => alone),
    inputs: [...inputs.values()],
    constants: [],
    outputs: written,
    metrics: [tensorOver(at(written, 0).storage, [1])],
  };
  return { plan, inputs, writes: alone.writes, arenas };
}

/** Writes the contents of every storage of the step. */
export function fill(program: Program, { inputs }: SingleStep, contents: Contents): void {
  for (const [storage, input] of inputs) program.write(input, contents(storage));
}

/** A word of two equal 16-bit floats: 0.1 in bf16, 1.45 in f16. */
const SMALL_HALVES = 0x3dcd3dcd;

/** Contents for timing: the plan's own constants, tokens below `V`, and else small random numbers, in 16 bits where packed. */
export function drawnContents(
  constants: readonly Constant[],
  { V, steps = [] }: { V: number; steps?: readonly Step[] },
): Contents {
  const packed = new Set(
    steps.flatMap((step) => step.op.packs ? Object.values(step.writes).map(({ storage }) => storage) : []),
  );
  return (storage) => {
    const constant = constants.find(({ tensor }) => tensor.storage === storage);
    if (constant) return constant.data;
    if (packed.has(storage)) return new Uint32Array(storage.elements).fill(SMALL_HALVES);
    if (storage.dtype === "u32") return Uint32Array.from({ length: storage.elements }, (_, i) => i * 7 % V);
    const values = new Float32Array(storage.elements), drawn = values.subarray(0, DRAWN);
    fillNormal(drawn, { seed: 1, stream: 100, step: storage.elements });
    for (let i = 0; i < drawn.length; i++) drawn[i] = 0.1 * Math.abs(at(drawn, i));
    for (let at = DRAWN; at < values.length; at += DRAWN) values.copyWithin(at, 0, DRAWN);
    return values;
  };
}
