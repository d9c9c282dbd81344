/**
 * Checks that a tiny training run (tests/determinism/tiny_run.ts) gives the same bits under all conditions:
 *
 *     deno run -A tests/determinism/training.ts [--executor cpu|lavapipe|swiftshader] [--repeats 100] [--across]
 *
 * Repeats the run in one process, then in new processes: in another folder, locale and time zone, with cold and warm shader cache, with
 * one and two threads, and beside other jobs. Prints a row of the table of docs/reliability.md for each. `--across` compares the
 * executors with each other: 50 losses, and the steps of the first update in order. Exits with 1 when bits differ, or with `--across`
 * when a difference is too large.
 */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { CpuExecutor } from "../../core/cpu/mod.ts";
import { at, present } from "../../core/lists.ts";
import type { Executor } from "../../core/plan/mod.ts";
import { openWebgpu } from "../../core/webgpu/mod.ts";
import { relativeError } from "../ops/harness.ts";
import { tinyRun, type Written, written } from "./tiny_run.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: {
    executor: { type: "string", multiple: true, default: ["cpu", "lavapipe", "swiftshader"] },
    repeats: { type: "string", default: "100" },
    steps: { type: "string", default: "10" },
    across: { type: "boolean", default: false },
    worker: { type: "string" },
    threads: { type: "string", default: "2" },
  },
});
const HERE = fileURLToPath(import.meta.url), ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** The largest allowed relative difference of a loss between executors. */
const BOUND = 1e-3;

const open = (name: string): Promise<Executor> =>
  name === "cpu" ? CpuExecutor.create({ threads: Number(values.threads) }) : openWebgpu({ adapter: name });

/** The work of the child process. It prints one line with the distinct hashes of all repeats. */
async function work(name: string): Promise<void> {
  const executor = await open(name), found = new Set<string>();
  for (let i = 0; i < Number(values.repeats); i++) found.add((await tinyRun(executor, Number(values.steps))).sha256);
  console.log([...found].join(" "));
  Deno.exit(0);
}

interface Condition {
  readonly env?: Readonly<Record<string, string>>;
  readonly repeats?: number;
  readonly threads?: number;
  readonly cwd?: string;
  /** A command that runs the child's command. */
  readonly front?: readonly string[];
}

/** The distinct hashes of a run under a condition. */
async function hashes(name: string, { env, repeats = 1, threads = 2, cwd, front = [] }: Condition): Promise<string[]> {
  const words = [...front, Deno.execPath()]
    .concat(["run", "-A", "--no-check", "--config", `${ROOT}deno.json`, HERE])
    .concat(["--worker", name, "--repeats", `${repeats}`, "--steps", values.steps, "--threads", `${threads}`]);
  const { success, stdout, stderr } = await new Deno.Command(at(words, 0), { args: words.slice(1), env, cwd }).output();
  if (!success) throw new Error(`${name}: ${new TextDecoder().decode(stderr)}`);
  return at(new TextDecoder().decode(stdout).trim().split("\n"), -1).split(" ");
}

/** How to limit each executor to one thread. */
const ONE_THREAD: Readonly<Record<string, Condition>> = {
  cpu: { threads: 1 },
  lavapipe: { env: { LP_NUM_THREADS: "1" } },
  swiftshader: { front: ["taskset", "-c", "0"] }, // it starts a thread for each allowed processor
};

const LOCALE = { LANG: "tr_TR.UTF-8", LC_ALL: "tr_TR.UTF-8", TZ: "Pacific/Kiritimati" };

async function table(name: string): Promise<number> {
  const cwd = await Deno.makeTempDir(), cache = await Deno.makeTempDir();
  // Only lavapipe caches compiled shaders on the disk. The others compile them in every process.
  const cached = { env: { MESA_SHADER_CACHE_DIR: cache } };
  const conditions: Record<string, Condition> = {
    "one process": { repeats: Number(values.repeats) },
    "fresh process, other folder": { cwd },
    "locale tr_TR, time zone +14": { env: LOCALE },
    ...(name === "lavapipe" ? { "cold shader cache": cached, "warm shader cache": cached } : {}),
    "one thread": present(ONE_THREAD[name], `one thread on ${name}`),
    "another job on every processor": {},
  };
  const all = new Set<string>();
  let wrong = 0;
  for (const [condition, given] of Object.entries(conditions)) {
    const jobs = condition.startsWith("another job") ? spin() : [];
    const found = await hashes(name, given), before = all.size;
    for (const job of jobs) job.kill("SIGKILL");
    for (const hash of found) all.add(hash);
    const same = found.length === 1 && (before === 0 || all.size === before);
    if (!same) wrong++;
    const shown = same ? `identical (${at(found, 0).slice(0, 8)})` : `DIFFERENT: ${found.join(" ")}`;
    console.log(`| weights and losses on ${name}: ${condition} | ${given.repeats ?? 1} | ${shown} |`);
  }
  for (const folder of [cwd, cache]) await Deno.remove(folder, { recursive: true });
  return wrong;
}

const spin = () =>
  Array.from(
    { length: navigator.hardwareConcurrency },
    () => new Deno.Command(Deno.execPath(), { args: ["eval", "for (;;);"] }).spawn(),
  );

/** Losses of two executors, and the first step of an update whose bits differ. */
async function pair(one: Executor, other: Executor, names: string): Promise<boolean> {
  const { losses: a } = await tinyRun(one, 45), { losses: b } = await tinyRun(other, 45);
  const most = Math.max(...a.map((loss, i) => Math.abs(loss / at(b, i) - 1))),
    ok = most <= BOUND && a.length === b.length;
  const first = await firstDifference(one, other);
  const where = first ? `${first.op} (step ${first.step}, ${first.tensor}), by ${first.by.toExponential(1)}` : "none";
  console.log(
    `| ${names}: ${a.length} losses, and an update step by step | 1 | largest relative difference ${
      most.toExponential(1)
    }${ok ? "" : ", TOO LARGE"}; first step that differs: ${where} |`,
  );
  return ok;
}

async function firstDifference(one: Executor, other: Executor): Promise<Written & { by: number } | undefined> {
  const others = written(other);
  try {
    for await (const mine of written(one)) {
      const { values } = (await others.next()).value as Written;
      // Object.is compares bits: zeros may differ in their sign.
      if (mine.values.every((value, i) => Object.is(value, values[i]))) continue;
      return { ...mine, by: relativeError(mine.values, values) };
    }
    return undefined;
  } finally {
    await others.return(undefined);
  }
}

if (values.worker) await work(values.worker);
let wrong = 0;
if (values.across) {
  const names = ["cpu", "lavapipe", "swiftshader"], opened = await Promise.all(names.map(open));
  for (const [i, j] of [[0, 1], [0, 2], [1, 2]] as const) {
    if (!await pair(at(opened, i), at(opened, j), `${names[i]} against ${names[j]}`)) wrong++;
  }
} else for (const name of values.executor) wrong += await table(name);
Deno.exit(wrong > 0 ? 1 : 0);
