/** With what a folder of `hymba bench all` was measured. A later call continues only with the same program, settings and adapter. */
import { join } from "node:path";
import config from "../../deno.json" with { type: "json" };
import { kernelsHash } from "../../core/backend/kernels_hash.ts";
import { systemDisk } from "../../core/disk/mod.ts";
import { HymbaError } from "../../core/errors.ts";
import { type Checked, number, object, optional, readAs, text } from "../../core/file_schema.ts";
import { readJson, writeJson } from "../../core/record/mod.ts";

const call = object({
  program: text(),
  deno: text(),
  /** The hash of the WebGPU kernels. */
  kernels: optional(text()),
  shape: text(),
  steps: number(),
  runs: number(),
  /** As given in the call. */
  backend: optional(text()),
  adapter: optional(text()),
  threads: optional(number()),
  /** The adapter that was opened, and its driver; absent before the part `doctor` has found one. */
  found: optional(text()),
});

export type BenchCall = Checked<typeof call>;

/** The file in the folder of the parts. */
export const CALL_FILE = "call.json";

const pathIn = (parts: string) => join(parts, CALL_FILE);

/** The call of this program with some settings. */
export async function thisCall(
  settings: Omit<BenchCall, "program" | "deno" | "kernels" | "found">,
): Promise<BenchCall> {
  const kernels = await kernelsHash(systemDisk, { backend: "webgpu", adapter: {} });
  return { program: config.version, deno: Deno.version.deno, ...kernels && { kernels }, ...settings };
}

/** The call that measured the files in the folder `parts`; undefined where nothing was measured. */
export const readCall = (parts: string): Promise<BenchCall | undefined> =>
  readJson(systemDisk, pathIn(parts), { as: (value, path) => readAs(call, value, path) });

export const writeCall = (parts: string, made: BenchCall): Promise<void> => writeJson(systemDisk, pathIn(parts), made);

/** Fields in errors, where their names do not say what they are. */
const WORDS: Readonly<Record<string, string>> = { found: "adapter and driver", adapter: "--adapter" };

/** Throws a HymbaError that names the first difference between an earlier call and this one. `found` counts where both have it. */
export function requireSame(earlier: BenchCall, own: BenchCall): void {
  const [then, today] = [new Map(Object.entries(earlier)), new Map(Object.entries(own))];
  for (const name of new Set([...then.keys(), ...today.keys()])) {
    const before = then.get(name), now = today.get(name);
    if (before === now || (name === "found" && (before === undefined || now === undefined))) continue;
    throw new HymbaError("the folder was measured in another way", {
      expected: `${WORDS[name] ?? name} of the earlier call: ${before ?? "not given"}`,
      got: String(now ?? "not given"),
      hint: "choose another folder with --out, or add --again, which measures everything anew",
    });
  }
}

const doctorResult = object({ adapter: optional(object({ name: text(), driver: text() })) });

/** The adapter in the result of the part `doctor`; undefined where it found none. */
export function adapterIn(result: unknown, path: string): string | undefined {
  const { adapter } = readAs(doctorResult, result ?? {}, path);
  return adapter && `${adapter.name}, ${adapter.driver}`;
}
