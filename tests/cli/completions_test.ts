/** Completion in the shells themselves: each loads its script and is asked how a command line continues. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { answer } from "../../cli/complete.ts";
import { hymba, makePlace } from "./command_line.ts";

const place = await makePlace();
const MAIN = fileURLToPath(new URL("../../cli/main.ts", import.meta.url)), BIN = join(place.folder, "bin");
// A program on the path, as an installation makes it.
await Deno.mkdir(BIN);
await Deno.writeTextFile(
  join(BIN, "hymba"),
  `#!/bin/sh\nexec "${Deno.execPath()}" run -A --no-check "${MAIN}" "$@"\n`,
  { mode: 0o755 },
);
// A published run: its record names its models.
const RUN = "results/runs/published";
await Deno.mkdir(join(place.folder, RUN), { recursive: true });
await Deno.copyFile(new URL("../../results/quick/run.json", import.meta.url), join(place.folder, RUN, "run.json"));

const environment = { ...place.environment, PATH: `${BIN}:${Deno.env.get("PATH")}`, TERM: "xterm", COLUMNS: "120" };

async function shell(program: string, ...args: string[]): Promise<string> {
  const { stdout, stderr } = await new Deno.Command(program, {
    args,
    cwd: place.folder,
    env: environment,
    stdin: "null",
  })
    .output();
  return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
}

function isHere(program: string): boolean {
  try {
    return new Deno.Command(program, { args: ["--version"], stdout: "null", stderr: "null" }).outputSync().success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

type Question = readonly [line: string, answers: readonly string[]];

/** Command lines, and what their last word may become, as every shell is asked. */
const OF_SHELLS: readonly Question[] = [
  ["hymba abl", ["ablate"]],
  ["hymba ablate --models mamba,hy", ["mamba,hybrid-sequential", "mamba,hymba"]],
  [`hymba generate ${RUN} --model transformer-g`, ["transformer-global"]],
];

const QUESTIONS: readonly Question[] = [
  ...OF_SHELLS,
  ["hymba tokenizer dec", ["decode"]],
  ["hymba help tok", ["tokenizer"]],
  ["hymba ablate --orpo-s", ["--orpo-steps"]],
  ["hymba ablate --no-p", ["--no-progress"]],
  ["hymba --quiet ablate --remat --preset sm", ["small", "smoke"]],
  ["hymba ablate --preset=sm", ["--preset=small", "--preset=smoke"]],
  ["hymba generate results/runs/pub", [RUN]],
  ["hymba config explain model.dM", ["model.dModel"]],
  ["hymba ablate --set model.dM", ["model.dModel="]],
  ["hymba ablate --data tiny", ["tinyshakespeare"]],
  ["hymba nothing --x", []],
];

Deno.test("completions: commands, options, values, runs and models", async () => {
  const before = Deno.cwd();
  Deno.chdir(place.folder);
  try {
    for (const [line, answers] of QUESTIONS) {
      const out = await answer(["completions", "fish", ...line.split(" ").slice(1)]);
      const found = out.split("\n").map((answer) => answer.split("\t")[0]!).filter((word) => !/^$|__FILE__/.test(word));
      assert.deepEqual(found.sort(), [...answers], line);
    }
  } finally {
    Deno.chdir(before);
  }
});

Deno.test({
  name: "completions: bash completes commands, options, values, runs and models",
  ignore: Deno.build.os === "windows" || !isHere("bash"),
  fn: async () => {
    const ask = ([line]: Question) => `ask ${JSON.stringify(line)}`;
    const script = `
      source <(hymba completions bash)
      ask() {
        COMP_LINE="$1"; COMP_POINT=\${#1}; read -ra COMP_WORDS <<<"$1"; COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); COMPREPLY=()
        _hymba hymba "\${COMP_WORDS[COMP_CWORD]}" "\${COMP_WORDS[COMP_CWORD - 1]}"
        echo "$(printf '%s\\n' "\${COMPREPLY[@]%/}" | sort -u | paste -sd' ')"
      }
      complete -p hymba
      ${OF_SHELLS.map(ask).join("\n")}`;
    const [registered, ...answers] = (await shell("bash", "--norc", "-c", script)).trim().split("\n");
    assert.match(registered!, /complete -F _hymba hymba/);
    assert.deepEqual(answers, OF_SHELLS.map(([, answers]) => answers.join(" ")));
  },
});

Deno.test({
  name: "completions: fish completes commands, options, values, runs and models",
  ignore: Deno.build.os === "windows" || !isHere("fish"),
  fn: async () => {
    const asked = OF_SHELLS.map(([line]) => `echo "> ${line}"; complete -C ${JSON.stringify(line)}`).join("; ");
    const out = await shell("fish", "--no-config", "-c", `hymba completions fish | source; ${asked}`);
    const parts = out.split(/^> .*\n/m).slice(1);
    const found = parts.map((
      part,
    ) => [...new Set(part.trim().split("\n").map((line) => line.split("\t")[0]!.replace(/\/$/, "")))]);
    assert.deepEqual(found.map((words) => words.sort()), OF_SHELLS.map(([, answers]) => [...answers]));
  },
});

/**
 * Types a line with a tab into zsh on a terminal of its own. A key then writes what the line has become into the file $2; the
 * output is read so that the terminal does not fill.
 */
const ZSH = `
zmodload zsh/zpty
zpty -b z zsh -f -i
zpty -w z 'PS1=; autoload -Uz compinit; compinit -u -D; source <(hymba completions zsh); bindkey "^I" complete-word'
zpty -w z "dump() { print -r -- \\$BUFFER >\${2:q}.partial; mv \${2:q}.partial \${2:q} }; zle -N dump; bindkey '^X' dump"
zpty -n -w z "$1"$'\\t\\x18'
for i in {1..200}; do
  while zpty -r -t z out; do :; done
  [[ -e $2 ]] && break
  sleep 0.1
done
zpty -d z
cat $2`;

Deno.test({
  name: "completions: zsh completes a typed line",
  ignore: Deno.build.os === "windows" || !isHere("zsh"),
  fn: async () => {
    const line = `hymba generate ${RUN} --model transformer-g`;
    const out = await shell("zsh", "-f", "-c", ZSH, "zsh", line, join(place.folder, "line"));
    assert.equal(out.trim(), `${line}lobal`);
  },
});

Deno.test("completions: PowerShell is given the parts of each answer, and a script that registers hymba", async () => {
  const script = (await hymba(place, "completions", "pwsh")).out;
  assert.match(script, /Register-ArgumentCompleter -Native -CommandName hymba/);
  const { out, code } = await hymba(place, "completions", "pwsh", "ablate", "--preset", "sm");
  assert.equal(code, 0);
  assert.deepEqual(out.trim().split("\n").map((line) => line.split("\t")[0]), ["smoke", "small"]);
});

Deno.test("completions: a run whose name acts on a terminal is not offered, and a damaged run breaks nothing", async () => {
  const hostile = join(place.folder, "results/runs/\u001b[2J"), damaged = join(place.folder, "results/runs/damaged");
  for (const folder of [hostile, damaged]) {
    await Deno.mkdir(folder);
    await Deno.writeTextFile(join(folder, "run.json"), "{");
  }
  const runs = (await hymba(place, "completions", "fish", "generate", "results/runs/")).out;
  assert.ok(!runs.includes("\u001b"));
  assert.match(runs, /results\/runs\/damaged/);
  const { code, error } = await hymba(place, "completions", "fish", "generate", "results/runs/damaged", "--model", "m");
  assert.deepEqual([code, error], [0, ""]);
});
