/** Tables of generation for docs/kernels.md, from the output of `hymba bench decode` and of tests/bench/peers/torch/decode.ts. */
import type { DecodeReport, Interval } from "../../core/bench/decode.ts";
import { at, present } from "../../core/lists.ts";
import { lines } from "./markdown.ts";
import { type DecodePeers, peerRows } from "./peers/torch/decode_report.ts";

interface From {
  readonly adapter: { readonly name: string };
  readonly backend: string;
  readonly shape: string;
  readonly rounds: number;
  readonly copy_gb_per_s: number;
  readonly models: readonly (Omit<DecodeReport, "arm"> & { readonly model: string })[];
}

const interval = ({ mean, low, high }: Interval, digits: number) =>
  `${mean.toFixed(digits)} (${low.toFixed(digits)} to ${high.toFixed(digits)})`;
const mebi = (bytes: number) => (bytes / 2 ** 20).toFixed(2);

/** A row for each model and context, then the slopes. */
export function decodeTable({ adapter, backend, shape, rounds, copy_gb_per_s: copy, models }: From): string {
  const batches = [...new Set(at(models, 0).costs.map(({ batch }) => batch))], largest = Math.max(...batches);
  const head = ["model", "context", "ms a token", ...batches.slice(1).map((batch) => `ms, ${batch} texts`)];
  const more = [`tokens/s, ${largest} texts`, "caches MiB", "by formula", "moved MiB", "of the bandwidth"];
  const rows = models.flatMap(({ model, costs, full_caches: full, recomputed }) => {
    const contexts = [...new Set(costs.map(({ context }) => context))];
    return contexts.map((context) => {
      const of = (batch: number) =>
        present(costs.find((cost) => cost.context === context && cost.batch === batch), `${model} at ${context}`);
      const one = of(at(batches, 0)), whole = full?.find((cost) => cost.context === context);
      const again = recomputed.find((cost) => cost.context === context);
      return [
        ...[`\`${model}\``, `${context}`, interval(one.ms, 3)],
        ...batches.slice(1).map((batch) => of(batch).ms.mean.toFixed(2)),
        (1000 * largest / of(largest).ms.mean).toFixed(0),
        ...[mebi(one.cache_bytes), mebi(one.cache_bytes_formula), mebi(one.bytes_moved)],
        `${(100 * one.bandwidth_share).toFixed(0)} %`,
        whole ? `${whole.ms.mean.toFixed(2)}, ${mebi(whole.cache_bytes)} MiB` : "the same",
        again ? again.ms.mean.toFixed(1) : "—",
      ];
    });
  });
  const slopes = models.map(({ model, slope: { us_per_1000, growth }, prefill_tokens_per_s: prefill }) => [
    `\`${model}\``,
    interval(us_per_1000, 1),
    `${(100 * growth.mean).toFixed(1)} (${(100 * growth.low).toFixed(1)} to ${(100 * growth.high).toFixed(1)})`,
    interval(prefill, 0),
  ]);
  return [
    lines([...head, ...more, "full caches: ms", "recomputed: ms"], rows),
    lines(
      ["model", "µs a token for each 1000 of context", "growth, % (shortest to longest)", "prompt, tokens/s"],
      slopes,
    ),
    `${shape}, ${backend} (${adapter.name}), ${rounds} rounds; intervals are of 95 %; a copy moves ${
      copy.toFixed(1)
    } GB/s.`,
  ].join("\n\n");
}

export function decodePeersTable(report: DecodePeers): string {
  const { shape, context, rounds, steps, torch, blas_core } = report, [head = [], ...rows] = peerRows(report);
  return `${lines(head, rows.map(([model, ...cells]) => [`\`${model}\``, ...cells]))}\n\n` +
    `\`${shape}\`, one text, context ${context}, ${rounds} rounds of ${steps} tokens in turns; PyTorch ${torch}, OpenBLAS kernels for ` +
    `${blas_core}; logits differ by at most ${
      Math.max(...report.models.map(({ logits_error }) => logits_error)).toExponential(1)
    } of their size.`;
}
