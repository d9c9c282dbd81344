/**
 * Compares training steps with PyTorch, in turns on the same cores: see the README in this folder.
 *
 *     deno run -A tests/bench/peers/torch/run.ts [--models=a,b] [--rounds=N] [--runs=N] [--threads=N] [--out=FILE]
 */
import { fileURLToPath } from "node:url";
import { table } from "../../../../cli/ui/table.ts";
import { at, present } from "../../../../core/lists.ts";

/** The output of both sides for a model. */
interface Measured {
  arm: string;
  parameters: number;
  tokens_per_s: number;
}

interface Report {
  adapter: string | { name: string };
  blas_core?: string;
  arms: Measured[];
}

/** The target speed of this executor, relative to PyTorch. */
const TARGETS: Readonly<Record<string, number>> = {
  mamba: 1,
  "transformer-global": 0.6,
  "transformer-local": 0.6,
  "hybrid-sequential": 1,
  hymba: 1,
};
const HERE = new URL(".", import.meta.url), MAIN = fileURLToPath(new URL("../../../../cli/main.ts", HERE));

/** Makes PyTorch's threads sleep instead of spin, because its OpenMP and OpenBLAS pools share the same two cores. */
const PYTORCH = { OMP_WAIT_POLICY: "PASSIVE" };
/** Variables that make OpenBLAS slower. They are removed. */
const CLEARED = ["OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"];

function option(name: string, fallback: string): string {
  return Deno.args.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3) ?? fallback;
}

async function measured(program: string, args: string[], added: Record<string, string> = {}): Promise<Report> {
  const env = { ...Deno.env.toObject(), ...added };
  for (const name of CLEARED) delete env[name];
  const { code, stdout, stderr } = await new Deno.Command(program, { args, env, clearEnv: true }).output();
  if (code !== 0) throw new Error(`${program} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  return JSON.parse(at(new TextDecoder().decode(stdout).trim().split("\n"), -1));
}

/** The best result of a model over all rounds of one side. */
function best(reports: readonly Report[], arm: string): Measured {
  const all = reports.flatMap(({ arms }) => arms.filter((each) => each.arm === arm));
  return all.reduce((a, b) => b.tokens_per_s > a.tokens_per_s ? b : a);
}

const models = option("models", Object.keys(TARGETS).join(",")), rounds = Number(option("rounds", "2"));
const runs = option("runs", "5"), threads = option("threads", "2"), common = ["--models", models, "--runs", runs];
const python = (args: string[]) =>
  measured("/usr/bin/python3", [fileURLToPath(new URL("train.py", HERE)), ...args, "--threads", threads], PYTORCH);
/** The report of hymba bench step with the names of PyTorch's script. */
function asTheirs(
  { models, ...rest }: Omit<Report, "arms"> & { models?: (Omit<Measured, "arm"> & { model: string })[] },
): Report {
  return { ...rest, arms: (models ?? []).map(({ model, ...one }) => ({ ...one, arm: model }) as Measured) };
}

const deno = (args: string[]) => measured(Deno.execPath(), ["run", "-A", "--no-check", MAIN, "bench", ...args]);

const theirs: Report[] = [], ours: Report[] = [];
for (let round = 0; round < rounds; round++) {
  theirs.push(await python(common));
  ours.push(
    asTheirs(await deno(["step", "--shape", "peers", "--backend", "cpu", "--threads", threads, ...common, "--json"])),
  );
}
const peaks = await deno(["peaks", "--backend", "cpu", "--threads", threads, "--json"]) as unknown as Record<
  "multiply_add_gflop_per_s" | "matmul_gflop_per_s" | "matmul_share",
  number
>;

const lines = models.split(",").map((arm) => {
  const here = best(ours, arm), there = best(theirs, arm);
  if (here.parameters !== there.parameters) {
    throw new Error(`${arm}: ${here.parameters} parameters here, ${there.parameters} in PyTorch: not the same model`);
  }
  const ratio = here.tokens_per_s / there.tokens_per_s, target = present(TARGETS[arm], `the target of ${arm}`);
  return { arm, parameters: here.parameters, ours: here.tokens_per_s, torch: there.tokens_per_s, ratio, target };
});
const shown = lines.map(({ arm, parameters, ours, torch, ratio, target }) => {
  const reached = ratio >= target ? "yes" : "no";
  return [arm, String(parameters), ours.toFixed(0), torch.toFixed(0), ratio.toFixed(2), target.toFixed(1), reached];
});
console.log(table([["model", "parameters", "hymba tok/s", "PyTorch tok/s", "ratio", "target", "reached"], ...shown]));
const { adapter, blas_core } = at(theirs, 0);
console.log(
  `\n${threads} threads, best of ${rounds} rounds of ${runs} runs each; ${adapter}, OpenBLAS kernels for ${blas_core}\n` +
    `multiply-add peak ${peaks.multiply_add_gflop_per_s.toFixed(1)} GFLOP/s, matmul 1024×512×1024 ` +
    `${peaks.matmul_gflop_per_s.toFixed(1)} GFLOP/s, ${(100 * peaks.matmul_share).toFixed(0)} %`,
);
const out = option("out", "");
if (out !== "") await Deno.writeTextFile(out, `${JSON.stringify({ lines, peaks, theirs, ours }, null, 2)}\n`);
