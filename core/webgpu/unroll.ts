/**
 * Unrolls short loops in WGSL, for adapters whose compiler does not unroll and therefore keeps arrays with loop indices in
 * memory.
 */

/** Loops of more rounds are not unrolled. */
const MOST_ROUNDS = 8;
/** Loops that would become longer than this, in characters, are not unrolled: compiling them would cost more than they do. */
const MOST_CHARACTERS = 12_000;

/**
 * A kernel with the line `const UNROLL_UP_TO = N;` is unrolled on every adapter, and N replaces MOST_CHARACTERS. Its arrays are meant
 * to be registers, but no compiler unrolls loops of that length by itself.
 */
const unrollUpTo = (text: string): number => Number(/^const UNROLL_UP_TO = (\d+);/m.exec(text)?.[1] ?? 0);

/** Whether a kernel has to be unrolled on every adapter. */
export const asksForUnrolling = (text: string): boolean => unrollUpTo(text) > 0;

const LOOP = /for \(var (\w+) = (\d+)u; \1 < (\w+); \1(?:\+\+| \+= (\d+))\) \{/g;

/** The index after the brace that closes the one before `start`; -1 if there is none. */
function endOf(code: string, start: number): number {
  let depth = 1, at = start;
  while (depth > 0) {
    const character = code[at++];
    if (character === undefined) return -1;
    depth += character === "{" ? 1 : character === "}" ? -1 : 0;
  }
  return at;
}

/** The value of a loop's bound: a literal, a `const` of the file, or an override constant. Infinity if it is none of these. */
function boundOf(code: string, bound: string, constants: Readonly<Record<string, number>>): number {
  const literal = /^(\d+)u?$/.exec(bound) ?? new RegExp(`^const ${bound} = (\\d+)u;`, "m").exec(code);
  return literal ? Number(literal[1]) : constants[bound] ?? Infinity;
}

/**
 * WGSL whose short loops with known bounds are unrolled, inner loops first. The order of the operations does not change, so the bits
 * do not. Loops with `continue` or `break` are not unrolled; a `break if` belongs to a `loop` inside.
 */
export function unrolled(text: string, constants: Readonly<Record<string, number>>): string {
  const mostCharacters = Math.max(MOST_CHARACTERS, unrollUpTo(text));
  let code = text.replace(/\/\/.*$/gm, "");
  for (const { index, 0: head, 1: name, 2: first, 3: bound = "", 4: step } of [...code.matchAll(LOOP)].reverse()) {
    const start = index + head.length, end = endOf(code, start), body = code.slice(start, end - 1);
    const rounds: number[] = [], last = boundOf(code, bound, constants);
    for (let i = Number(first); i < last && rounds.length <= MOST_ROUNDS; i += Number(step ?? 1)) rounds.push(i);
    const tooLong = rounds.length > MOST_ROUNDS || rounds.length * body.length > mostCharacters;
    if (end < 0 || tooLong || /\b(continue|break(?! if))\b/.test(body)) continue;
    const uses = new RegExp(`(?<![\\w.])${name}(?!\\w)`, "g");
    const copies = rounds.map((i) => `{${body.replace(uses, `${i}u`)}}`).join("\n");
    code = code.slice(0, index) + copies + code.slice(end);
  }
  return code;
}
