/** The check before every run: no run starts with a model that sees its future. */
import type { Arm, HymbaConfig } from "../config/mod.ts";
import { HymbaError } from "../errors.ts";
import { ParameterStore } from "../params/store.ts";
import type { Executor } from "../plan/mod.ts";
import { checkGradients } from "./causality_gradient.ts";
import { checkCausality } from "./causality.ts";

/** The positions t < T − 1 at the edge of the window (W), at the edge of window and meta tokens (W + M), and at both ends. */
export function edges({ swaWindow: W, metaTokens: M }: HymbaConfig, T: number): number[] {
  const wanted = [0, W - 1, W, W + M - 1, W + M, T - 2];
  return [...new Set(wanted)].filter((t) => t >= 0 && t <= T - 2).sort((a, b) => a - b);
}

/**
 * Checks a model by perturbation and by gradient, at a few positions of a sequence of length T. Throws a HymbaError when a position
 * sees its future. `hymba causality` checks every position at several lengths.
 */
export async function requireCausal(executor: Executor, { name, config, T }: Arm & { T: number }): Promise<void> {
  const weights = new ParameterStore(config), probe = { name, config, T, positions: edges(config, T), weights };
  weights.initialise(executor, 1);
  try {
    const [changed] = (await checkCausality(executor, probe)).leaks;
    if (changed) {
      const expected = `logits at ${changed.seen} that do not depend on token ${changed.changed}`;
      reject(name, { expected, got: "other bits after the change" });
    }
    const [found] = (await checkGradients(executor, probe)).leaks;
    if (found) {
      const expected = `a gradient of exactly zero from the logits at ${found.logits} to token ${found.embedding}`;
      reject(name, { expected, got: "another gradient" });
    }
  } finally {
    weights.release(executor);
  }
}

function reject(name: string, details: { expected: string; got: string }): never {
  throw new HymbaError(`${name} sees its future: the run does not start`, {
    ...details,
    hint: "hymba causality shows every position",
  });
}
