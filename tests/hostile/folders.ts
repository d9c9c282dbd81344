/** Run folders of somebody who means harm: each is a trained run with one thing changed. */
import { dirname, join } from "node:path";

/** What a hostile folder is made from. */
export interface Target {
  /** A copy of a trained run of mamba and hymba, to change. */
  readonly run: string;
  /** A folder outside of the run that nothing may change. `diary.txt` in it is private. */
  readonly outside: string;
}

/** One hostile folder. */
export interface HostileFolder {
  readonly name: string;
  spoil(target: Target): Promise<void>;
}

const MODEL = "arms/hymba-1", CHECKPOINT = `${MODEL}/checkpoints/checkpoint-000004`;

/** Files that a reader opens. */
const FILES = [
  "run.json",
  "metrics.jsonl",
  "tokenizer.model",
  "checksums.json",
  "speeds.json",
  "recall/hymba-1.json",
  ...["pretraining", "orpo", "losses-orpo", "attention-orpo"].map((name) => `${MODEL}/${name}.safetensors`),
  `${MODEL}/result.json`,
  `${CHECKPOINT}/manifest.json`,
  `${CHECKPOINT}/weights.safetensors`,
];
const FOLDERS = ["arms", MODEL, `${MODEL}/checkpoints`, "recall"];
/** Files that a command writes or locks. */
const WRITTEN = ["lock", "report.html", "ablation_results.csv", "checksums.json", "test_readings.json", "cells.json"];

const removed = (path: string) => Deno.remove(path, { recursive: true }).catch(() => {});

async function placed(path: string, make: () => Promise<void>): Promise<void> {
  await removed(path);
  await Deno.mkdir(dirname(path), { recursive: true });
  await make();
}

/** The file or folder lies outside, and a link leads to it. */
const linked = (name: string): HostileFolder => ({
  name: `${name} is a link to outside`,
  async spoil({ run, outside }) {
    const elsewhere = join(outside, name.replaceAll("/", "_"));
    await Deno.rename(join(run, name), elsewhere);
    await Deno.symlink(elsewhere, join(run, name));
  },
});

const private_ = (name: string): HostileFolder => ({
  name: `${name} is a link to a private file`,
  spoil: ({ run, outside }) => placed(join(run, name), () => Deno.symlink(join(outside, "diary.txt"), join(run, name))),
});

const huge = (name: string): HostileFolder => ({
  name: `${name} claims 60 GiB`,
  spoil: ({ run }) =>
    placed(join(run, name), async () => {
      await Deno.writeTextFile(join(run, name), "");
      await Deno.truncate(join(run, name), 60 * 2 ** 30);
    }),
});

const pipe = (name: string): HostileFolder => ({
  name: `${name} is a pipe`,
  spoil: ({ run }) =>
    placed(join(run, name), async () => {
      await new Deno.Command("mkfifo", { args: [join(run, name)] }).output();
    }),
});

const device = (name: string): HostileFolder => ({
  name: `${name} is an endless device`,
  spoil: ({ run }) => placed(join(run, name), () => Deno.symlink("/dev/zero", join(run, name))),
});

const folder = (name: string): HostileFolder => ({
  name: `${name} is a folder`,
  spoil: ({ run }) => placed(join(run, name), () => Deno.mkdir(join(run, name, "x"), { recursive: true })),
});

/** `run.json` with the value at a path replaced. A number in the path is an index; "*" stands for every item of a list. */
const record = (path: string, value: unknown): HostileFolder => ({
  name: `run.json says ${path} = ${JSON.stringify(value)?.slice(0, 40)}`,
  async spoil({ run }) {
    const file = join(run, "run.json"), json: unknown = JSON.parse(await Deno.readTextFile(file));
    replace(json, path.split("."), value);
    await Deno.writeTextFile(file, JSON.stringify(json));
  },
});

function replace(at: unknown, [key = "", ...rest]: readonly string[], value: unknown): void {
  if (typeof at !== "object" || at === null) throw new Error(`run.json has no object above ${key}`);
  if (key === "*") Object.values(at).forEach((item) => replace(item, rest, value));
  else if (rest.length === 0) Reflect.set(at, key, value);
  else replace(Reflect.get(at, key), rest, value);
}

const CIRCLES: HostileFolder = {
  name: "links in circles",
  async spoil({ run }) {
    for (const name of ["a", "b"]) {
      await Deno.symlink(".", join(run, `loop-${name}`));
      await Deno.symlink("..", join(run, "arms", `loop-${name}`));
    }
  },
};

const WHOLE: HostileFolder = {
  name: "the run itself is a link",
  async spoil({ run, outside }) {
    await Deno.rename(run, join(outside, "elsewhere"));
    await Deno.symlink(join(outside, "elsewhere"), run);
  },
};

export const HOSTILE_FOLDERS: readonly HostileFolder[] = [
  { name: "nothing is changed", spoil: () => Promise.resolve() },
  ...[...FOLDERS, ...FILES].map(linked),
  ...[...WRITTEN, "table.partial", `${MODEL}/checkpoints.partial`, "slices.csv", "lesion_hymba_orpo.csv"].map(private_),
  ...FILES.map(huge),
  ...["tokenizer.model", `${MODEL}/orpo.safetensors`, "checksums.json", "lock", "report.html"].map(pipe),
  ...[`${MODEL}/orpo.safetensors`, "lock"].map(device),
  ...["lock", "report.html", "metrics.jsonl", `${MODEL}/orpo.safetensors`, "checksums.json"].map(folder),
  CIRCLES,
  WHOLE,
  record("study.arms.1.name", "../../outside/x"),
  record("study.arms.1.name", "<img src=x onerror=alert(1)>"),
  record("corpus.name", "../../../../etc/passwd"),
  record("corpus.name", "<script>alert(1)</script>"),
  record("tokenizer.source", "/etc/passwd"),
  record("study.vocabSize", 2 ** 31 - 1),
  record("study.sequenceLength", 2 ** 31),
  record("study.arms.*.config.dModel", 2 ** 16),
  record("study.arms.*.config.nLayers", 2 ** 20),
  record("study.seeds", Array.from({ length: 100_000 }, (_, i) => i + 1)),
  record("study.samples.newTokens", 2 ** 31 - 1),
];
