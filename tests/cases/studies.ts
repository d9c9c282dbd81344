/** Kinds that concern texts, runs and the command line. */
import { join } from "node:path";
import { Hymba } from "../../mod.ts";
import { systemDisk } from "../../core/disk/mod.ts";
import { encodeSafetensors } from "../../core/params/safetensors.ts";
import { readSafetensors } from "../../core/params/read_safetensors.ts";
import { hymba, start } from "../cli/command_line.ts";
import { called, given, type Kind, line, piped, type Ready, seen } from "./kinds.ts";

const FIT = "tests/tokenizer/fit_test.ts", OWN = "tests/study/own_folder_test.ts", USAGE = "tests/cli/usage_test.ts";
const QUICK = ["--model", "mamba", "--preset", "smoke", "--steps", "2", "--backend", "cpu"] as const;

let studies = 0;

/** Trains on a text; right where it ends with a perplexity. */
async function studied(place: Ready, text: string | Uint8Array, name = `text${studies}.txt`): Promise<string> {
  const file = await given(place, name, text), out = join(place.folder, `study${studies++}`);
  const ended = await hymba(place, "pretrain", ...QUICK, "--data", file, "--out", out);
  const found = /^mamba +[\d.]+/m.exec(ended.out)?.[0];
  return seen(ended.code === 0 && found !== undefined, found ? "trains, and gives a perplexity" : ended.error);
}

/** Sentences without spaces of letters in a range of Unicode. */
const script = (first: number, count: number, length: number, end: string): string =>
  Array.from({ length }, (_, i) => {
    const at = Math.floor(count * Math.abs(Math.sin(i * i + i / 3)) ** 3);
    return i % 23 === 22 ? end : String.fromCodePoint(first + at);
  }).join("");

const language = (kind: string, input: string, text: string): Kind => ({
  ...{ kind, input, right: "trains", test: FIT },
  run: (place) => studied(place, text),
});

/** Training into a folder with a file of the user is refused, and the file stays. */
const ownFile = (name: string, content: string): Kind => ({
  kind: `a user's own \`${name}\` in \`--out\``,
  input: `\`pretrain --out\` of a folder with it`,
  right: "refused in words, the file stays",
  test: OWN,
  run: async (place) => {
    const out = join(place.folder, `own-${name}`), file = join(out, name);
    await Deno.mkdir(out);
    await Deno.writeTextFile(file, content);
    const { code, error } = await hymba(place, "pretrain", ...QUICK, "--data", place.text, "--out", out);
    const kept = await Deno.readTextFile(file) === content && !/internal fault/.test(error);
    return seen(code === 2 && kept, line(error));
  },
});

const refused = (kind: string, input: string, words: readonly string[], pattern: RegExp, test = USAGE): Kind => ({
  ...{ kind, input, right: "a usage error in words", test },
  run: (place) => called(place, words.map((word) => word.replace("RUN", place.run)), { code: 2, pattern }),
});

/** A tensor that is not square, with its two sizes exchanged. */
async function transposed(place: Ready): Promise<string> {
  const path = join(place.run, "arms", "mamba-1", "pretraining.safetensors"), before = await Deno.readFile(path);
  const { tensors, metadata } = await readSafetensors(systemDisk, path);
  const [name, tensor] =
    Object.entries(tensors).findLast(([, { shape: [a, b], shape }]) => shape.length === 2 && a !== b) ?? [];
  if (!name || !tensor) return seen(false, "no tensor to transpose");
  await Deno.writeFile(
    path,
    encodeSafetensors({ ...tensors, [name]: { ...tensor, shape: tensor.shape.toReversed() } }, metadata),
  );
  const words = ["evaluate", place.run, "--backend", "cpu", "--data", place.text];
  const found = await called(place, words, { code: 1, pattern: /expected/ });
  await Deno.writeFile(path, before);
  return found;
}

async function countedBytes(place: Ready): Promise<string> {
  const text = "🦉🌙 été ῥόδον 面白い。\n".repeat(40), file = await given(place, "counted.txt", text);
  const words = ["evaluate", place.run, "--text", file, "--json", "--backend", "cpu"];
  const { code, out, error } = await hymba(place, ...words), bytes = new TextEncoder().encode(text).length - 1;
  if (code !== 0) return seen(false, error);
  const got = /"bytes":(\d+)/.exec(out)?.[1], bits = Number(/"bits_?[Pp]er_?[Bb]yte":([\d.]+)/.exec(out)?.[1]);
  return seen(got === String(bytes) && bits > 0, `${got} bytes of ${bytes}`);
}

async function processSubstitution(place: Ready): Promise<string> {
  const shell = new Deno.Command("bash", {
    args: [
      "-c",
      `"$0" run -A --no-check "$1" pretrain ${QUICK.join(" ")} --data <(cat "$2") --out "$3"`,
      Deno.execPath(),
      new URL("../../cli/main.ts", import.meta.url).pathname,
      place.text,
      join(place.folder, "piped"),
    ],
    ...{ env: { ...place.environment }, cwd: place.folder },
  });
  const { code, stderr } = await shell.output(), error = new TextDecoder().decode(stderr);
  return seen(code === 0 || /not a regular file/.test(error), code === 0 ? "is read" : line(error));
}

async function closedPipe(place: Ready): Promise<string> {
  const words = ["generate", place.run, "--prompt", "ba", "--tokens", "200", "--backend", "cpu"];
  const child = start(place, words);
  await child.stdout.cancel();
  const { code } = await child.status.then((status) => status), error = await new Response(child.stderr).text();
  return seen(
    [0, 1].includes(code) && !/internal fault|^error: /m.test(error),
    `ends with exit code ${code}, without a stack`,
  );
}

async function library(): Promise<string> {
  await using model = await Hymba.create({
    vocabSize: 64,
    dModel: 16,
    nLayers: 1,
    nHeads: 2,
    nKvHeads: 1,
    archType: "mamba",
  });
  const bad = [{ temperature: -0.5 }, { temperature: NaN }, { topK: -3 }, { topK: 2.5 }, { maxNewTokens: 0.5 }, {
    topP: 2,
  }];
  const taken = [];
  for (const options of bad) {
    try {
      await model.generate([[1, 2]], { maxNewTokens: 2, ...options });
      taken.push(JSON.stringify(options));
    } catch (error) {
      if (!(error instanceof Error && error.name === "UsageError")) taken.push(String(error));
    }
  }
  return seen(taken.length === 0, taken.length === 0 ? `all ${bad.length} refused` : `taken: ${taken.join(" ")}`);
}

/** A hint of a command names only options that this command has. */
async function hints(place: Ready): Promise<string> {
  const file = await given(place, "tiny.txt", "too small "),
    { error } = await hymba(place, "ablate", "--preset", "smoke", "--data", file);
  const help = (await hymba(place, "ablate", "--help-all")).out;
  const unknown = [...error.matchAll(/--[a-z-]+/g)].map(([name]) => name).filter((name) => !help.includes(name));
  return seen(
    error !== "" && unknown.length === 0,
    unknown.length ? `names ${unknown.join()}` : line(error),
  );
}

async function caseOfNames(place: Ready): Promise<string> {
  const text = await Deno.readTextFile(place.text), folders: string[] = [];
  for (const name of ["Novel.txt", "novel.txt"]) {
    await Deno.mkdir(join(place.folder, `of-${name}`), { recursive: true });
    const file = await given(place, `of-${name}/${name}`, name === "novel.txt" ? text.toUpperCase() : text);
    const { out, error } = await hymba(place, "pretrain", ...QUICK, "--data", file);
    folders.push(/results\/runs\/[\w.-]+/.exec(out + error)?.[0] ?? "none");
  }
  const [first = "", second = ""] = folders;
  return seen(first !== "none" && first.toLowerCase() !== second.toLowerCase(), folders.join(" and "));
}

async function odd(place: Ready): Promise<string> {
  const text = await Deno.readTextFile(place.text), name = "-é 'x' 100% 🦉;$(id).txt";
  const file = await given(place, name, text), out = join(place.folder, "out of 'odd' names 🦉");
  const { code, error } = await hymba(place, "pretrain", ...QUICK, "--data", file, "--out", out);
  return seen(code === 0, code === 0 ? "trains, and the folder has its name" : error);
}

export const STUDIES: readonly Kind[] = [
  language(
    "a study of Chinese-like text",
    "6,000 characters of 900 different ones, without spaces",
    script(0x4e00, 900, 6000, "。"),
  ),
  language("a study of Japanese-like text", "9,000 kana without spaces", script(0x3041, 170, 9000, "。")),
  language("a study of Korean-like text", "9,000 of 1,500 syllables", script(0xac00, 1500, 9000, " ")),
  language("a study of Thai-like text", "9,000 letters without spaces", script(0x0e01, 46, 9000, " ")),
  language("a study of a repetitive text", "`la ` 5,000 times", "la ".repeat(5000)),
  language(
    "a study of a text with one long string",
    "12,000 digits of base 36 between words",
    `${"some words of text ".repeat(600)}${script(0x61, 26, 12_000, "7")}`,
  ),
  {
    kind: "a foreign tokenizer in `--out`",
    input: "a `tokenizer.model` of another text, then `pretrain --out`",
    right: "refused in words, the file stays",
    test: OWN,
    run: async (place) => {
      const out = join(place.folder, "foreign"),
        file = join(out, "tokenizer.model"),
        own = join(place.run, "tokenizer.model");
      await Deno.mkdir(out);
      const bytes = await Deno.readFile(own);
      bytes[bytes.length - 3] = (bytes[bytes.length - 3] ?? 0) ^ 1;
      await Deno.writeFile(file, bytes);
      const { code, error } = await hymba(place, "pretrain", ...QUICK, "--data", place.text, "--out", out);
      const kept = (await Deno.readFile(file)).every((byte, i) => byte === bytes[i]);
      return seen(code === 2 && kept && error.includes("tokenizer"), line(error));
    },
  },
  ownFile("report.html", "<p>mine</p>"),
  ownFile("metrics.jsonl", '{"mine":1}\n'),
  ownFile("tokenizer.json", "{}"),
  {
    kind: "transposed weights",
    input: "the last tensor that is not square, its sizes exchanged",
    right: "refused, exit code 1",
    test: "tests/params",
    run: transposed,
  },
  {
    kind: "bytes of a text in `evaluate`",
    input: "emoji, Greek, Japanese: 4 bytes and more for a token",
    right: "the bytes of all but the first token, which is one byte of an emoji",
    test: "tests/eval",
    run: countedBytes,
  },
  {
    kind: "`--data <(cat FILE)`",
    input: "process substitution in bash",
    right: "is read, or said to be no regular file",
    test: "tests/data",
    run: processSubstitution,
  },
  {
    kind: "`/dev/stdin` as a text",
    input: "`--data /dev/stdin` with a text in a pipe",
    right: "is read, or said to be no regular file",
    test: "tests/data",
    run: async (place) => {
      const out = join(place.folder, "stdin"), words = ["pretrain", ...QUICK, "--data", "/dev/stdin", "--out", out];
      const { code, error } = await piped(place, words, await Deno.readTextFile(place.text));
      return seen(
        code === 0 || /not a regular file/.test(error),
        code === 0 ? "is read" : line(error),
      );
    },
  },
  {
    kind: "a folder as input",
    input: "`--data FOLDER`",
    right: "called a folder",
    test: USAGE,
    run: (place) => called(place, ["pretrain", ...QUICK, "--data", place.folder], { code: 2, pattern: /folder/ }),
  },
  refused("a number of tokens that no memory holds", "`generate --tokens 9000000000`", [
    "generate",
    "RUN",
    "--prompt",
    "a",
    "--tokens",
    "9000000000",
  ], /tokens/),
  refused("a temperature below zero", "`generate --temperature -0.1`", [
    "generate",
    "RUN",
    "--prompt",
    "a",
    "--temperature=-0.1",
  ], /temperature/),
  refused("top-k that is no number of tokens", "`generate --top-k 1.5`", [
    "generate",
    "RUN",
    "--prompt",
    "a",
    "--top-k",
    "1.5",
  ], /top-k|1\.5/),
  {
    kind: "arguments of the library",
    input: "temperature −0.5 and NaN, topK −3 and 2.5, topP 2, half a token",
    right: "all refused",
    test: "tests/library",
    run: () => library(),
  },
  {
    kind: "a hint names an option that the command lacks",
    input: "`ablate` of a text of ten bytes",
    right: "only options of `ablate`",
    test: USAGE,
    run: hints,
  },
  {
    kind: "a text that is not UTF-8",
    input: "Windows-1252 with é as E9",
    right: "refused with the place",
    test: "tests/data",
    run: async (place) =>
      await called(place, [
        "pretrain",
        ...QUICK,
        "--data",
        await given(
          place,
          "latin.txt",
          new Uint8Array([...new TextEncoder().encode("coffee in a house of ".repeat(80)), 0xe9, 10]),
        ),
      ], { code: 2, pattern: /UTF-8/ }),
  },
  {
    kind: "an empty text",
    input: "a file of no bytes, and of line breaks alone",
    right: "refused in words",
    test: "tests/data",
    run: async (place) => {
      const empty = await called(place, ["pretrain", ...QUICK, "--data", await given(place, "no.txt", "")], {
        code: 2,
        pattern: /empty/,
      });
      return empty.startsWith("no: ")
        ? empty
        : await called(place, ["pretrain", ...QUICK, "--data", await given(place, "breaks.txt", "\n\n\n")], {
          code: 2,
          pattern: /short|small|empty/,
        });
    },
  },
  {
    kind: "a damaged archive",
    input: "`.gz` that ends early",
    right: "named, no stack",
    test: "tests/data",
    run: async (place) => {
      const packed = await new Response(
        new Blob([await Deno.readTextFile(place.text)]).stream().pipeThrough(new CompressionStream("gzip")),
      ).bytes();
      return await called(place, [
        "pretrain",
        ...QUICK,
        "--data",
        await given(place, "cut.txt.gz", packed.slice(0, 3000)),
      ], { code: 2, pattern: /cut\.txt\.gz/ });
    },
  },
  {
    kind: "line ends of Windows in a text",
    input: "the text with CR LF",
    right: "trains",
    test: "tests/data",
    run: async (place) => await studied(place, (await Deno.readTextFile(place.text)).replaceAll("\n", "\r\n")),
  },
  {
    kind: "NUL and control characters in a text",
    input: "the text with U+0000 and U+001B between lines",
    right: "trains",
    test: "tests/tokenizer/robustness_test.ts",
    run: async (place) => await studied(place, (await Deno.readTextFile(place.text)).replaceAll("\n", "\0\x1b\n")),
  },
  {
    kind: "odd file names",
    input: "a text called `-é 'x' 100% 🦉;$(id).txt`",
    right: "trains",
    test: "tests/report/sinks_test.ts",
    run: odd,
  },
  {
    kind: "names that differ by case alone",
    input: "`Novel.txt`, then `novel.txt`, another text",
    right: "two run folders on every system",
    test: "tests/cli/run_test.ts",
    run: caseOfNames,
  },
  {
    kind: "a reader that goes away",
    input: "`generate` whose standard output is closed",
    right: "no stack",
    test: "tests/cli/faults_test.ts",
    run: closedPipe,
  },
];
