/** Runs the program with a fault, and checks that it recovers when the fault is gone. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isTemporary, systemDisk } from "../../core/disk/mod.ts";
import { at } from "../../core/lists.ts";
import { fingerprint } from "../study/fingerprint.ts";
import { type Ended, makePlace } from "./command_line.ts";

export const FAULTY = fileURLToPath(new URL("faulty_main.ts", import.meta.url));
export const place = await makePlace();
export const BASE = ["--preset", "smoke", "--data", place.text, "--orpo-steps", "2"];

/** Runs the program with a fault. `before` is a command that runs it, such as a shell. */
export async function faulty(fault: string, words: readonly string[], before: readonly string[] = []): Promise<Ended> {
  const all = [...before, Deno.execPath(), "run", "-A", "--no-check", FAULTY, ...words];
  const { code, stdout, stderr } = await new Deno.Command(at(all, 0), {
    args: all.slice(1),
    cwd: place.folder,
    env: { ...place.environment, FAULT: fault },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), error: decoder.decode(stderr) };
}

/** Digests of the results in a run folder. */
export const numbersOf = (out: string) => fingerprint(systemDisk, join(place.folder, out));

const straight = new Map<string, Promise<Record<string, string>>>();

/** The digests of a run of the same words without a fault. It runs only once. */
export function undisturbed(words: readonly string[]): Promise<Record<string, string>> {
  const key = words.join(" ");
  const make = async () => {
    const out = `straight-${straight.size}`, { code, error } = await faulty("none", [...words, "--out", out]);
    assert.equal(code, 0, error);
    return await numbersOf(out);
  };
  const found = straight.get(key) ?? make();
  straight.set(key, found);
  return found;
}

/** Repeats a call without the fault. It must end like an undisturbed run and leave no temporary files. */
export async function requireRecovered(words: readonly string[], out: string): Promise<void> {
  const wanted = await undisturbed(words), { code, error } = await faulty("none", [...words, "--out", out]);
  assert.equal(code, 0, error);
  assert.deepEqual(await numbersOf(out), wanted);
  const left = await Array.fromAsync(Deno.readDir(join(place.folder, out)), ({ name }) => name);
  assert.deepEqual(left.filter(isTemporary), []);
}
