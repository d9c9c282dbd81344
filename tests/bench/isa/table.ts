/** The tables of docs/kernels.md about machine code, from results/bench/isa.json. */
import type { KernelReport, Survey, Surveyed } from "./survey.ts";
import { FEW_WAVES } from "./gate.ts";
import { CHIPS } from "./model.ts";

/** Kernels with fewer multiply-adds per round and more waves on this chip are small. The document leaves them out. */
const SMALL = 16, MANY_WAVES = 16, CHIP = "navi31";

const row = (cells: readonly (string | number)[]): string => `| ${cells.join(" | ")} |`;

/** A value for each chip, `a / b / c / d`; one number where all are equal. */
function each(chips: readonly KernelReport[], of: (report: KernelReport) => string | number): string {
  const all = chips.map(of), [first] = all;
  return all.every((value) => value === first) ? `${first}` : all.join(" / ");
}

function isLarge({ chips }: Surveyed): boolean {
  const found = chips[CHIP];
  return found !== undefined && (found.waves < MANY_WAVES || (found.hot_loop?.multiply_adds ?? 0) >= SMALL);
}

const share = ({ multiply_adds, instructions }: { multiply_adds: number; instructions: number }): string =>
  `${(100 * multiply_adds / instructions).toFixed(0)} %`;

function kernelsTable({ kernels }: Survey): string {
  const chips = Object.keys(CHIPS), head = ["kernel", "VGPRs", "scratch", "LDS", "waves", "code", "inverse throughput"];
  const loop = ["instructions", "multiply-adds", "loads", "LDS accesses", "waits", "multiply-adds of instructions"];
  const shown = kernels.filter(isLarge);
  const rows = shown.map(({ kernel, chips: found }) => {
    const all = chips.flatMap((chip) => found[chip] ?? []),
      hot = (of: (loop: NonNullable<KernelReport["hot_loop"]>) => number | string) =>
        each(all, ({ hot_loop }) => hot_loop ? of(hot_loop) : "—");
    return row([
      `\`${kernel}\``,
      each(all, ({ vgprs }) => vgprs),
      each(all, ({ scratch_bytes }) => scratch_bytes),
      each(all, ({ lds_bytes }) => lds_bytes),
      each(all, ({ waves }) => waves),
      each(all, ({ code_bytes }) => code_bytes),
      each(all, ({ inverse_throughput }) => inverse_throughput),
      hot(({ instructions }) => instructions),
      hot(({ multiply_adds }) => multiply_adds),
      hot(({ loads }) => loads),
      hot(({ lds }) => lds),
      hot(({ waits }) => waits),
      hot(share),
    ]);
  });
  const names = [...head, ...loop];
  return [row(names), row(names.map(() => "---")), ...rows].join("\n");
}

function stepsTable({ estimates }: Survey): string {
  const chips = Object.keys(CHIPS), head = ["model", "plan", "precision", ...chips.map((chip) => `${chip}, ms`)];
  const plans = Map.groupBy(estimates, ({ arm, stage, precision }) => [`\`${arm}\``, stage, precision].join(" | "));
  const rows = [...plans].map(([plan, all]) => {
    const cells = chips.map((chip) => {
      const found = all.find((one) => one.chip === chip);
      return found ? (found.microseconds / 1000).toFixed(2) : "—";
    });
    return row([plan, ...cells]);
  });
  return [row(head), row(head.map(() => "---")), ...rows].join("\n");
}

/** Both tables: kernels, then the model's estimates of whole plans. */
export function isaTable(survey: Survey): string {
  const order = Object.entries(CHIPS).map(([chip, { name }]) => `${chip} (${name})`).join(", ");
  const small = survey.kernels.filter((kernel) => !isLarge(kernel));
  const most = Math.max(...small.flatMap(({ chips }) => Object.values(chips).map(({ vgprs }) => vgprs)));
  const reasons = FEW_WAVES.map(({ kernel, reason }) =>
    `* Fewer than 8 waves on ${CHIP}, \`${kernel.source.slice(1)}\`: ${reason}.`
  );
  return [
    kernelsTable(survey),
    `Values of ${order}; one where all are equal. ${small.length} kernels that are not shown have fewer than ${SMALL} multiply-adds in a ` +
    `round, at least ${MANY_WAVES} waves on ${CHIP}, and at most ${most} VGPRs.`,
    reasons.join("\n"),
    stepsTable(survey),
  ].join("\n\n");
}
