/**
 * A small study on Arm, emulated by qemu, against the same study on this processor: weights and losses must have the same bits,
 * also when one begins a study and the other finishes it.
 *
 *     deno run -A tests/arm/compare.ts [FOLDER]
 *
 * Needs Linux on x86-64, Debian's `qemu-user-static` and `apt-get`, and npm. FOLDER keeps what was downloaded (about 100 MB)
 * and the three runs. Prints a line for each file that was compared, and ends with code 1
 * when one differs.
 */
import { createHash } from "node:crypto";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url)), MAIN = join(ROOT, "cli/main.ts");
const LIBRARIES = ["libc6", "libgcc-s1", "libstdc++6"];

/** A study with everything that has bits of its own: both kinds of layers, both stages, samples, the recall probe. */
const STUDY = `preset = "smoke"
models = ["mamba", "hymba"]
[pretraining]
steps = 8
evaluateEvery = 4
[orpo]
steps = 2
evaluateEvery = 2
[samples]
prompts = 1
newTokens = 4
[recall]
steps = 2
`;

async function command(program: string, args: readonly string[], options: Deno.CommandOptions = {}): Promise<void> {
  const { code } = await new Deno.Command(program, { ...options, args: [...args], stdout: "null", stderr: "inherit" })
    .output();
  if (code !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${code}`);
}

const exists = (path: string) => Deno.stat(path).then(() => true, () => false);

/** Downloads Deno for Arm and the libraries that it is linked with. Returns the words that start it. */
async function armDeno(folder: string): Promise<string[]> {
  const system = join(folder, "root"), deno = join(folder, "package", "deno");
  if (!await exists(deno)) {
    await command("npm", ["pack", "--silent", `@deno/linux-arm64-glibc@${Deno.version.deno}`], { cwd: folder });
    await command("tar", ["xzf", `deno-linux-arm64-glibc-${Deno.version.deno}.tgz`], { cwd: folder });
  }
  if (!await exists(system)) {
    for (const part of ["state/lists/partial", "cache/archives/partial"]) {
      await Deno.mkdir(join(folder, part), { recursive: true });
    }
    await Deno.writeTextFile(join(folder, "status"), "");
    await Deno.writeTextFile(join(folder, "apt.conf"), aptConfiguration(folder));
    const env = { APT_CONFIG: join(folder, "apt.conf") };
    await command("apt-get", ["update", "-qq"], { env });
    await command("apt-get", ["download", "-qq", ...LIBRARIES], { env, cwd: folder });
    for await (const { name } of Deno.readDir(folder)) {
      if (name.endsWith(".deb")) await command("dpkg-deb", ["-x", join(folder, name), system]);
    }
  }
  return ["qemu-aarch64-static", "-L", system, deno];
}

/** Settings of apt that leave this machine's own packages alone. */
const aptConfiguration = (folder: string) =>
  `APT::Architecture "arm64";
APT::Architectures { "arm64"; };
Dir::State "${folder}/state";
Dir::Cache "${folder}/cache";
Dir::State::status "${folder}/status";
`;

/** Runs the study in `out`, or continues with it. With `until`, kills it as soon as that file exists. */
async function study(deno: readonly string[], out: string, until?: string): Promise<void> {
  const [program = "", ...first] = deno;
  const file = join(out, "..", "study.toml");
  const args = [...first, "run", "-A", MAIN, "ablate", file, "--backend", "cpu", "--data", text(out), "--out", out];
  const child = new Deno.Command(program, { args, stdout: "null", stderr: "inherit" }).spawn();
  let killed = false;
  const watch = until === undefined ? undefined : setInterval(async () => {
    if (killed || !await exists(until)) return;
    killed = true;
    child.kill("SIGKILL");
  }, 100);
  const { code } = await child.status;
  clearInterval(watch);
  if (until !== undefined && !killed) throw new Error(`the study ended before ${until} existed`);
  if (!killed && code !== 0) throw new Error(`the study in ${out} ended with ${code}`);
}

const text = (out: string) => join(out, "..", "text.txt");

/** SHA-256 of every file of weights and losses of a run, and of the losses in its log without their times. */
async function bitsOf(run: string): Promise<Map<string, string>> {
  const bits = new Map<string, string>();
  const digest = (content: Uint8Array | string) => createHash("sha256").update(content).digest("hex");
  const walk = async (folder: string) => {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      const path = join(folder, name);
      if (isDirectory) await walk(path);
      else if (name.endsWith(".safetensors")) bits.set(path.slice(run.length + 1), digest(await Deno.readFile(path)));
    }
  };
  await walk(join(run, "arms"));
  const lines = (await Deno.readTextFile(join(run, "metrics.jsonl"))).trim().split("\n");
  const losses = lines.map((line) => Object.entries(JSON.parse(line)).filter(([key]) => /loss|step|arm/.test(key)));
  bits.set("losses of metrics.jsonl", digest(JSON.stringify(losses)));
  return bits;
}

/** Compares a run with the reference and prints each file. Returns the number of files that differ. */
async function differences(run: string, reference: Map<string, string>): Promise<number> {
  const bits = await bitsOf(run);
  let different = 0;
  for (const name of new Set([...reference.keys(), ...bits.keys()])) {
    const same = reference.get(name) !== undefined && reference.get(name) === bits.get(name);
    if (!same) different++;
    console.log(`${same ? "same bits" : "DIFFERENT"}  ${basename(run)}: ${name}`);
  }
  return different;
}

const folder = Deno.args[0] ?? await Deno.makeTempDir(), here = [Deno.execPath()];
await Deno.mkdir(folder, { recursive: true });
const arm = await armDeno(folder),
  [first, second, third] = ["x86", "arm", "x86-then-arm"].map((name) => join(folder, name));
if (first === undefined || second === undefined || third === undefined) throw new Error("three runs");
for (const run of [first, second, third]) if (await exists(run)) await Deno.remove(run, { recursive: true });
await Deno.writeTextFile(join(folder, "study.toml"), STUDY);
const words = ["the ship", "a whale", "went down", "at sea", "and the men", "saw it", "rise again", "in the night"];
await Deno.writeTextFile(
  text(first),
  Array.from({ length: 4000 }, (_, i) => words[(i * i + 3 * i) % 8] + (i % 7 === 0 ? ".\n" : " ")).join(""),
);
await study(here, first);
await study(arm, second);
await study(here, third, join(third, "arms", "mamba-1", "checkpoints", "checkpoint-000001"));
await study(arm, third);
const reference = await bitsOf(first);
const different = await differences(second, reference) + await differences(third, reference);
console.log(different === 0 ? `${2 * reference.size} comparisons, all with the same bits` : `${different} differ`);
if (different > 0) Deno.exit(1);
