/** `hymba bench all`: runs every part in a process of its own, and makes one JSON file and one page of what they found. */
import { merge, object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { optional, withDefault } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { option } from "@optique/core/primitives";
import { integer } from "@optique/core/valueparser";
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import config from "../../deno.json" with { type: "json" };
import { type NamedPart, type PartFile, partFileOf, PARTS, runPart } from "../../core/bench/all/mod.ts";
import { type BenchShape, benchShape } from "../../core/bench/shapes.ts";
import { lockFolder, makeFolders, systemDisk, temporaryName, whenUnlocked, writeAtomic } from "../../core/disk/mod.ts";
import { HymbaError, UsageError } from "../../core/errors.ts";
import { meantHint } from "../../core/nearest.ts";
import { readJson, writeJson } from "../../core/record/mod.ts";
import { benchPage } from "../../core/report/bench_page.ts";
import { say } from "../ui/say.ts";
import { inSharedNames, printJson } from "../ui/output.ts";
import { isJob, startJob, stopWithParent } from "../ui/job.ts";
import { table } from "../ui/table.ts";
import { adapterIn, CALL_FILE, readCall, requireSame, thisCall, writeCall } from "./bench_call.ts";
import { backendOptions, jsonOption } from "./options.ts";
import { type NamedFile, requireOwnFiles } from "./own_files.ts";
import { word } from "./value_parsers.ts";

/** Minutes of all parts together, without --minutes. */
const MINUTES = 8;
/** Settings of a rehearsal, and of a real run: the shape, the updates of a training, and the timed runs. */
const REHEARSAL = { shape: "smoke", steps: 10, runs: 1 }, REAL = { shape: "paper", steps: 50, runs: 2 };

export const allOptions = merge(
  object("What to measure", {
    out: option("--out", word("DIR"), {
      description: message`folder for bench.json, bench.html and a file of each part`,
    }),
    small: option("--small", {
      description: message`the shapes of smoke and few steps, to rehearse on a software adapter`,
    }),
    golden: optional(
      option("--golden", word("DIR"), { description: message`folder with golden cases; without it they are left out` }),
    ),
    minutes: withDefault(
      option("--minutes", integer({ min: 1, max: 1440, metavar: "N" }), {
        description: message`the most that all parts may take together; 8 by default`,
      }),
      MINUTES,
    ),
    part: optional(
      option("--part", word("NAME"), {
        description: message`runs only this part, in this process, and keeps what the others have found`,
      }),
    ),
    again: option("--again", { description: message`measures anew what an earlier call in this folder has measured` }),
    json: jsonOption,
  }),
  backendOptions,
);

type Options = InferValue<typeof allOptions>;

/** Files in the folder of the result. */
const FILES = { json: "bench.json", page: "bench.html", parts: "parts", lock: "lock" } as const;
const PREDICTIONS = new URL("../../results/bench/isa.json", import.meta.url);

const partsIn = (out: string) => join(out, FILES.parts);
const partPath = (out: string, name: string) => join(partsIn(out), `${name}.json`);
const secondsOf = ({ seconds }: NamedPart, minutes: number) => seconds * minutes / MINUTES;

/** `hymba` comes first: where the time is short, it has been measured. */
const shapeOf = (small: boolean): BenchShape => {
  const shape = benchShape((small ? REHEARSAL : REAL).shape);
  return { ...shape, arms: shape.arms.toSorted((a, b) => Number(b.name === "hymba") - Number(a.name === "hymba")) };
};

const readPart = (out: string, name: string): Promise<PartFile | undefined> =>
  readJson(systemDisk, partPath(out, name), { as: partFileOf });

/** What a result leaves in its folder, and how it begins. The text of a lock is that of core/disk. */
const ownFiles = (options: Options): NamedFile[] => [
  [FILES.json, "", /^\{\n {2}"command": "bench all",\n/],
  [FILES.page, benchPage(headerOf(options), [])],
  [FILES.lock, "", LOCK],
  ...PARTS.map(({ name }): NamedFile => [join(FILES.parts, `${name}.json`), "", /^\{\n {2}"(part|tables)": /]),
  [join(FILES.parts, CALL_FILE), "", /^\{\n {2}"program": /],
  [join(FILES.parts, FILES.lock), "", LOCK],
];
const LOCK = /^(process \d+, started |$)/;

/** The first name in a folder that is none of these, nor one of them while it is written. Undefined without one, or without a folder. */
async function foreignIn(folder: string, own: readonly string[]): Promise<string | undefined> {
  if ((await systemDisk.stat(folder))?.kind !== "folder") return undefined;
  const known = new Set(own.flatMap((name) => [name, temporaryName(name)]));
  return (await systemDisk.list(folder)).find((name) => !known.has(name));
}

/** Throws a UsageError unless the folder is absent, empty or holds an earlier result, which may be that of a killed call. Makes it. */
async function prepareFolder(options: Options): Promise<void> {
  const { out } = options, found = await systemDisk.stat(out), inParts = PARTS.map(({ name }) => `${name}.json`);
  const foreign = await foreignIn(out, Object.values(FILES)) ??
    await foreignIn(partsIn(out), [...inParts, CALL_FILE, FILES.lock]);
  if ((found && found.kind !== "folder") || foreign !== undefined) {
    throw new UsageError(`${out} has something else in it`, {
      expected: "a new or empty folder, or one that hymba bench all has written",
      ...(foreign !== undefined && { got: foreign }),
      hint: "choose another folder with --out; nothing was changed",
    });
  }
  await requireOwnFiles(systemDisk, out, ownFiles(options));
  await makeFolders(systemDisk, partsIn(out));
}

function namedPart(name: string): NamedPart {
  const found = PARTS.find((part) => part.name === name);
  if (found) return found;
  const names = PARTS.map((part) => part.name);
  throw new UsageError(`unknown part ${JSON.stringify(name)}`, {
    expected: names.join(", "),
    hint: meantHint(name, names),
  });
}

export async function all(options: Options): Promise<void> {
  const { out, part, json, golden } = options;
  if (golden !== undefined && (await systemDisk.stat(golden))?.kind !== "folder") {
    throw new UsageError(`${golden} is not a folder`, { expected: "a folder with golden cases" });
  }
  const wanted = part === undefined ? undefined : namedPart(part);
  await prepareFolder(options);
  const parts = await locked(options, wanted), failed = parts.filter(({ state }) => state === "failed");
  if (json) printJson("bench all", { ...headerOf(options), parts: parts.map(withoutTables) });
  else console.log(`${overview(parts)}\n\nwrote ${join(out, FILES.json)} and ${FILES.page}`);
  if (failed.length > 0) {
    throw new HymbaError("some parts failed", { got: failed.map(({ part: name }) => name).join(", ") });
  }
}

/** Does what the call asks for, as the only one in its folder. A process that such a call has started is the only one in `parts`. */
async function locked(options: Options, wanted: NamedPart | undefined): Promise<PartFile[]> {
  const { out } = options, parts = partsIn(out);
  // A killed call leaves a process that notices it within a second.
  await whenUnlocked(systemDisk, parts, { onWait: () => say("waiting for the part of an earlier call to end") });
  const lock = await lockFolder(systemDisk, isJob() ? parts : out);
  try {
    if (wanted && isJob()) {
      await runHere(wanted, options);
      return await filesOf(out);
    }
    await agree(options);
    if (wanted) await runHere(wanted, options);
    else await runAll(options);
    return await assemble(options);
  } finally {
    await lock.close();
  }
}

/**
 * Throws a HymbaError unless an earlier call in the folder, if there was one, was like this one. --again forgets what that call has
 * measured: everything, or the part of this call.
 */
async function agree({ again, part, ...options }: Options): Promise<void> {
  const parts = partsIn(options.out), earlier = await readCall(parts), own = await callOf(options);
  const anew = earlier === undefined || (again && part === undefined);
  if (!anew) requireSame(earlier, { ...own, found: earlier.found });
  for (const { name } of anew ? PARTS : again ? PARTS.filter((one) => one.name === part) : []) {
    const path = partPath(options.out, name);
    if (await systemDisk.stat(path)) await systemDisk.remove(path);
  }
  if (anew) await writeCall(parts, own);
}

const callOf = ({ small, backend, adapter, threads }: Pick<Options, "small" | "backend" | "adapter" | "threads">) => {
  const { shape, steps, runs } = small ? REHEARSAL : REAL;
  return thisCall({
    shape,
    steps,
    runs,
    ...backend && { backend },
    ...adapter && { adapter },
    ...threads && { threads },
  });
};

/** Runs a part in this process. It continues with what an earlier call has measured, unless that call has ended the part. */
async function runHere(
  part: NamedPart,
  { out, small, golden, minutes, backend, adapter, threads }: Options,
): Promise<void> {
  if (isJob()) stopWithParent();
  const predictions = fileURLToPath(PREDICTIONS), { steps, runs } = small ? REHEARSAL : REAL;
  const before = await readPart(out, part.name);
  await runPart(part, {
    shape: shapeOf(small),
    steps,
    runs,
    predictions,
    ...(golden !== undefined && { golden }),
    where: { ...(backend && { backend }), ...(adapter && { adapter }), ...(threads && { threads }), onProgress: say },
    seconds: secondsOf(part, minutes),
    ...(before?.measured && before.state !== "done" && { measured: before.measured }),
    earlier: async (name) => (await readPart(out, name))?.result,
    write: ({ measured, ...file }) =>
      writeJson(systemDisk, partPath(out, part.name), { ...inSharedNames(file), ...measured && { measured } }),
  });
}

/** The words that run a part in a process of its own. */
function wordsOf(part: NamedPart, { out, small, golden, minutes, backend, adapter, threads }: Options): string[] {
  const valued = { "--out": out, "--golden": golden, "--minutes": minutes, "--backend": backend, "--adapter": adapter };
  const given = Object.entries({ ...valued, "--threads": threads });
  return [
    ...["bench", "all", "--part", part.name, "--quiet", ...(small ? ["--small"] : [])],
    ...given.flatMap(([name, value]) => value === undefined ? [] : [name, String(value)]),
  ];
}

/** The part that says which adapter this is. It runs in every call. */
const FIRST = "doctor";

/** Runs the parts one after the other, without those that an earlier call has done. */
async function runAll(options: Options): Promise<void> {
  const { out, minutes } = options;
  for (const [i, part] of PARTS.entries()) {
    if (part.name !== FIRST && (await readPart(out, part.name))?.state === "done") {
      say(`${i + 1} of ${PARTS.length}: ${part.name} was done by an earlier call`);
      continue;
    }
    say(`${i + 1} of ${PARTS.length}: ${part.name}, at most ${secondsOf(part, minutes).toFixed(0)} s`);
    await runInChild(part, options);
    const { state, message: why } = await readPart(out, part.name) ?? { state: "failed", message: undefined };
    say(`  ${state}${why === undefined ? "" : `: ${why.split("\n", 1)[0]}`}`);
    if (part.name === FIRST) await agreeOnAdapter(options);
    await assemble(options);
  }
}

/** Throws a HymbaError when an earlier call has measured another adapter. */
async function agreeOnAdapter({ out }: Options): Promise<void> {
  const earlier = await readCall(partsIn(out)), path = partPath(out, FIRST);
  const found = adapterIn((await readPart(out, FIRST))?.result, path);
  if (!earlier || found === undefined) return;
  requireSame(earlier, { ...earlier, found });
  await writeCall(partsIn(out), { ...earlier, found });
}

/** Runs a part in a process of its own, and kills it when its time is up. If the part wrote no result, an error result is written. */
async function runInChild(part: NamedPart, options: Options): Promise<void> {
  const { out, minutes } = options, limit_s = secondsOf(part, minutes), start = performance.now();
  const child = await startJob(wordsOf(part, options));
  const timer = setTimeout(() => child.kill("SIGKILL"), 1000 * limit_s);
  const { signal, code, stderr } = await child.output();
  clearTimeout(timer);
  const found = await readPart(out, part.name), seconds = (performance.now() - start) / 1000;
  if (found && found.state !== "running") return;
  const said = new TextDecoder().decode(stderr).trim().slice(-2000);
  const ended = endedBy(part.name, found, { seconds, limit_s, how: signal ?? `code ${code}`, said });
  await writeJson(systemDisk, partPath(out, part.name), ended);
}

/**
 * The file of a part whose process ended before it said how: it keeps what was found. `how`: the signal or exit code of the process,
 * `said`: what it wrote on standard error.
 */
export function endedBy(
  part: string,
  found: PartFile | undefined,
  { seconds, limit_s, how, said }: { seconds: number; limit_s: number; how: string; said: string },
): PartFile {
  const late = seconds >= limit_s, more = said === "" ? "" : `: ${said}`;
  const message = late
    ? `it did not end within ${limit_s.toFixed(0)} s and was killed${more}`
    : `its process ended with ${how}${more}`;
  return { tables: [], ...found, part, state: late && found ? "stopped" : "failed", seconds, limit_s, message };
}

/** What was asked for. */
const headerOf = ({ small, minutes }: Options) => {
  const { name: shape, B, T } = shapeOf(small), { steps, runs } = small ? REHEARSAL : REAL;
  return { program: config.version, deno: Deno.version.deno, shape, B, T, steps, runs, minutes };
};

/** The files of the parts that have begun, in their order. */
async function filesOf(out: string): Promise<PartFile[]> {
  const files = await Promise.all(PARTS.map(({ name }) => readPart(out, name)));
  return files.filter((file) => file !== undefined);
}

/** A part as it is in the JSON of the whole: without the tables of the page and what only a later call needs. */
const withoutTables = ({ tables: _, measured: __, ...rest }: PartFile) => rest;

/** Writes bench.json and the page from the files of the parts. */
async function assemble(options: Options): Promise<PartFile[]> {
  const { out } = options, header = headerOf(options), parts = await filesOf(out);
  await writeJson(systemDisk, join(out, FILES.json), {
    command: "bench all",
    ...header,
    parts: parts.map(withoutTables),
  });
  await writeAtomic(systemDisk, join(out, FILES.page), new TextEncoder().encode(benchPage(header, parts)));
  return parts;
}

const overview = (parts: readonly PartFile[]): string =>
  table([
    ["part", "state", "s", "of at most"],
    ...parts.map(({ part, state, seconds, limit_s }) => [part, state, seconds.toFixed(1), limit_s.toFixed(0)]),
  ]);
