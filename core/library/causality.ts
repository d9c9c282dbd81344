/** The proof that a model does not see its future. Importing this file loads no engine. */
import type { BackendOptions } from "../backend/mod.ts";
import type { HymbaConfig, HymbaOptions } from "../config/mod.ts";
import { UsageError } from "../errors.ts";
import { requireGiven, requireOptions } from "../given.ts";
import { engineOf, Hymba } from "./hymba.ts";

/** How far to test, and for a configuration where to compute. */
export interface CausalityOptions extends BackendOptions {
  /** T: tokens of the sequence. Default: W + M + 2 with windows, so that a window and the meta tokens end inside; else 16. */
  length?: number;
  /** Positions t to test, from 0 to T − 2. Default: all. */
  positions?: readonly number[];
}

/** The result of {@link proveCausality}. */
export interface CausalityProof {
  /** True when no position depends on its future. */
  readonly holds: boolean;
  /** T. */
  readonly length: number;
  /** Positions that were tested. */
  readonly tested: number;
  /** A change of token `changed` changed the logits at an earlier position `seen`. Bits were compared. */
  readonly changes: readonly { readonly changed: number; readonly seen: number }[];
  /** Logits at `logits` whose gradient with respect to a later token `token` is not exactly zero. */
  readonly gradients: readonly { readonly logits: number; readonly token: number }[];
}

function checkedPositions({ length: T, positions }: { length: number; positions?: readonly number[] }): void {
  if (!Number.isSafeInteger(T) || T < 2) {
    throw new UsageError("causality: the length is out of range", { expected: "a whole number from 2", got: `${T}` });
  }
  requireGiven(
    positions === undefined || (Array.isArray(positions) && positions.length > 0),
    "causality: positions are wrong",
    {
      expected: "a list of one position or more",
      value: positions,
    },
  );
  const wrong = positions?.find((t) => !Number.isSafeInteger(t) || t < 0 || t > T - 2);
  if (wrong === undefined) return;
  throw new UsageError("causality: a position is out of range", {
    expected: `whole numbers from 0 to ${T - 2}`,
    got: `${wrong}`,
  });
}

/**
 * Tests that no logit of a model depends on a later token: every token is changed and all logits before it must keep their bits, and
 * the gradients of the logits with respect to later tokens must be exactly zero. For a configuration the weights are start values.
 * It takes 2T forward and T backward passes. Throws UsageError for options out of range, and HymbaError when a test can show nothing.
 *
 * @example
 * ```ts
 * import { proveCausality } from "@hymba/hymba";
 *
 * const small = { vocabSize: 50, dModel: 32, nLayers: 2, nHeads: 4, nKvHeads: 2, swaWindow: 4, numMetaTokens: 2 };
 * const { holds, tested } = await proveCausality(small);
 * console.log(holds, tested); // true 7
 * ```
 */
export async function proveCausality(
  subject: Hymba | HymbaConfig | Partial<HymbaOptions>,
  options: CausalityOptions = {},
): Promise<CausalityProof> {
  requireOptions(options, "proveCausality");
  const { length, positions, ...backend } = options;
  if (!(subject instanceof Hymba)) {
    const model = await Hymba.create(subject, backend);
    return await proveCausality(model, { length, positions }).finally(() => model.close());
  }
  const { config } = subject, T = length ?? (config.windowed ? config.swaWindow + config.metaTokens + 2 : 16);
  checkedPositions({ length: T, positions });
  const [{ checkCausality }, { checkGradients }] = await Promise.all([
    import("../proof/causality.ts"),
    import("../proof/causality_gradient.ts"),
  ]);
  const { executor, store: weights } = engineOf(subject), name = config.archType;
  const tested = positions ?? Array.from({ length: T - 1 }, (_, t) => t);
  const probe = { name, config, T, positions: tested, weights };
  const changes = (await checkCausality(executor, probe)).leaks;
  const gradients = (await checkGradients(executor, probe)).leaks.map(({ logits, embedding: token }) => ({
    logits,
    token,
  }));
  return { holds: changes.length + gradients.length === 0, length: T, tested: tested.length, changes, gradients };
}
