/**
 * Writes the tables of measurements in docs/kernels.md: `deno run -A tests/bench/tables.ts`. Their data are the JSON output of the
 * benchmarks in results/bench. A table is between `<!-- NAME.json -->` and `<!-- end -->`. A test compares the document with the files.
 */
import type { KernelReport, KernelsReport } from "../../core/bench/kernels.ts";
import type { StepReport } from "../../core/bench/step.ts";
import { at } from "../../core/lists.ts";
import { loadStudent } from "../../core/student.ts";
import { decodePeersTable, decodeTable } from "./decode_tables.ts";
import { isaTable } from "./isa/table.ts";
import { lines } from "./markdown.ts";
import type { Row } from "./peers/js/compare.ts";
import { endLossTable } from "../precision/end_losses_table.ts";
import { timesTable } from "../precision/times_table.ts";

export const DOCUMENT = new URL("../../docs/kernels.md", import.meta.url);
const FOLDER = new URL("../../results/bench/", import.meta.url);

interface From {
  readonly adapter: { readonly name: string };
  readonly shape: string;
  readonly B: number;
  readonly T: number;
  readonly runs: number;
}

const about = ({ adapter, shape, B, T, runs }: From) =>
  `${adapter.name}; \`${shape}\`, B ${B}, T ${T}; best of ${runs} runs.`;
const number = (x: number | null, digits = 0) => x === null ? "—" : x.toFixed(digits);
const mega = (bytes: number) => (bytes / 2 ** 20).toFixed(1);

function peersTable(
  { adapter, runs, rows }: { adapter: { name: string }; runs: number; rows: readonly Row[] },
): string {
  const shown = rows.map((
    { model, parameters, tokens_per_s: { hymba = null, tf = null, jax = null }, ratio, target },
  ) => [
    `\`${model}\``,
    `${parameters}`,
    ...[hymba, tf, jax].map((speed) => number(speed)),
    number(ratio, 2),
    `${target}`,
    ratio === null ? "—" : ratio >= target ? "yes" : "no",
  ]);
  const head = ["model", "parameters", "hymba", "TF.js", "jax-js", "ratio", "wanted", "reached"];
  return `${lines(head, shown)}\n\n${adapter.name}; tokens a second, best of ${runs} runs.`;
}

/** The output of tests/bench/peers/torch/run.ts. */
interface TorchReport {
  readonly lines: readonly {
    arm: string;
    parameters: number;
    ours: number;
    torch: number;
    ratio: number;
    target: number;
  }[];
  readonly peaks: Readonly<Record<"multiply_add_gflop_per_s" | "matmul_gflop_per_s" | "matmul_share", number>>;
  readonly theirs: readonly { adapter: string; blas_core: string; threads: number }[];
  readonly ours: readonly { runs: number }[];
}

function torchTable({ lines: rows, peaks, theirs, ours }: TorchReport): string {
  const shown = rows.map(({ arm, parameters, ours, torch, ratio, target }) => [
    `\`${arm}\``,
    `${parameters}`,
    number(ours),
    number(torch),
    number(ratio, 2),
    number(target, 1),
    ratio >= target ? "yes" : "no",
  ]);
  const { adapter, blas_core, threads } = at(theirs, 0);
  return `${lines(["model", "parameters", "hymba", "PyTorch", "ratio", "wanted", "reached"], shown)}\n\n` +
    `${adapter}, OpenBLAS kernels for ${blas_core}; tokens a second on ${threads} threads, best of ${ours.length} rounds of ` +
    `${at(ours, 0).runs} runs. In the same run the product 1024×512×1024 reached ${
      number(peaks.matmul_gflop_per_s, 1)
    } GFLOP/s of a ` +
    `measured multiply-add peak of ${number(peaks.multiply_add_gflop_per_s, 1)}, ${
      number(100 * peaks.matmul_share)
    } %.`;
}

function stepTable(from: From & { models: readonly (Omit<StepReport, "arm"> & { model: string })[] }): string {
  const shown = from.models.map((arm) => [
    `\`${arm.model}\``,
    number(arm.tokens_per_s),
    ...[arm.step_ms, arm.forward_ms, arm.backward_ms, arm.optimizer_ms].map((x) => number(x, 1)),
    number(arm.host_encode_ms, 2),
    number(arm.wait_ms, 1),
    `${arm.dispatches}`,
    `${arm.pipelines}`,
    number(arm.prepare_s, 1),
    number(arm.first_step_s, 1),
    mega(arm.planned_bytes),
    mega(arm.allocated_bytes),
  ]);
  const head = [
    "model",
    "tokens/s",
    "ms a step",
    "forward",
    "backward",
    "optimizer",
    "host encode",
    "wait",
    "dispatches",
  ];
  return `${lines([...head, "pipelines", "prepare s", "first step s", "planned MiB", "allocated MiB"], shown)}\n\n${
    about(from)
  }`;
}

/** One line per op and pass, over all its shapes in a step. */
function kernelsTable({ peaks, kernels, refused, ...from }: From & KernelsReport & { model: string }): string {
  const groups = Map.groupBy(kernels, ({ op, pass }) => `\`${op}\`${pass === "optimizer" ? "" : ` ${pass}`}`);
  const shown = [...groups].map(([name, all]) => {
    const sum = (of: (kernel: KernelReport) => number) => all.reduce((total, each) => total + each.times * of(each), 0);
    const ms = sum((each) => each.ms),
      rate = (of: (kernel: KernelReport) => number) => sum((each) => of(each) * each.ms) / ms;
    return {
      ms,
      cells: [
        name,
        `${all.length}`,
        `${sum(() => 1)}`,
        number(ms, 2),
        number(rate((each) => each.gflop_per_s), 1),
        number(rate((each) => each.gb_per_s), 1),
        `${number(100 * rate((each) => each.roofline_share))} %`,
      ],
    };
  });
  const total = shown.reduce((sum, { ms }) => sum + ms, 0);
  const rows = shown.sort((a, b) => b.ms - a.ms).map(({ ms, cells }) => [...cells, `${number(100 * ms / total)} %`]);
  const head = ["op", "shapes", "times a step", "ms a step", "GFLOP/s", "GB/s", "of the limit", "of all kernels"];
  const limit = Math.max(peaks.multiply_add_gflop_per_s ?? 0, peaks.matmul_gflop_per_s);
  const end = `Limits of the same run: ${limit.toFixed(1)} GFLOP/s, ${peaks.copy_gb_per_s.toFixed(1)} GB/s, ` +
    `${number(peaks.dispatch_us, 1)} µs a dispatch, ${number(peaks.submit_us, 1)} µs a submit.`;
  const missing = refused.length > 0 ? ` Not timed, because wrong: ${refused.map(({ op }) => op).join(", ")}.` : "";
  return `${lines(head, rows)}\n\n\`${from.model}\` on ${about(from)} ${end}${missing}`;
}

const TABLES: Readonly<Record<string, (json: never) => string>> = {
  "decode-small.json": decodeTable,
  "decode-torch-small.json": decodePeersTable,
  "decode-torch-small-2048.json": decodePeersTable,
  "decode-torch-quick.json": decodePeersTable,
  "decode-torch-peers.json": decodePeersTable,
  "isa.json": isaTable,
  "peers-js.json": peersTable,
  "peers-torch.json": torchTable,
  "precision-quick.json": endLossTable,
  "precision-smoke.json": endLossTable,
  "precision-times.json": timesTable,
  "step-peers.json": stepTable,
  "step-quick.json": stepTable,
  "kernels-quick.json": kernelsTable,
  "kernels-paper.json": kernelsTable,
};

/** The document with new tables. Throws for a marker without a table. */
export async function withTables(text: string): Promise<string> {
  await loadStudent();
  const parts = text.split(/(<!-- [\w-]+\.json -->\n)[^]*?(?=<!-- end -->)/);
  for (let i = 1; i < parts.length; i += 2) {
    const name = at(parts, i).slice(5, -5), make = TABLES[name];
    if (!make) throw new Error(`docs/kernels.md: there is no table for ${name}`);
    parts[i] += `${make(JSON.parse(await Deno.readTextFile(new URL(name, FOLDER))) as never)}\n`;
  }
  return parts.join("");
}

if (import.meta.main) await Deno.writeTextFile(DOCUMENT, await withTables(await Deno.readTextFile(DOCUMENT)));
