/** Notebooks as files, and their execution by nbconvert with Deno's kernel. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { programPath } from "../program_path.ts";

export const FOLDER = fileURLToPath(new URL("../../docs/notebooks/", import.meta.url));
export const NAMES: readonly string[] = ["01_architecture", "02_ablation", "03_paper_review"];

export interface Output {
  readonly output_type: string;
  /** By type of content; lists are lines. */
  readonly data?: Readonly<Record<string, string | readonly string[]>>;
}

export interface Cell {
  readonly cell_type: "code" | "markdown";
  readonly source: readonly string[];
  readonly outputs?: readonly Output[];
  readonly execution_count?: number | null;
}

export interface Notebook {
  readonly cells: readonly Cell[];
  readonly metadata: { readonly kernelspec: { readonly name: string } };
  readonly nbformat: number;
}

export const readNotebook = async (path: string): Promise<Notebook> => JSON.parse(await Deno.readTextFile(path));

/** The code of a notebook as one program: its cells share their names. */
export const programOf = ({ cells }: Notebook): string =>
  cells.filter(({ cell_type }) => cell_type === "code").map(({ source }) => source.join("")).join("\n;\n");

/** Says that Jupyter finds Deno's kernel in a folder, without installing it for the user. */
async function describeKernel(folder: string): Promise<void> {
  const argv = [Deno.execPath(), "jupyter", "--kernel", "--conn", "{connection_file}"];
  await Deno.mkdir(join(folder, "kernels/deno"), { recursive: true });
  const description = { argv, display_name: "Deno", language: "typescript" };
  await Deno.writeTextFile(join(folder, "kernels/deno/kernel.json"), JSON.stringify(description));
}

/**
 * Executes a notebook into `folder`. Undefined, with the reason printed, where nbconvert is missing. Throws what a cell threw.
 * `env`: more environment variables.
 */
export async function execute(
  name: string,
  { folder, env = {} }: { folder: string; env?: Record<string, string> },
): Promise<Notebook | undefined> {
  const nbconvert = await programPath("jupyter-nbconvert");
  if (!nbconvert) return void console.log("skipped: no jupyter-nbconvert in the path (Debian: jupyter-nbconvert)");
  await describeKernel(join(folder, "jupyter"));
  // On a busy machine an output may come later than the four seconds that nbconvert waits for it.
  const patience = ["timeout=600", "iopub_timeout=120", "raise_on_iopub_timeout=True"].map((one) =>
    `--ExecutePreprocessor.${one}`
  );
  const words = ["--to", "notebook", "--execute", ...patience, "--output-dir", folder];
  const { success, stderr } = await new Deno.Command(nbconvert, {
    args: [...words, "--output", name, join(FOLDER, `${name}.ipynb`)],
    env: { JUPYTER_DATA_DIR: join(folder, "jupyter"), ...env },
  }).output();
  if (!success) throw new Error(`${name}: ${new TextDecoder().decode(stderr)}`);
  return await readNotebook(join(folder, `${name}.ipynb`));
}
