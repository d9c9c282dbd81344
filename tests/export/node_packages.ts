/**
 * Programs of npm with native code that Deno's resolver does not take: they are installed by npm into a folder beside other temporary files,
 * once, without running any script, and used by Node in a process of its own.
 */
import { join } from "node:path";
import { tmpdir } from "node:os";

/** The folder with these packages (`name@version`), or undefined with a printed reason. */
export async function nodePackages(name: string, packages: readonly string[]): Promise<string | undefined> {
  const folder = join(tmpdir(), `hymba-tests-${name}-${packages[0]?.split("@").at(-1)}`),
    done = join(folder, "installed");
  const { success, stderr } = await installed(folder, packages, done);
  if (success) return folder;
  console.log(`skipped: npm does not install ${packages[0]}: ${stderr.trim().split("\n")[0]}`);
  return undefined;
}

async function installed(
  folder: string,
  packages: readonly string[],
  done: string,
): Promise<{ success: boolean; stderr: string }> {
  const isDone = await Deno.stat(done).then(() => true, () => false);
  if (isDone) return { success: true, stderr: "" };
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(join(folder, "package.json"), "{}");
  const flags = ["install", "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund", "--no-package-lock"];
  try {
    const made = await new Deno.Command("npm", {
      args: [...flags, ...packages],
      cwd: folder,
      stdout: "null",
      stderr: "piped",
    }).output();
    if (made.success) await Deno.writeTextFile(done, "");
    return { success: made.success, stderr: new TextDecoder().decode(made.stderr) };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return { success: false, stderr: "npm is not installed" };
  }
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
