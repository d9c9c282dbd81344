/** The programs of SentencePiece, from the Debian package `sentencepiece`. */
import assert from "node:assert/strict";

/** Whether they are installed; the reason is printed when they are not. */
export async function spmInstalled(): Promise<boolean> {
  try {
    await new Deno.Command("spm_encode", { args: ["--version"], stdout: "null", stderr: "null" }).output();
    return true;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    console.log("skipped: spm_encode is not installed (Debian package sentencepiece)");
    return false;
  }
}

/** Trains a model on a text; the options are those of `spm_train` without dashes. Returns the file, or the error message. */
export async function spmTrain(
  text: string,
  options: Record<string, string | number | boolean>,
): Promise<Uint8Array<ArrayBuffer> | string> {
  const folder = await Deno.makeTempDir(), file = `${folder}/text`;
  try {
    await Deno.writeTextFile(file, text);
    const given = { num_threads: 1, minloglevel: 2, max_sentence_length: 10_000_000, ...options };
    const { success, stderr } = await new Deno.Command("spm_train", {
      args: [
        `--input=${file}`,
        `--model_prefix=${file}`,
        ...Object.entries(given).map(([name, value]) => `--${name}=${value}`),
      ],
    }).output();
    return success ? await Deno.readFile(`${file}.model`) : new TextDecoder().decode(stderr);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** What a program of SentencePiece prints about lines of text, a line each. */
export async function spmRun(
  program: string,
  { model, args, lines }: { model: Uint8Array; args: string[]; lines: string[] },
): Promise<string[]> {
  const path = await Deno.makeTempFile({ suffix: ".model" });
  try {
    await Deno.writeFile(path, model);
    const child = new Deno.Command(program, {
      args: [`--model=${path}`, ...args],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const given = new Blob(lines.map((line) => `${line}\n`)).stream().pipeTo(child.stdin);
    const [{ code, stdout, stderr }] = await Promise.all([child.output(), given]);
    assert.equal(code, 0, new TextDecoder().decode(stderr));
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(stdout).split("\n").slice(0, -1);
  } finally {
    await Deno.remove(path);
  }
}
