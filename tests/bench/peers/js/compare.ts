/** The table of engines, and the conditions for printing a ratio. */
import type { Measured } from "./child.ts";
import { at, present } from "../../../../core/lists.ts";

/** What a process measured, or why it could not. */
export type Result = Measured | { readonly reason: string };

/** One model in several engines. */
export interface Line {
  readonly model: string;
  readonly engines: Readonly<Record<string, Result>>;
}

/** A line of the table, with the names that `--json` prints. */
export interface Row {
  readonly model: string;
  readonly parameters: number;
  /** Best run by engine; null for one that could not run. */
  readonly tokens_per_s: Readonly<Record<string, number | null>>;
  /** This engine over the fastest other one; for `hymba`, over this engine's own Mamba. */
  readonly ratio: number | null;
  readonly target: number;
  /** Largest relative difference from this engine's losses over the compared steps. */
  readonly loss_difference: number;
}

const TARGETS: Readonly<Record<string, number>> = { "transformer-global": 3, mamba: 12, hymba: 0.6 };
/** Steps in f32 from the same weights on the same batch; another model or optimiser is off by far more. */
const LOSS_BOUND = 1e-4;

const ran = (result: Result): result is Measured => !("reason" in result);
const best = (result: Result | undefined) => result && ran(result) ? Math.max(...result.tokens_per_s) : null;

/** Tokens per second of this engine. */
const speedHere = ({ hymba }: Row["tokens_per_s"]): number => present(hymba ?? undefined, "the speed of hymba");

/** Throws where an engine trained something else: other parameters, other losses, or losses that do not fall. */
function row({ model, engines }: Line): Row {
  const { hymba } = engines;
  if (!hymba || !ran(hymba)) throw new Error(`${model}: this engine did not run: ${hymba?.reason}`);
  let loss_difference = 0;
  for (const [name, result] of Object.entries(engines)) {
    if (!ran(result)) continue;
    if (result.parameters !== hymba.parameters) {
      throw new Error(`${model}: ${result.parameters} parameters in ${name}, ${hymba.parameters} here`);
    }
    if (!(at(result.losses, -1) < at(result.losses, 0))) throw new Error(`${model}: the loss of ${name} does not fall`);
    for (const [i, loss] of result.losses.entries()) {
      loss_difference = Math.max(loss_difference, Math.abs(loss / at(hymba.losses, i) - 1));
    }
  }
  if (!(loss_difference <= LOSS_BOUND)) {
    const got = Object.entries(engines).map(([name, result]) => `${name} ${ran(result) ? result.losses : "—"}`);
    throw new Error(`${model}: losses from equal weights differ by ${loss_difference}: ${got.join("; ")}`);
  }
  const tokens_per_s = Object.fromEntries(Object.entries(engines).map(([name, result]) => [name, best(result)]));
  const others = Object.entries(tokens_per_s).flatMap(([name, speed]) => name !== "hymba" && speed ? [speed] : []);
  const ratio = others.length > 0 ? speedHere(tokens_per_s) / Math.max(...others) : null;
  return { model, parameters: hymba.parameters, tokens_per_s, ratio, target: TARGETS[model] ?? 1, loss_difference };
}

/** Rows of all models, then this engine's `hymba` beside its own Mamba. */
export function comparison(lines: readonly Line[], ours: Line): Row[] {
  const rows = lines.map(row), alone = row(ours), mamba = rows.find(({ model }) => model === "mamba");
  return [...rows, { ...alone, ratio: mamba ? speedHere(alone.tokens_per_s) / speedHere(mamba.tokens_per_s) : null }];
}
