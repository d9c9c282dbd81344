/** What the short trainings in each precision share: a study, tokens, and how far from f32 they may end. */
import { onePiece, type TokenData } from "../../core/data/parts.ts";
import { resolvedStudy } from "../../core/study/match.ts";
import { randomInteger } from "../../core/random.ts";

/** Forty steps in bf16 or f16 end within this share of the loss in f32. */
export const BOUND = 5e-3;

/** Random tokens. Three of four are determined by the token before, so that forty steps can learn something. */
function madeUpTokens(V: number): TokenData {
  const draw = (i: number, below: number) => randomInteger({ seed: 7, stream: 100, step: below }, i, below);
  const all = new Uint32Array(12_000);
  for (let i = 1; i < all.length; i++) all[i] = draw(i, 4) === 0 ? draw(i, V) : (5 * all[i - 1]! + 7) % V;
  return { train: onePiece(all.slice(0, 10_000)), validation: onePiece(all.slice(10_000), 2000) };
}

const smoke = resolvedStudy("smoke");

/** `smoke` at half its rate. At its own rate of 0.01 even f32 with one weight moved to the next float ends 0.012 % away in `hymba`. */
export const SMOKE = { ...smoke, pretraining: { ...smoke.pretraining, rate: 5e-3 } };

export const SMOKE_TOKENS = madeUpTokens(SMOKE.vocabSize);
