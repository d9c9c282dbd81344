/** Small faults in WGSL, one at a time, like typing mistakes of a person. */

/** A source with one fault. */
export interface Mutant {
  /** Counted from 1. */
  readonly line: number;
  readonly fault: string;
  readonly before: string;
  readonly after: string;
  readonly code: string;
}

interface Rule {
  readonly fault: string;
  readonly pattern: RegExp;
  /** The replacement of a match; undefined where the fault makes no sense. */
  readonly by: (match: RegExpExecArray) => string | undefined;
}

/** A name, a call or an indexed element: an operand that can be removed or moved as one piece. */
const OPERAND = String.raw`[A-Za-z_][\w.]*(?:\([^()]*\)|\[[^\[\]]*\])?|\d+(?:\.\d+)?[uf]?`;
const PRODUCT = `(?:${OPERAND})(?: [*/%] (?:${OPERAND}))*`;
const swapped: Readonly<Record<string, string>> = {
  "<": "<=",
  "<=": "<",
  ">": ">=",
  ">=": ">",
  "==": "!=",
  "!=": "==",
};

const RULES: readonly Rule[] = [
  {
    fault: "comparison swapped",
    pattern: / (<=|>=|==|!=|<|>) /g,
    by: ([, comparison]) => ` ${swapped[comparison!]} `,
  },
  { fault: "index + 1", pattern: /(\w)\[([^\[\]]+)\]/g, by: ([, name, index]) => `${name}[${index} + 1]` },
  { fault: "index - 1", pattern: /(\w)\[([^\[\]]+)\]/g, by: ([, name, index]) => `${name}[${index} - 1]` },
  {
    fault: "term dropped",
    pattern: new RegExp(String.raw` [+-] ${PRODUCT}(?![\w.(\[]| [*/%])`, "g"),
    by: () => "",
  },
  {
    fault: "operands transposed",
    pattern: new RegExp(String.raw`(?<![\w.)\]*/%] ?)(${OPERAND}) (/) (${OPERAND})(?![\w.(\[])`, "g"),
    by: ([, left, operator, right]) => left === right ? undefined : `${right} ${operator} ${left}`,
  },
  {
    fault: "operands transposed",
    pattern: new RegExp(String.raw`(?<![\w.)\]*/%] ?)(${PRODUCT}) (-) (${PRODUCT})(?![\w.(\[]| [*/%])`, "g"),
    by: ([, left, operator, right]) => left === right ? undefined : `${right} ${operator} ${left}`,
  },
];

/** Lines that compute: no comments, declarations of bindings, constants or types. */
const isBody = (line: string) =>
  !/^\s*(\/\/|@group|@compute|override|const|var<|struct|enable|requires|diagnostic|alias|fn )/.test(line);

/**
 * Every mutant of a source. `for` heads keep their comparison and step, so that loops stay bounded; text after // and
 * attributes do not change.
 */
export function mutantsOf(code: string): Mutant[] {
  const lines = code.split("\n"), mutants: Mutant[] = [];
  for (const [at, full] of lines.entries()) {
    const [line, ...comment] = full.split("//"), tail = comment.length > 0 ? `//${comment.join("//")}` : "";
    if (!isBody(full) || /^\s*for \(/.test(full) || /workgroupBarrier|^\s*while|^\s*loop/.test(full)) continue;
    for (const { fault, pattern, by } of RULES) {
      for (const match of line!.matchAll(pattern)) {
        const made = by(match);
        if (made === undefined) continue;
        const changed = `${line!.slice(0, match.index)}${made}${line!.slice(match.index + match[0].length)}${tail}`;
        if (changed === full) continue;
        const mutated = lines.with(at, changed).join("\n");
        mutants.push({ line: at + 1, fault, before: full.trim(), after: changed.trim(), code: mutated });
      }
    }
  }
  return mutants;
}
