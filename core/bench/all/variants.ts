/** The ways in which a training can be computed: the precisions, and f16 on tensor cores where this program has kernels for them. */
import type { Precision } from "../../config/mod.ts";
import { keyAt } from "../../study_file/keys.ts";

/** A way to compute a training. */
export interface Variant {
  readonly name: string;
  readonly precision: Precision;
  /** With products on subgroup matrices. */
  readonly tensorCores?: true;
}

export const F32: Variant = { name: "f32", precision: "f32" };

export const VARIANTS: readonly Variant[] = [
  F32,
  { name: "bf16", precision: "bf16" },
  { name: "f16", precision: "f16" },
  { name: "f16-tensor-cores", precision: "f16", tensorCores: true },
];

/** Whether this program can compute on tensor cores: a study can then ask for them. */
export const hasTensorCores = (): boolean => keyAt("tensorCores") !== undefined;
