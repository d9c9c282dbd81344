/**
 * This folder: the list of steps, memory slots, 16-bit rules, and the interface of an executor.
 * The flat list of steps that an executor prepares once and replays, and the tensors that are read afterwards.
 */
import { HymbaError } from "../errors.ts";
import type { Constant, Step, Storage, Tape, Tensor } from "../tensor/mod.ts";

export interface Plan {
  readonly name: string;
  readonly steps: readonly Step[];
  /** Number of steps before the backward pass. */
  readonly forwardSteps: number;
  /** The caller writes them before the first run, and again whenever they change. */
  readonly inputs: readonly Tensor[];
  readonly constants: readonly Constant[];
  /** May be read after a run. */
  readonly outputs: readonly Tensor[];
  /** Small outputs (losses, norms), collected for every run until `drainMetrics`. */
  readonly metrics: readonly Tensor[];
}

/** Ends the recording. Every tensor that is read must have been written by an earlier step, an input or a constant. */
export function finish(
  tape: Tape,
  { name, outputs = [], metrics = [] }: { name: string; outputs?: readonly Tensor[]; metrics?: readonly Tensor[] },
): Plan {
  const known = new Set<Storage>(
    [...tape.inputs, ...tape.constants.map(({ tensor }) => tensor)].map(({ storage }) => storage),
  );
  for (const { op: { name: op }, reads, writes } of tape.steps) {
    for (const [role, { storage }] of Object.entries(reads)) {
      if (!storage.pinned && !known.has(storage)) {
        throw new HymbaError(`plan ${name}: ${op} reads ${role} (${storage.name}) before anything wrote it`);
      }
    }
    for (const { storage } of Object.values(writes)) known.add(storage);
  }
  const { steps, forwardSteps, inputs, constants } = tape;
  return { name, steps, forwardSteps, inputs, constants, outputs, metrics };
}
