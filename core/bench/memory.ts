/** The memory of training, from the plan alone. */
import type { ActivationConfig, Arm } from "../config/mod.ts";
import { ParameterStore } from "../params/store.ts";
import { type Executor, savedBytes } from "../plan/mod.ts";
import { ELEMENT_BYTES } from "../tensor/mod.ts";
import { trainingPlan } from "../train/plans.ts";

/** Bytes of one model's training step. `--json` prints these names. */
export interface MemoryReport {
  readonly arm: string;
  readonly parameters_bytes: number;
  readonly gradients_bytes: number;
  readonly moments_bytes: number;
  /** Values of the forward pass that the backward pass reads, each counted once. No plan can save less. */
  readonly saved_bytes: number;
  /** Everything else: gradients of activations, scratch, and columns that stay only because their neighbours are needed. */
  readonly transient_bytes: number;
  readonly total_bytes: number;
  /** total / (parameters + gradients + moments + saved). */
  readonly ratio: number;
}

/** The memory plan of next-token training on B sequences of T text tokens. */
export function memoryReport(
  executor: Executor,
  { name, config }: Arm,
  { B, T, ...activations }: { B: number; T: number } & ActivationConfig,
): MemoryReport {
  const store = new ParameterStore(config), { plan } = trainingPlan(store, { B, T, decay: 0.1, ...activations });
  const { arenaBytes, slotBytes } = executor.memoryOf(plan), saved = savedBytes(plan);
  const each = ELEMENT_BYTES * store.arenas.parameters.elements, lossScale = arenaBytes - 4 * each;
  return {
    arm: name,
    parameters_bytes: each,
    gradients_bytes: each,
    moments_bytes: 2 * each,
    saved_bytes: saved,
    transient_bytes: slotBytes + lossScale - saved,
    total_bytes: arenaBytes + slotBytes,
    ratio: (arenaBytes + slotBytes) / (4 * each + saved),
  };
}
