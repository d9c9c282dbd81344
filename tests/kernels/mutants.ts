/**
 * Mutants of the WGSL files, and whether the checks of the op tests kill them:
 *
 *     deno run -A tests/kernels/mutants.ts [--file rmsnorm_forward.wgsl] [--cases 16] [--most 40] [--seconds 300]
 *
 * `--most` limits the mutants of each file; they are drawn by `--seed`. A child process does the work. A child that computes for a
 * minute without finishing a case is ended, and its mutant counts as killed: any test finds a hang. Prints survivors, then a line per file.
 */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { WebgpuExecutor } from "../../core/webgpu/executor.ts";
import { Dice } from "../fuzz/dice.ts";
import { executors } from "../ops/executors.ts";
import { casesOf, type Fate, fateOf, Mutating } from "./mutation.ts";
import { type Mutant, mutantsOf } from "./mutator.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: {
    file: { type: "string", multiple: true },
    cases: { type: "string", default: "16" },
    most: { type: "string", default: "1000" },
    seconds: { type: "string", default: "Infinity" },
    worker: { type: "string" },
    from: { type: "string", default: "0" },
    seed: { type: "string", default: "1" },
  },
});
const WGSL = new URL("../../wgsl/", import.meta.url);
/** Seconds of processor time that a child may use between two lines. A process that waits for the processor uses none. */
const SILENCE = 60;
/** Seconds after which a child that prints nothing is ended in any case. */
const DEAF = 1800;

/** The mutants of a file that are tested: at most `--most`, drawn by the seed. */
function chosen(source: string): Mutant[] {
  const all = mutantsOf(source), dice = new Dice(Number(values.seed), all.length);
  const drawn = all.map((mutant) => ({ mutant, rank: dice.below(2 ** 32) })).sort((a, b) => a.rank - b.rank);
  return drawn.slice(0, Number(values.most)).map(({ mutant }) => mutant);
}

/** An executor that uses the file, and the cases in which it does. */
interface Form {
  readonly executor: Mutating;
  readonly cases: Awaited<ReturnType<typeof casesOf>>;
}

/** The forms of kernels that use the file: those of software adapters, and those of GPUs if they differ. */
async function formsOf(source: string, { shared }: { shared: boolean }): Promise<Form[]> {
  const gpu = (await executors()).find((executor) => executor instanceof WebgpuExecutor) as WebgpuExecutor;
  const forms = new Map<string, Form>();
  for (const adapterClass of ["software", "discrete"] as const) {
    const executor = new Mutating(gpu, adapterClass);
    const cases = await casesOf(executor, source, { most: Number(values.cases), shared });
    const texts = cases.flatMap(({ built }) => executor.textsOf(built.plan)).join("\n");
    if (cases.length > 0 && !forms.has(texts)) forms.set(texts, { executor, cases });
  }
  return [...forms.values()];
}

/** Tries the mutants of one file and prints `number fate` for each. A mutant is killed when it fails in one of the forms. */
async function work(file: string): Promise<void> {
  const source = await Deno.readTextFile(new URL(file, WGSL));
  const forms = await formsOf(source, { shared: file.startsWith("lib/") });
  const onCase = () => console.log("case");
  for (const { executor, cases } of forms) {
    if (await fateOf(executor, { code: source }, { source, cases, onCase }) !== "survived") {
      throw new Error(`${file} itself fails`);
    }
  }
  if (forms.length > 0) console.log(`ready ${forms.map(({ cases }) => cases.length).join(" and ")}`);
  for (const [i, mutant] of chosen(source).entries()) {
    if (i < Number(values.from) || forms.length === 0) continue;
    let fate: Fate = "survived";
    for (const { executor, cases } of forms) {
      if (fate === "survived") fate = await fateOf(executor, mutant, { source, cases, onCase });
    }
    console.log(`${i} ${fate}`);
  }
  console.log("done");
  Deno.exit(0);
}

/** Runs a worker, starting with one mutant; returns what it printed until it ended or stopped printing. */
async function watch(
  file: string,
  { from, until }: { from: number; until: number },
): Promise<Map<number, Fate> | undefined> {
  const fates = new Map<number, Fate>();
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", fileURLToPath(import.meta.url), "--worker", file, "--from", String(from)]
      .concat(["--cases", values.cases, "--most", values.most, "--seed", values.seed]),
    // Compilation takes nearly all of the time of a mutant. Without LLVM's passes lavapipe is faster, and the error bounds still hold.
    env: { GALLIVM_PERF: "nopt" },
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let ready = false, spoken = Date.now(), used = 0;
  const watching = setInterval(() => {
    // Until it is ready, the child computes references and compiles the kernels without mutants.
    const silent = processorSeconds(child.pid) - used > SILENCE * (ready ? 1 : 10);
    if (!silent && Date.now() - spoken <= 1000 * DEAF && Date.now() <= until) return;
    clearInterval(watching);
    child.kill("SIGKILL");
  }, 1000);
  for await (const line of child.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(lines())) {
    [spoken, used] = [Date.now(), processorSeconds(child.pid)];
    if (line.startsWith("ready")) ready = true;
    const [number, fate] = line.split(" ");
    if (/^\d+$/.test(number!)) fates.set(Number(number), fate as Fate);
  }
  clearInterval(watching);
  const { success } = await child.status;
  if (!ready) return undefined;
  if (!success && Date.now() < until) fates.set(Math.max(from - 1, ...fates.keys()) + 1, "killed");
  return fates;
}

/** The processor time of a process, in seconds. */
function processorSeconds(pid: number): number {
  try {
    const fields = Deno.readTextFileSync(`/proc/${pid}/stat`).replace(/^.*\) /, "").split(" ");
    return (Number(fields[11]) + Number(fields[12])) / 100; // user and system time, in hundredths of a second
  } catch {
    return 0; // it has just ended
  }
}

function lines(): TransformStream<string, string> {
  let kept = "";
  return new TransformStream({
    transform(text, controller) {
      const parts = `${kept}${text}`.split("\n");
      kept = parts.pop()!;
      for (const part of parts) controller.enqueue(part);
    },
  });
}

async function report(file: string): Promise<Record<Fate, number>> {
  const source = await Deno.readTextFile(new URL(file, WGSL)),
    mutants = chosen(source),
    total = { killed: 0, survived: 0, stillborn: 0 };
  const until = Date.now() + Math.min(1e9, Number(values.seconds) * 1000);
  for (let from = 0; from < mutants.length && Date.now() < until;) {
    const fates = await watch(file, { from, until });
    if (!fates) {
      console.log(`file=${file} no case reaches it, or not in time`);
      break;
    }
    for (const [i, fate] of fates) {
      total[fate]++;
      const { line, fault, before, after } = mutants[i]!;
      if (fate === "survived") console.log(`  ${file}:${line} ${fault}: ${before}  =>  ${after}`);
    }
    if (fates.size === 0) break;
    from = Math.max(...fates.keys()) + 1;
  }
  const { killed, survived, stillborn } = total;
  console.log(
    `file=${file} mutants=${mutants.length} tried=${
      killed + survived
    } killed=${killed} survived=${survived} stillborn=${stillborn}`,
  );
  return total;
}

if (values.worker) await work(values.worker);
const wgslIn = (folder: string) =>
  [...Deno.readDirSync(new URL(folder, WGSL))].flatMap(({ isFile, name }) => isFile ? [`${folder}${name}`] : []).sort();
const all = [...wgslIn("./"), ...wgslIn("lib/")];
let killed = 0, survived = 0;
for (const file of values.file ?? all) {
  const total = await report(file);
  killed += total.killed;
  survived += total.survived;
}
console.log(
  `killed ${killed} of ${killed + survived}: ${(100 * killed / Math.max(1, killed + survived)).toFixed(1)} %`,
);
