/**
 * The sizes of a kernel as members of its `struct Run` instead of `override` constants: one compilation then serves every shape,
 * so that hundreds of random shapes, or the cases of a mutant, take a software adapter seconds instead of minutes. The text that
 * computes stays the same. Sizes of workgroups and of their arrays stay constants, because WGSL requires it.
 */
import type { Plan } from "../../core/plan/mod.ts";
import { WebgpuExecutor } from "../../core/webgpu/executor.ts";
import { type Kernel, kernel, type Launch } from "../../core/webgpu/launch.ts";

interface Override {
  readonly line: string;
  readonly name: string;
  readonly type: "u32" | "bool" | "f32";
  /** The text after `=`, if there is any. */
  readonly initial: string | undefined;
}

const LITERAL = /^(?:\d[\w.]*|true|false)$/;
const OVERRIDE = /^override (\w+): (u32|bool|f32)(?: = ([^;]+))?;.*$/gm;
const word = (name: string) => new RegExp(String.raw`(?<![\w.])${name}\b(?!\s*:)`, "g");
const withoutComments = (code: string) => code.replace(/\/\/.*$/gm, "");

/** Constants that must stay constants: sizes of workgroups and arrays, and the constants from which these are computed. */
function fixedOf(code: string, overrides: readonly Override[]): Set<string> {
  const lines = withoutComments(code).split("\n");
  const places = lines.filter((line) => /@workgroup_size|^var<workgroup>|^const |^alias /.test(line));
  const fixed = new Set<string>();
  for (let found = -1; found !== fixed.size;) {
    found = fixed.size;
    for (const { name, initial } of overrides) {
      if (!fixed.has(name) && !places.some((line) => word(name).test(line))) continue;
      fixed.add(name);
      places.push(initial ?? "");
    }
  }
  return fixed;
}

const AS: Readonly<Record<Override["type"], (member: string) => string>> = {
  u32: (member) => `run.${member}`,
  bool: (member) => `(run.${member} != 0)`,
  f32: (member) => `bitcast<f32>(run.${member})`,
};

const bitsOf = (value: number) => new Uint32Array(Float32Array.of(value).buffer)[0]!;

/** A kernel whose free sizes are uniforms, and the expressions of their values. */
interface Loose {
  readonly kernel: Kernel;
  readonly members: readonly Override[];
}

const known = new Map<string, Loose>();

function looseOf({ name, code }: Kernel): Loose {
  const found = known.get(code);
  if (found) return found;
  const overrides = [...code.matchAll(OVERRIDE)].map(([line, name, type, initial]): Override => ({
    ...{ line, name: name!, type: type as Override["type"], initial },
  }));
  const fixed = fixedOf(code, overrides), free = overrides.filter(({ name }) => !fixed.has(name));
  // A size computed from others is replaced by its formula.
  const members = free.filter(({ initial }) => initial === undefined || LITERAL.test(initial));
  let text = code;
  for (const { line, name, initial } of free) {
    const formula = members.some((member) => member.name === name) ? undefined : `(${initial})`;
    text = text.replace(line, "");
    if (formula) text = text.replace(word(name), formula);
  }
  for (const { name, type } of members) text = text.replace(word(name), AS[type](name));
  const made: Loose = { kernel: kernel(`${name} with loose sizes`, withBlock(text, members)), members };
  known.set(code, made);
  return made;
}

/** Adds the members to `struct Run`, or creates it. */
function withBlock(code: string, members: readonly Override[]): string {
  if (members.length === 0) return code;
  const fields = members.map(({ name }) => `  ${name}: u32,`).join("\n");
  if (/^struct Run \{/m.test(code)) return code.replace(/^(struct Run \{[^}]*)\}/m, `$1${fields}\n}`);
  const binding = 1 + Math.max(...[...code.matchAll(/@binding\((\d+)\)/g)].map(([, number]) => Number(number)));
  const block = `struct Run {\n${fields}\n}\n@group(0) @binding(${binding}) var<uniform> run: Run;\n`;
  // Directives stay before everything else.
  const directives = code.match(/^(?:enable|requires|diagnostic)[^;]*;.*$/gm) ?? [];
  return [...directives, block, directives.reduce((text, line) => text.replace(line, ""), code)].join("\n");
}

/** The launch with its kernel's sizes as uniforms. */
export function loosened<T extends Launch>(launch: T): T {
  const { kernel: made, members } = looseOf(launch.kernel), constants: Record<string, number> = { ...launch.constants };
  for (const { name, type, initial } of members) {
    const value = constants[name] ??
      (initial === undefined ? undefined : Number(initial === "true" || (initial !== "false" && parseFloat(initial))));
    if (value === undefined) throw new Error(`${made.name}: no value for ${name}`);
    constants[name] = type === "f32" ? bitsOf(value) : value;
  }
  return { ...launch, kernel: made, constants };
}

/** A copy of an executor with all sizes as uniforms. */
export class Loosened extends WebgpuExecutor {
  constructor(private readonly base: WebgpuExecutor) {
    super(base.gpu, base);
  }

  override lower(plan: Plan): (Launch & { step: number })[] {
    return this.base.lower(plan).map(loosened);
  }
}
