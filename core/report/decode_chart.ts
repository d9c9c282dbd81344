/** decode.png: the time of a token and the bytes of the caches by context, one sequence. */
import type { DecodeReport, Interval, TokenCost } from "../bench/decode.ts";
import { type Line, linePlot } from "./chart/lines.ts";
import { drawSheet } from "./chart/sheet.ts";
import { looks } from "./palette.ts";
import type { Point } from "./summary.ts";

const pointOf = (context: number, { mean, low, high }: Interval): Point => ({
  step: context,
  spread: { mean, low, high, deviation: undefined, count: 1 },
});

const exactly = (value: number): Interval => ({ mean: value, low: value, high: value });

/** The curves of all models; dashed: the same model with a full cache in every layer. */
function linesOf(arms: readonly DecodeReport[], of: (cost: TokenCost) => Interval): Line[] {
  const lookOf = looks(arms.map(({ arm }) => arm));
  return arms.flatMap(({ arm, costs, full_caches: full }): Line[] => {
    const line = (costs: readonly TokenCost[]) => ({
      points: costs.filter(({ batch }) => batch === 1).map((cost) => pointOf(cost.context, of(cost))),
      look: lookOf(arm),
      markers: true,
    });
    return [{ ...line(costs), endName: arm }, ...(full ? [{ ...line(full), style: "dashed" as const }] : [])];
  });
}

/** Draws the two plots. `footer` says where this was measured. Returns the bytes of a PNG. */
export function decodeChart(arms: readonly DecodeReport[], { footer }: { footer: string }): Promise<Uint8Array> {
  const x = { title: "tokens of context", log: true };
  return drawSheet({
    title: "What a token of generated text costs",
    subtitle: "one sequence; bands are 95 % intervals; dashed: the same model with a full cache in every layer",
    footer,
    columns: 2,
    cellHeight: 420,
    cells: [
      {
        title: "Time of a token",
        subtitle: "milliseconds; both axes logarithmic",
        plot: linePlot(linesOf(arms, ({ ms }) => ms), { x, y: { title: "ms", log: true } }),
      },
      {
        title: "Caches and states",
        subtitle: "MiB as allocated; both axes logarithmic",
        plot: linePlot(linesOf(arms, ({ cache_bytes }) => exactly(cache_bytes / 2 ** 20)), {
          x,
          y: { title: "MiB", log: true },
        }),
      },
    ],
  });
}
