/**
 * This folder: parameters, start values, safetensors, checkpoints.
 * The parameters of one model with their gradients and moments: four arenas of one layout.
 */
import { HymbaError } from "../errors.ts";
import type { HymbaConfig } from "../config/mod.ts";
import type { Executor } from "../plan/mod.ts";
import { lossScaleState } from "../ops/loss_scale.ts";
import { Arena, pinOf, sizeOf, Storage, type Tensor, tensorOver } from "../tensor/mod.ts";
import { initialValues } from "./start_values.ts";
import { type ParameterSpec, parameterSpecs } from "./specs.ts";
import { present } from "../lists.ts";

/** Elements between the starts of two parameters are a multiple of this: bindings must start at 256 bytes. */
const ALIGNMENT = 64;

/** Elements of an arena that are copied to the host at a time (16 MiB). */
const PIECE = 2 ** 22;

/** A part of an arena, and the parameters in it: elements of the arena. */
interface Piece {
  readonly start: number;
  end: number;
  readonly members: { readonly name: string; readonly from: number; readonly to: number }[];
}

/** Neighbouring parameters that all have weight decay or all have none: the same range of each arena. */
export interface ParameterRange {
  readonly decay: boolean;
  readonly p: Tensor;
  readonly g: Tensor;
  readonly m: Tensor;
  readonly v: Tensor;
}

/** Neighbouring elements of the arenas that have the same weight decay and factor. */
interface Run {
  readonly decay: boolean;
  readonly factor: number;
  readonly start: number;
  end: number;
}

export type ArenaName = "parameters" | "gradients" | "firstMoments" | "secondMoments";

export class ParameterStore {
  readonly specs: readonly ParameterSpec[];
  readonly arenas: Readonly<Record<ArenaName, Arena>>;
  readonly ranges: readonly ParameterRange[];
  /** The state of loss scaling. Trainings without it do not use this. */
  readonly lossScale: Tensor = lossScaleState();
  readonly #sums: Arena;
  readonly #offsets = new Map<string, number>();
  readonly #storages = new Map<string, Storage>();

  constructor(readonly config: HymbaConfig) {
    this.specs = parameterSpecs(config);
    let at = 0;
    for (const { name, shape } of [true, false].flatMap((decay) => this.specs.filter((spec) => spec.decay === decay))) {
      this.#offsets.set(name, at);
      at += Math.ceil(sizeOf(shape) / ALIGNMENT) * ALIGNMENT;
    }
    const arena = (name: ArenaName) => new Arena(name, at);
    this.#sums = new Arena("sums of gradients", at);
    this.arenas = {
      parameters: arena("parameters"),
      gradients: arena("gradients"),
      firstMoments: arena("firstMoments"),
      secondMoments: arena("secondMoments"),
    };
    this.ranges = this.rangesBy(() => 1);
  }

  /**
   * {@link ranges}, divided where the factor changes from one parameter to the next.
   * `factorOf`: a number for each parameter.
   */
  rangesBy(factorOf: (spec: ParameterSpec) => number): (ParameterRange & { readonly factor: number })[] {
    const specs = new Map(this.specs.map((spec) => [spec.name, spec])), runs: Run[] = [];
    for (const [name, start] of this.#offsets) { // in the order of the arena
      const spec = present(specs.get(name), name), { decay } = spec, factor = factorOf(spec), last = runs.at(-1);
      const end = start + Math.ceil(sizeOf(spec.shape) / ALIGNMENT) * ALIGNMENT;
      if (last && last.decay === decay && last.factor === factor) last.end = end;
      else runs.push({ decay, factor, start, end });
    }
    return runs.map(({ factor, ...run }) => ({ ...this.#range(run), factor }));
  }

  #range({ decay, start, end }: Omit<Run, "factor">): ParameterRange {
    const part = (name: ArenaName) => {
      const place = { arena: this.arenas[name], offset: start };
      const storage = new Storage(`${name} ${decay ? "with" : "without"} decay`, end - start, "f32", place);
      return tensorOver(storage, [end - start]);
    };
    return { decay, p: part("parameters"), g: part("gradients"), m: part("firstMoments"), v: part("secondMoments") };
  }

  /** A parameter, or its gradient or moment in another arena. */
  tensor(name: string, arena: ArenaName = "parameters"): Tensor {
    const key = `${arena}/${name}`,
      spec = this.specs.find((spec) => spec.name === name),
      offset = this.#offsets.get(name);
    if (!spec || offset === undefined) throw new HymbaError(`the model has no parameter ${name}`);
    let storage = this.#storages.get(key);
    if (!storage) {
      storage = new Storage(name, sizeOf(spec.shape), "f32", { arena: this.arenas[arena], offset });
      this.#storages.set(key, storage);
    }
    return tensorOver(storage, spec.shape);
  }

  /** Writes the start values of a seed. */
  initialise(executor: Executor, seed: number): void {
    for (const [index, spec] of this.specs.entries()) {
      executor.write(this.tensor(spec.name), initialValues(spec, { seed, index }));
    }
  }

  /** Copies one arena to the host, by parameter name. Neighbours are read together, because on a GPU every read waits for the device. */
  async read(executor: Executor, arena: ArenaName = "parameters"): Promise<Record<string, Float32Array<ArrayBuffer>>> {
    const found = new Map<string, Float32Array<ArrayBuffer>>();
    for (const { start, end, members } of this.#pieces()) {
      const storage = new Storage(`${arena} from ${start}`, end - start, "f32", {
        arena: this.arenas[arena],
        offset: start,
      });
      const piece = await executor.read(tensorOver(storage, [end - start]));
      for (const { name, from, to } of members) {
        found.set(name, piece.slice(from - start, to - start) as Float32Array<ArrayBuffer>);
      }
    }
    return Object.fromEntries(this.specs.map(({ name }) => [name, present(found.get(name), name)]));
  }

  /** Runs of neighbouring parameters of at most PIECE elements, or one larger parameter. */
  #pieces(): Piece[] {
    const sizes = new Map(this.specs.map(({ name, shape }) => [name, sizeOf(shape)])), pieces: Piece[] = [];
    for (const [name, from] of this.#offsets) { // in the order of the arena
      const to = from + present(sizes.get(name), name), last = pieces.at(-1), member = { name, from, to };
      if (last && to - last.start <= PIECE) {
        last.end = to;
        last.members.push(member);
      } else pieces.push({ start: from, end: to, members: [member] });
    }
    return pieces;
  }

  /** Writes one arena from the host. Every parameter must be there with its size. */
  write(
    executor: Executor,
    values: Readonly<Record<string, Float32Array<ArrayBuffer>>>,
    arena: ArenaName = "parameters",
  ): void {
    for (const { name, shape } of this.specs) {
      const value = values[name];
      if (value?.length !== sizeOf(shape)) {
        throw new HymbaError(`${arena}: ${name} does not fit the model`, {
          expected: `[${shape}]`,
          got: value ? `${value.length} numbers` : "nothing",
        });
      }
      executor.write(this.tensor(name, arena), value);
    }
  }

  /** Where the gradients of one update's micro-batches are summed: the range of a gradient in an arena of its own. */
  sumOf(gradient: Tensor): Tensor {
    const { offset } = pinOf(gradient.storage);
    const place = { arena: this.#sums, offset };
    return tensorOver(new Storage(`sum of ${gradient.name}`, gradient.storage.elements, "f32", place), gradient.shape);
  }

  /** Frees all arenas. */
  release(executor: Executor): void {
    for (const arena of [...Object.values(this.arenas), this.#sums, pinOf(this.lossScale.storage).arena]) {
      executor.release(arena);
    }
  }
}
