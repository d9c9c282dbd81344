/**
 * This folder: causality, the leak experiment, golden cases.
 * Checks by perturbation that no position of a model sees its future.
 */
import type { Arm } from "../config/mod.ts";
import { HymbaError } from "../errors.ts";
import { at } from "../lists.ts";
import { type ForwardOptions, logitsOf } from "../nn/model.ts";
import { ParameterStore } from "../params/store.ts";
import { type Executor, finish } from "../plan/mod.ts";
import { randomInteger, STREAMS } from "../random.ts";
import { Tape } from "../tensor/mod.ts";

export interface CausalityReport {
  readonly arm: string;
  readonly T: number;
  /** Number of positions t whose next token was changed. */
  readonly tested: number;
  /** A change of token `changed` = t + 1 changed the logits at position `seen` ≤ t. */
  readonly leaks: readonly { readonly changed: number; readonly seen: number }[];
}

/** A model, the length of the checked sequence (tokens of text), and the checked positions (default: all). */
export interface CheckOptions extends Arm, ForwardOptions {
  readonly T: number;
  readonly positions?: readonly number[];
  /** Weights that are already on the executor and stay there. Default: the check initialises its own. */
  readonly weights?: ParameterStore;
}

/**
 * Changes token t + 1 for every t and compares all logits up to t bit by bit. Throws a HymbaError when no later logit changes
 * either, because then the check shows nothing.
 */
export async function checkCausality(
  executor: Executor,
  { name, config, T, positions, reproduceLeak, weights }: CheckOptions,
): Promise<CausalityReport> {
  const store = weights ?? new ParameterStore(config), V = config.vocabSize, tape = new Tape(false);
  const input = tape.input("ids", [1, T], { dtype: "u32" });
  const logits = logitsOf(tape, input, store, { reproduceLeak });
  if (!weights) store.initialise(executor, 1);
  const program = await executor.prepare(finish(tape, { name: `causality ${name}`, outputs: [logits] }));
  try {
    const counter = { seed: 1, stream: STREAMS.probe, step: T };
    const ids = Uint32Array.from({ length: T }, (_, t) => randomInteger(counter, t, V));
    const logitsOf = async (tokens: Uint32Array<ArrayBuffer>) => {
      program.write(input, tokens);
      await program.run();
      return new Uint32Array((await program.read(logits)).buffer);
    };
    const before = await logitsOf(ids);
    const tested = positions ?? Array.from({ length: T - 1 }, (_, t) => t),
      leaks: CausalityReport["leaks"][number][] = [];
    for (const t of tested) {
      const changed = Uint32Array.from(ids);
      changed[t + 1] = (at(changed, t + 1) + 1) % V;
      const after = await logitsOf(changed);
      const seen = after.subarray(0, (t + 1) * V).findIndex((bits, i) => bits !== before[i]);
      if (seen >= 0) leaks.push({ changed: t + 1, seen: Math.floor(seen / V) });
      if (after.subarray((t + 1) * V).every((bits, i) => bits === before[(t + 1) * V + i])) {
        throw new HymbaError(
          `causality ${name}: a change of token ${t + 1} changes no logit, so the check shows nothing`,
        );
      }
    }
    return { arm: name, T, tested: tested.length, leaks };
  } finally {
    program.dispose();
    if (!weights) store.release(executor);
  }
}
