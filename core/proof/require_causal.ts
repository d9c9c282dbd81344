/** The gate before every run: no artifact is written for a model that sees its future. */
import type { Arm, HymbaConfig } from "../config/mod.ts";
import { HymbaError } from "../errors.ts";
import { ParameterStore } from "../params/store.ts";
import type { Executor } from "../plan/mod.ts";
import { checkGradients } from "./causality_gradient.ts";
import { checkCausality } from "./causality.ts";

/** Positions t < T − 1 at the edges of window W and of window and meta tokens W + M, and both ends. */
export function edges({ swaWindow: W, metaTokens: M }: HymbaConfig, T: number): number[] {
  const wanted = [0, W - 1, W, W + M - 1, W + M, T - 2];
  return [...new Set(wanted)].filter((t) => t >= 0 && t <= T - 2).sort((a, b) => a - b);
}

/**
 * Both tests, by perturbation and by gradient, at a few positions of sequences as long as those of the run. Throws a HymbaError
 * when one of them finds the future. `hymba causality` tests every position at several lengths.
 */
export async function requireCausal(executor: Executor, { name, config, T }: Arm & { T: number }): Promise<void> {
  const weights = new ParameterStore(config), probe = { name, config, T, positions: edges(config, T), weights };
  weights.initialise(executor, 1);
  try {
    const [changed] = (await checkCausality(executor, probe)).leaks;
    if (changed) {
      const expected = `logits at ${changed.seen} that do not depend on token ${changed.changed}`;
      refuse(name, expected, "other bits after the change");
    }
    const [found] = (await checkGradients(executor, probe)).leaks;
    if (found) {
      const expected = `a gradient of exactly zero from the logits at ${found.logits} to token ${found.embedding}`;
      refuse(name, expected, "another one");
    }
  } finally {
    weights.release(executor);
  }
}

function refuse(name: string, expected: string, got: string): never {
  throw new HymbaError(`${name} sees its future: no run is made and no artifact written`, {
    expected,
    got,
    hint: "hymba causality shows every position",
  });
}
