/** The type of the reference of an op. */
import type { AttributesNamed, OpName, OpNamed } from "../ops/registry.ts";
import type { Roles } from "../tensor/mod.ts";
import type { Array64 } from "./typed_array.ts";

/** The arrays that the op reads, by role, in the shapes that the op states. Optional ones may be missing. */
export type ReadsNamed<N extends OpName> = Roles<OpNamed<N>["reads"], Array64>;

/** The arrays that the op writes, by role. Optional ones are there too: a plan ignores what it does not need. */
export type WritesNamed<N extends OpName> = { readonly [Role in keyof OpNamed<N>["writes"]]: Array64 };

/** An op in float64. It changes none of its reads. */
export type Reference<N extends OpName> = (
  reads: ReadsNamed<N>,
  attributes: AttributesNamed<N>,
) => WritesNamed<N>;

/** One reference for each op, by the op's name. */
export type References = { readonly [N in OpName]: Reference<N> };
