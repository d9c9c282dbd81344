/** The results of a command, in a form that is the same for two undisturbed calls. */
import { strict as assert } from "node:assert";
import { basename, dirname, join } from "node:path";
import { isTemporary, sha256, systemDisk } from "../../core/disk/mod.ts";
import { at } from "../../core/lists.ts";
import { FILES, loadRun } from "../../core/record/mod.ts";
import { checkArtifacts } from "../../core/verify/verify.ts";
import { checkChecksums } from "../../core/verify/checksums.ts";
import { fingerprint } from "../study/fingerprint.ts";
import type { Case } from "./cases.ts";
import type { End } from "./place.ts";

async function* filesIn(folder: string, prefix = ""): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(join(folder, prefix))) {
    const path = join(prefix, name);
    if (isDirectory) yield* filesIn(folder, path);
    else yield path;
  }
}

/** A CSV text without the columns of seconds. */
function withoutSeconds(text: string): string {
  const rows = text.trimEnd().split("\n").map((line) => line.split(",")),
    kept = at(rows, 0).map((name) => !name.endsWith("_s"));
  return rows.map((row) => row.filter((_, i) => kept[i]).join(",")).join("\n");
}

/** Checks the artifacts and checksums of a run. Returns digests of its numbers without times, and the names of its files. */
async function runOutcome(folder: string): Promise<Record<string, string>> {
  const run = await loadRun(systemDisk, folder);
  for (const { what, ok, detail } of await checkArtifacts(systemDisk, folder, run)) assert.ok(ok, `${what}: ${detail}`);
  const sums = await checkChecksums(systemDisk, folder);
  for (const { what, ok, detail } of sums) {
    assert.ok(ok && !detail.startsWith("not of this run"), `${what}: ${detail}`);
  }
  return { ...await fingerprint(systemDisk, folder), files: sums.map(({ what }) => what).join(" ") };
}

async function fileOutcome(path: string, { timed = [] }: Case): Promise<string> {
  if (!timed.some((name) => path.endsWith(name))) return sha256(await Deno.readFile(path));
  const text = await Deno.readTextFile(path);
  if (path.endsWith(".csv")) return withoutSeconds(text);
  return JSON.stringify(Object.keys(JSON.parse(text).tiles).sort());
}

/** A file of the shared cache folder: a temporary file of a killed process is removed a day later. */
const ofShared = (path: string) => path.startsWith("cache/hymba/") && /\.\d+-[\da-f-]{36}\.partial$/.test(path);

/** The folders below `folder` that are runs: `new`, or `new/round-1` of a sweep. */
async function runsIn(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const path of filesIn(folder)) {
    if (basename(path) === FILES.record) found.push(dirname(path));
  }
  return found.sort();
}

/** SHA-256 by path of all files in the folder of a case. Throws when the command failed or left a temporary file. */
export async function outcomeOf(of: Case, folder: string, { code, out, error }: End): Promise<Record<string, string>> {
  assert.equal(code, 0, `exit code ${code}: ${error}`);
  const found: Record<string, string> = of.prints ? { "standard output": out } : {};
  const made = of.on === "finished" ? undefined : of.on ? "run" : "new";
  const runs = made === undefined ? [] : (await runsIn(folder)).filter((path) => `${path}/`.startsWith(`${made}/`));
  for await (const path of filesIn(folder)) {
    if (ofShared(path)) continue;
    assert.ok(!path.split("/").some(isTemporary) && !path.startsWith("tmp/"), `${path} is left`);
    const ofRun = runs.some((run) => path.startsWith(`${run}/`));
    // The score of estimates has times, and is written only where a study was not interrupted.
    const isScore = path.startsWith("cache/hymba/estimates/");
    if (/(^|[/.])lock$/.test(path) || ofRun || isScore) continue;
    found[path] = await fileOutcome(join(folder, path), of);
  }
  for (const run of runs) {
    for (const [name, value] of Object.entries(await runOutcome(join(folder, run)))) found[`${run}: ${name}`] = value;
  }
  return found;
}
