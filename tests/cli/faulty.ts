/** The program on a machine with a fault, and what it leaves when the fault is gone. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isTemporary, systemDisk } from "../../core/disk/mod.ts";
import { fingerprint } from "../study/fingerprint.ts";
import { type Ended, makePlace } from "./command_line.ts";

export const FAULTY = fileURLToPath(new URL("faulty_main.ts", import.meta.url));
export const place = await makePlace();
export const BASE = ["--preset", "smoke", "--data", place.text, "--orpo-steps", "2"];

/** Runs the program with a fault, behind the words of `before`. */
export async function faulty(fault: string, words: readonly string[], before: readonly string[] = []): Promise<Ended> {
  const [command, ...args] = [...before, Deno.execPath(), "run", "-A", "--no-check", FAULTY, ...words];
  const { code, stdout, stderr } = await new Deno.Command(command!, {
    args,
    cwd: place.folder,
    env: { ...place.environment, FAULT: fault },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), error: decoder.decode(stderr) };
}

export const of = (out: string) => fingerprint(systemDisk, join(place.folder, out));

const straight = new Map<string, Promise<Record<string, string>>>();

/** The numbers of an undisturbed run of the same words, made once. */
export function undisturbed(words: readonly string[]): Promise<Record<string, string>> {
  const key = words.join(" ");
  const make = async () => {
    const out = `straight-${straight.size}`, { code, error } = await faulty("none", [...words, "--out", out]);
    assert.equal(code, 0, error);
    return await of(out);
  };
  const found = straight.get(key) ?? make();
  straight.set(key, found);
  return found;
}

/** The same call without the fault goes on to the end that it has undisturbed, and nothing half done is left. */
export async function requireMended(words: readonly string[], out: string): Promise<void> {
  const wanted = await undisturbed(words), { code, error } = await faulty("none", [...words, "--out", out]);
  assert.equal(code, 0, error);
  assert.deepEqual(await of(out), wanted);
  const left = await Array.fromAsync(Deno.readDir(join(place.folder, out)), ({ name }) => name);
  assert.deepEqual(left.filter(isTemporary), []);
}
