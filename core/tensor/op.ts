/**
 * An op is one typed value: its name, its attributes, the tensors that it reads and writes with their shapes, its cost, and what
 * passes over a plan may do with it. Executors implement ops, and passes read these properties. Nothing matches an op by its name.
 */
import { HymbaError } from "../errors.ts";
import { describe, type Tensor } from "./tensor.ts";

/** Part of a training step that an op belongs to. `any`: used in several (a matrix product, a rotation). */
export type Phase = "forward" | "backward" | "update" | "decoding" | "any";

/** Scalars of a step: sizes, switches (0 or 1), small constants. A name that ends in `?` may be missing. */
export type Attributes<A extends string = string> =
  & { readonly [K in A as K extends `${string}?` ? never : K]: number }
  & { readonly [K in A as K extends `${infer O}?` ? O : never]?: number };

/** The shape of each role; see {@link defineOp}. */
export type Shapes = Readonly<Record<string, string>>;

/** The values of roles. A shape that ends in `?` is optional; a role `g#` stands for g0, g1, and so on. */
export type Roles<S extends Shapes, T> = string extends keyof S ? Readonly<Record<string, T>>
  :
    & { readonly [K in keyof S as S[K] extends `${string}?` ? never : K extends `${string}#` ? never : K]: T }
    & { readonly [K in keyof S as S[K] extends `${string}?` ? K : never]?: T }
    & { readonly [K in keyof S as K extends `${infer O}#` ? `${O}${number}` : never]: T };

type RoleName<S extends Shapes> = string extends keyof S ? string : keyof S & string;

/** How to compute an output again from another tensor that is kept anyway. */
export interface Recomputation {
  /** The role of the output. */
  readonly output: string;
  /** The tensor that the output is computed from. */
  readonly source: Tensor;
  /** Reads of the repeated step. */
  readonly reads: Readonly<Record<string, Tensor>>;
  /** Roles that the repeated step writes. */
  readonly writes: readonly string[];
}

export interface Op<
  N extends string = string,
  A extends string = string,
  R extends Shapes = Shapes,
  W extends Shapes = Shapes,
> {
  readonly name: N;
  readonly phase: Phase;
  readonly attributes: readonly A[];
  readonly reads: R;
  readonly writes: W;
  /** Multiplications and additions that the mathematics needs. */
  flops(attributes: Attributes<A>, reads: Roles<R, Tensor>): number;
  /** Exponentials, for ops with one exponential for every few flops. */
  exponentials?(attributes: Attributes<A>): number;
  /** Number of elements that are read of a role, if these are not all: rows of an embedding table. */
  elementsRead?(role: string, attributes: Attributes<A>): number | undefined;
  /** Writes that must stay in f32 until the backward pass. */
  readonly exactWrites?: readonly RoleName<W>[];
  /** Reads that need their tensor in f32. */
  readonly exactReads?: readonly RoleName<R>[];
  /** Reads that every executor also accepts as words of two 16-bit floats. */
  readonly packedReads?: readonly RoleName<R>[];
  /** The op is a matrix product that may round its operands to f16 where its attribute `f16` is set and `exact` is not. */
  readonly mayRoundOperands?: boolean;
  /** The order of the op's sums depends on the number of rows: its attribute `likeRows`, or where that is missing its own. */
  readonly sumsDependOnRows?: boolean;
  /** The op writes numbers as words of two 16-bit floats, which rounds them. */
  readonly packs?: boolean;
  /** Results of matrix products that the op multiplies with each other, so that their relative errors add up. */
  readonly multipliedProducts?: number;
  /** How an output is recomputed, where that costs less than keeping it. */
  recompute?(reads: Roles<R, Tensor>, writes: Roles<W, Tensor>): Recomputation;
}

export type AttributesOf<O> = O extends Op<string, infer A, Shapes, Shapes> ? Attributes<A> : never;
export type ReadsOf<O> = O extends Op<string, string, infer R, Shapes> ? Roles<R, Tensor> : never;
export type WritesOf<O> = O extends Op<string, string, Shapes, infer W> ? Roles<W, Tensor> : never;

/**
 * Defines an op. A shape is dimensions with spaces between: `"B T 2 I"`. A dimension is a number, an attribute, or a sum,
 * difference or product of these without spaces (`M+T`, `2*F`, `J-1`). `?` at the end marks an optional role, `*` any shape.
 * The shapes count elements: a matrix [R, D] may be given as [B, T, D].
 */
export function defineOp<
  const N extends string,
  const A extends string,
  const R extends Shapes,
  const W extends Shapes,
>(op: Op<N, A, R, W>): Op<N, A, R, W> {
  return op;
}

/** The dimensions of a role's shape for given attributes; undefined where any shape will do. */
export function dimensionsOf(shape: string, attributes: Attributes): number[] | undefined {
  const words = shape.replace(/\s*\?$/, "").split(" ");
  return words[0] === "*" ? undefined : words.map((word) => valueOf(word, attributes));
}

function valueOf(expression: string, attributes: Attributes): number {
  let value = 0, sign = 1;
  for (const [, operator, term = ""] of expression.matchAll(/([+-]?)([^+-]+)/g)) {
    sign = operator === "-" ? -1 : 1;
    value += sign * term.split("*").reduce((product, factor) => product * factorOf(factor, attributes), 1);
  }
  return value;
}

function factorOf(name: string, attributes: Attributes): number {
  const value = /^\d+$/.test(name) ? Number(name) : attributes[name];
  if (value === undefined) throw new HymbaError(`a shape names ${name}, which is no attribute of its op`);
  return value;
}

/** Throws a HymbaError unless `tensors` are exactly the roles of `shapes`, each with as many elements as its shape says. */
export function requireShapes(
  who: string,
  { shapes, tensors, attributes }: {
    shapes: Shapes;
    tensors: Readonly<Record<string, Tensor>>;
    attributes: Attributes;
  },
): void {
  for (const [role, shape] of Object.entries(shapes)) {
    const optional = shape.endsWith("?") || role.endsWith("#");
    if (!optional && !tensors[role]) throw new HymbaError(`${who}: the tensor ${role} is missing`);
  }
  for (const [role, tensor] of Object.entries(tensors)) {
    const shape = shapes[role] ?? shapes[role.replace(/\d+$/, "#")];
    if (shape === undefined) throw new HymbaError(`${who}: it has no tensor ${role}`);
    const dimensions = dimensionsOf(shape, attributes);
    if (dimensions && dimensions.reduce((product, length) => product * length, 1) !== tensor.rows * tensor.columns) {
      throw new HymbaError(`${who}: ${role} has a wrong size`, {
        expected: `[${shape}] = [${dimensions}]`,
        got: describe(tensor),
      });
    }
  }
}
