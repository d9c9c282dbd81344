/** Each kernel of a training step of `hymba`, compared with the float64 reference and with the limit of the adapter. */
import { HymbaError } from "../../errors.ts";
import { present } from "../../lists.ts";
import { keptIn } from "../../train/plans.ts";
import { benchKernels, type KernelReport, type KernelsReport } from "../kernels.ts";
import { type Found, type Part, withBackend } from "./part.ts";
import { earlierPeaks } from "./peaks.ts";
import type { Variant } from "./variants.ts";

const MODEL = "hymba";

const wordsOf = (attributes: KernelReport["attributes"]) =>
  Object.entries(attributes).map(([name, value]) => `${name} ${value}`).join(" ");

function foundOf(found: KernelsReport): Found {
  const { kernels, refused } = found, total = (one: KernelReport) => one.times * one.ms;
  const all = kernels.reduce((sum, one) => sum + total(one), 0);
  const rows = kernels.toSorted((a, b) => total(b) - total(a)).map((one) => [
    one.op,
    one.pass,
    wordsOf(one.attributes),
    String(one.times),
    total(one).toFixed(3),
    `${(100 * total(one) / all).toFixed(1)} %`,
    one.gflop_per_s.toFixed(0),
    one.gb_per_s.toFixed(1),
    `${(100 * one.roofline_share).toFixed(0)} %`,
    one.bound_by,
  ]);
  const columns = ["op", "pass", "sizes", "times", "ms a step", "of all", "GFLOP/s", "GB/s", "of the limit", "limit"];
  const wrong = refused.map(({ op, error }) => `${op} (relative error ${error.toExponential(2)})`).join(", ");
  return {
    result: found,
    tables: [{ title: `Kernels of a training step of ${MODEL}`, columns, rows }],
    ...(wrong && { message: `not timed, because their results differ from the float64 reference: ${wrong}` }),
  };
}

export const kernelsPart = (variant: Variant): Part => (context) => {
  const { shape: { arms, B, T }, runs, clock, keep, once } = context;
  const arm = present(arms.find(({ name }) => name === MODEL), `the model ${MODEL}`);
  return withBackend(context, variant, async ({ executor }) => {
    const found = await benchKernels(executor, arm, {
      B,
      T,
      runs,
      ...keptIn(variant.precision),
      peaks: await earlierPeaks(context),
      once,
      isOver: () => clock.over(),
      onKernel: (report) => keep(foundOf(report)),
    });
    await keep(foundOf(found));
    if (found.refused.length > 0) throw new HymbaError(foundOf(found).message ?? "kernels differ from the reference");
    return found.not_timed;
  });
};
