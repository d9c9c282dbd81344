/**
 * Training steps here, in TF.js and in jax-js on one WebGPU adapter: see the README beside this file.
 *
 *     deno run -A tests/bench/peers/js/run.ts [--adapter=TEXT] [--models=a,b] [--peers=a,b] [--runs=N] [--json]
 */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { table } from "../../../../cli/ui/table.ts";
import { choose } from "../../../../core/device/choose.ts";
import { candidates } from "../../../../core/device/dawn.ts";
import { at } from "../../../../core/lists.ts";
import type { Measured } from "./child.ts";
import { comparison, type Line, type Result } from "./compare.ts";
import { MODELS } from "./task.ts";

const { values } = parseArgs({
  options: {
    adapter: { type: "string", default: Deno.env.get("HYMBA_ADAPTER") },
    models: { type: "string", default: MODELS.join(",") },
    peers: { type: "string", default: "tf,jax" },
    runs: { type: "string", default: "3" },
    json: { type: "boolean", default: false },
  },
});
const CHILD = fileURLToPath(new URL("child.ts", import.meta.url));
/** No other library has this model, so it is compared with the Mamba of this engine. */
const OURS = "hymba";

/** Measures in a new process. If that fails, the result has the reason. */
async function measured(peer: string, model: string): Promise<Result> {
  const args = ["run", "-A", "--no-lock", "--no-check", CHILD, peer, model, adapter, values.runs];
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args, env: { NO_COLOR: "1" } }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  if (code === 0) return JSON.parse(at(text(stdout).split("\n"), -1)) as Measured;
  const reason = text(stderr).split("\n").find((line) => /error/i.test(line)) ?? `exit code ${code}`;
  return { reason };
}

async function line(model: string, peers: readonly string[]): Promise<Line> {
  const engines: Record<string, Result> = {};
  for (const peer of [OURS, ...peers]) {
    engines[peer] = await measured(peer, model);
    console.error(`${model}, ${peer}: ${describe(engines[peer])}`);
  }
  return { model, engines };
}

const describe = (result: Result): string =>
  "reason" in result ? result.reason : `${Math.max(...result.tokens_per_s).toFixed(0)} tokens/s`;

const found = choose(await candidates(), values.adapter);
if (!found) throw new Error("no WebGPU adapter on this machine: hymba doctor names a driver");
const adapter = found.name, lines: Line[] = [];
for (const model of values.models.split(",")) lines.push(await line(model, values.peers.split(",")));
const ours = await line(OURS, []), rows = comparison(lines, ours);
if (values.json) {
  console.log(JSON.stringify({ adapter: { name: adapter }, runs: Number(values.runs), rows, lines, ours }));
} else {
  const number = (x: number | null) => x === null ? "—" : x.toFixed(0);
  console.log(table([
    ["model", "parameters", "hymba", "TF.js", "jax-js", "ratio", "target", "reached"],
    ...rows.map(({ model, parameters, tokens_per_s, ratio, target }) => [
      model,
      `${parameters}`,
      ...["hymba", "tf", "jax"].map((engine) => number(tokens_per_s[engine] ?? null)),
      ratio?.toFixed(2) ?? "—",
      `${target}`,
      ratio === null ? "—" : ratio >= target ? "yes" : "no",
    ]),
  ]));
  console.log(`\n${adapter}; tokens/s, best of ${values.runs} runs`);
}
