/** `hymba bench decode`: its options, its measurement and its table. */
import { merge, object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { optional, withDefault } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { option } from "@optique/core/primitives";
import { integer } from "@optique/core/valueparser";
import { EXACT_TIMESTAMPS, openBackend } from "../../core/backend/mod.ts";
import { benchDecode, type DecodeReport, type Interval } from "../../core/bench/decode.ts";
import { copyPeak } from "../../core/bench/peaks.ts";
import { benchShape } from "../../core/bench/shapes.ts";
import { systemDisk } from "../../core/disk/mod.ts";
import { UsageError } from "../../core/errors.ts";
import { bytes } from "../ui/progress.ts";
import { table } from "../ui/table.ts";
import { backendOptions, jsonOption } from "./options.ts";
import { A_PICTURE, type NamedFile, requireOwnFiles, writeFilesInto } from "./own_files.ts";
import { modelNames, word } from "./value_parsers.ts";
import { say } from "../ui/say.ts";
import { inSharedNames, printJson } from "../ui/output.ts";

export const decodeOptions = merge(
  object("What to generate with", {
    shape: withDefault(
      option("--shape", "--preset", word("peers|smoke|quick|small|paper"), {
        description: message`peers, the comparison with other engines (default), or a preset`,
      }),
      "peers",
    ),
    models: optional(option("--models", modelNames(), { description: message`only these models` })),
    contexts: withDefault(
      option("--contexts", word("N,N"), {
        description: message`tokens of context; 256,512,1024,2048,4096,8192 by default`,
      }),
      "256,512,1024,2048,4096,8192",
    ),
    batches: withDefault(
      option("--batches", word("N,N"), {
        description: message`numbers of parallel sequences; 1,8,32 by default, of which the first is drawn`,
      }),
      "1,8,32",
    ),
    recomputeTo: withDefault(
      option("--recompute-to", integer({ min: 0, metavar: "N" }), {
        description: message`longest context that is also computed again for each token; 1024 by default`,
      }),
      1024,
    ),
    runs: withDefault(
      option("--runs", integer({ min: 2, max: 1000, metavar: "N" }), {
        description: message`timed rounds; 7 by default`,
      }),
      7,
    ),
    out: optional(
      option("--out", word("DIR"), { description: message`also writes decode.json and decode.png` }),
    ),
    json: jsonOption,
  }),
  backendOptions,
);

/** Whole numbers from a list with commas. Throws a UsageError that names the option. */
function numbersOf(text: string, name: string, most: number): number[] {
  const numbers = text.split(",").map(Number);
  if (numbers.every((n) => Number.isSafeInteger(n) && n >= 1 && n <= most)) return numbers;
  throw new UsageError(`${name} is not a list of numbers`, {
    expected: `whole numbers from 1 to ${most} with commas between them`,
    got: text,
  });
}

export async function decode(
  { shape, models, contexts, batches, recomputeTo, runs: rounds, out, json, ...where }: InferValue<
    typeof decodeOptions
  >,
): Promise<void> {
  const lengths = numbersOf(contexts, "--contexts", 2 ** 20).sort((a, b) => a - b);
  if (new Set(lengths).size < 2) {
    throw new UsageError("--contexts has no two different lengths", { expected: "two or more, for the slope" });
  }
  if (out !== undefined) await requireOwnFiles(systemDisk, out, filesOf("", A_PICTURE));
  const sizes = { contexts: lengths, batches: numbersOf(batches, "--batches", 1024), rounds, recomputeTo };
  const { arms } = benchShape(shape, { models: models?.split(",") }),
    onProgress = say;
  const { executor, adapter, backend } = await openBackend({ ...where, toggles: EXACT_TIMESTAMPS, onProgress });
  try {
    const bytesPerSecond = 1e9 * await copyPeak(executor, { runs: 3 }), found: DecodeReport[] = [];
    for (const arm of arms) found.push(await benchDecode(executor, arm, { ...sizes, bytesPerSecond, onProgress }));
    const report = { adapter, backend, shape, rounds, copy_gb_per_s: bytesPerSecond / 1e9, arms: found };
    const footer = `${shape}, ${backend} (${adapter.name}), ${rounds} rounds; a copy moves ${
      (bytesPerSecond / 1e9).toFixed(1)
    } GB/s`;
    if (out !== undefined) await writeReport(out, { report, arms: found, footer });
    if (json) printJson("bench decode", report);
    else console.log(`${found.map(textOf).join("\n\n")}\n\n${footer}`);
  } finally {
    await executor.close();
  }
}

/** The files of --out; they are checked before anything is timed. */
const filesOf = (json: string, picture: Uint8Array): NamedFile[] => [
  ["decode.json", json, /^\{\n "adapter": \{\n/],
  ["decode.png", picture],
];

async function writeReport(
  folder: string,
  { report, arms, footer }: { report: object; arms: readonly DecodeReport[]; footer: string },
): Promise<void> {
  const { decodeChart } = await import("../../core/report/decode_chart.ts");
  const json = `${JSON.stringify(inSharedNames(report), null, 1)}\n`;
  const [path] = await writeFilesInto(folder, filesOf(json, await decodeChart(arms, { footer })));
  say(`wrote ${path} and decode.png`);
}

const inWords = ({ mean, low, high }: Interval, digits = 3) =>
  `${mean.toFixed(digits)} (${low.toFixed(digits)} to ${high.toFixed(digits)})`;

function textOf(
  { arm, costs, slope, prefill_tokens_per_s: prefill, full_caches: full = [], recomputed }: DecodeReport,
) {
  const head = ["context", "batch", "ms a token", "tokens/s", "caches", "by formula", "moved", "of the bandwidth"];
  const rows = costs.map((cost) => [
    ...[String(cost.context), String(cost.batch), inWords(cost.ms), inWords(cost.tokens_per_s, 0)],
    ...[bytes(cost.cache_bytes), bytes(cost.cache_bytes_formula), bytes(cost.bytes_moved)],
    `${(100 * cost.bandwidth_share).toFixed(0)} %`,
  ]);
  const others = [
    ...full.map(({ context, ms, cache_bytes }) =>
      `  with a full cache in every layer, context ${context}: ${inWords(ms)} ms, ${bytes(cache_bytes)}`
    ),
    ...recomputed.map(({ context, ms }) => `  everything computed again, context ${context}: ${inWords(ms)} ms`),
  ];
  const { us_per_1000, growth } = slope, percent = (share: number) => (100 * share).toFixed(1);
  return [
    arm,
    table([head, ...rows]),
    `  slope: ${inWords(us_per_1000, 2)} µs a token for each 1000 tokens of context; ${percent(growth.mean)} % (${
      percent(growth.low)
    } to ${percent(growth.high)}) from the shortest context to the longest`,
    `  prompt: ${inWords(prefill, 0)} tokens/s`,
    ...others,
  ].join("\n");
}
