/**
 * Programs of npm with native code that Deno's resolver does not take. `deno run -A tests/export/node_packages.ts` lets npm install them
 * once into folders beside other temporary files, without running any script; tests use them by Node in a process of its own.
 */
import { join } from "node:path";
import { tmpdir } from "node:os";

/** Packages by name and exact version, the one that is used first. */
export interface NodePackages {
  readonly packages: readonly string[];
}

const SYSTEM = Deno.build.os === "darwin" ? "mac" : Deno.build.os === "windows" ? "win" : "linux";
const LLAMA = "3.22.1", RUNTIME = "1.30.0";
export const LLAMA_CPP: NodePackages = {
  packages: [
    `node-llama-cpp@${LLAMA}`,
    `@node-llama-cpp/${SYSTEM}-${Deno.build.arch === "aarch64" ? "arm64" : "x64"}@${LLAMA}`,
  ],
};
export const ONNX_RUNTIME: NodePackages = { packages: [`onnxruntime-node@${RUNTIME}`] };

const folderOf = ({ packages }: NodePackages) => join(tmpdir(), `hymba-tests-${packages[0]}`);
/** An empty file that says that the folder is complete. */
const markOf = (wanted: NodePackages) => join(folderOf(wanted), "installed");
const isInstalled = (wanted: NodePackages) => Deno.stat(markOf(wanted)).then(() => true, () => false);

/** The folder with these packages, or undefined with a printed reason. */
export async function nodePackages(wanted: NodePackages): Promise<string | undefined> {
  if (await isInstalled(wanted)) return folderOf(wanted);
  console.log(`skipped: ${wanted.packages[0]} is not installed (deno run -A tests/export/node_packages.ts)`);
  return undefined;
}

async function install(wanted: NodePackages): Promise<void> {
  if (await isInstalled(wanted)) return;
  const folder = folderOf(wanted);
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(join(folder, "package.json"), "{}");
  const flags = ["install", "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund", "--no-package-lock"];
  const { success } = await new Deno.Command("npm", { args: [...flags, ...wanted.packages], cwd: folder }).spawn()
    .status;
  if (success) await Deno.writeTextFile(markOf(wanted), "");
}

/** What a script prints as JSON when it is given a question as JSON. */
export async function askNode<T>(script: string, args: readonly string[], question: unknown): Promise<T> {
  const child = new Deno.Command("node", { args: [script, ...args], stdin: "piped", stdout: "piped", stderr: "piped" })
    .spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(JSON.stringify(question)));
  await writer.close();
  const { code, stdout, stderr } = await child.output(), decoder = new TextDecoder();
  if (code !== 0) throw new Error(`${script}: ${decoder.decode(stderr)}`);
  return JSON.parse(decoder.decode(stdout).trim().split("\n").at(-1) ?? "");
}

if (import.meta.main) {
  for (const wanted of [LLAMA_CPP, ONNX_RUNTIME]) await install(wanted);
}
