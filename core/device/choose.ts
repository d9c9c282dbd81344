/** Classifies adapters by name and chooses the best one. */
import { UsageError } from "../errors.ts";
import type { AdapterClass, AdapterKind } from "./types.ts";

/** An adapter that can be opened. `packaged` marks SwiftShader from npm, which may still have to be downloaded. */
export interface Candidate {
  backend: string;
  name: string;
  packaged?: boolean;
}

/** The kind of an adapter, from its name. */
export function kindOf(name: string): AdapterKind {
  if (/swiftshader/i.test(name)) return "swiftshader";
  if (/llvmpipe|lavapipe/i.test(name)) return "lavapipe";
  if (/basic render driver|\bwarp\b/i.test(name)) return "warp";
  return /softpipe|software|\bcpu\b/i.test(name) ? "software" : "hardware";
}

/** The class that kernels are tuned for. WebGPU does not distinguish discrete and integrated GPUs, so product names decide. */
export function classOf(name: string): AdapterClass {
  if (!["hardware", "browser"].includes(kindOf(name))) return "software";
  if (/apple/i.test(name)) return "apple";
  if (/nvidia|geforce|quadro|tesla|rtx/i.test(name)) return /tegra|orin|xavier/i.test(name) ? "integrated" : "discrete";
  if (/intel/i.test(name)) return /\b[AB]\d{3}M?\b/.test(name) ? "discrete" : "integrated";
  if (/amd|radeon/i.test(name)) return /\b(rx|pro|instinct|vii)\b/i.test(name) ? "discrete" : "integrated";
  return "integrated";
}

const ORDER: readonly string[] = ["discrete", "apple", "integrated", "lavapipe", "warp", "swiftshader", "software"];

function rank({ name }: Candidate): number {
  const adapterClass = classOf(name);
  return ORDER.indexOf(adapterClass === "software" ? kindOf(name) : adapterClass);
}

const matches = (name: string, wanted: string) =>
  `${name} ${kindOf(name)} ${classOf(name)}`.toLowerCase().includes(wanted.toLowerCase());

/**
 * The best candidate whose name, kind or class contains `wanted` (any when undefined): hardware before lavapipe before
 * SwiftShader. Undefined when there are no candidates. Throws a UsageError that lists them when none matches.
 */
export function choose(candidates: readonly Candidate[], wanted?: string): Candidate | undefined {
  const sorted = candidates.toSorted((a, b) => rank(a) - rank(b));
  if (!wanted || sorted.length === 0) return sorted[0];
  const found = sorted.find(({ name }) => matches(name, wanted));
  if (found) return found;
  const described = sorted.map(({ name, packaged }) =>
    `"${name}" (${kindOf(name)}${packaged ? ", downloaded from npm when chosen" : ""})`
  );
  throw new UsageError(`no adapter matches ${JSON.stringify(wanted)}`, {
    expected: `part of one of these: ${described.join(", ")}`,
    hint: "set --adapter TEXT or HYMBA_ADAPTER to such a part, or omit both",
  });
}
