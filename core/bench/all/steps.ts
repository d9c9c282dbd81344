/** Training steps of every model. */
import { keptIn } from "../../train/plans.ts";
import { benchStep, type StepReport, type WholeReport } from "../step.ts";
import { type Found, type Part, withBackend } from "./part.ts";
import type { Variant } from "./variants.ts";

const MEBI = 2 ** 20;

/** A model whose forward and backward pass have not been measured yet has no times of them. */
type Row = WholeReport & Partial<StepReport>;

function foundOf(arms: readonly Row[]): Found {
  const ms = (time: number | undefined) => time?.toFixed(2) ?? "—";
  const rows = arms.map((one) => [
    one.arm,
    one.tokens_per_s.toFixed(0),
    ms(one.step_ms),
    ms(one.forward_ms),
    ms(one.backward_ms),
    ms(one.optimizer_ms),
    one.host_encode_ms?.toFixed(2) ?? "—",
    one.gflop_per_s.toFixed(0),
    String(one.dispatches),
    one.prepare_s.toFixed(1),
    one.first_step_s.toFixed(1),
    (one.planned_bytes / MEBI).toFixed(0),
  ]);
  const columns = ["model", "tokens/s", "ms a step", "forward", "backward", "optimizer", "host encode", "GFLOP/s"];
  columns.push("dispatches", "prepare s", "first step s", "planned MiB");
  return { result: { arms }, tables: [{ title: "Training steps", columns, rows }] };
}

export const stepsPart = (variant: Variant): Part => (context) => {
  const { shape: { arms, B, T }, runs, clock, keep, once } = context;
  return withBackend(context, variant, async ({ executor }) => {
    const found: StepReport[] = [];
    for (const arm of arms) {
      if (clock.over()) break;
      const { report } = await benchStep(executor, arm, {
        B,
        T,
        runs,
        ...keptIn(variant.precision),
        once: (name, how) => once(`${arm.name} ${name}`, how),
        onWhole: (known) => keep(foundOf([...found, known])),
      });
      found.push(report);
      await keep(foundOf(found));
    }
    return arms.length - found.length;
  });
};
