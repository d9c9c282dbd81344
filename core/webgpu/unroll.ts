/** Short loops written out, for adapters whose compiler leaves every loop a loop and keeps arrays that loops index in memory. */

/** Rounds that are written out; longer loops stay. */
const MOST_ROUNDS = 8;
/** Letters that a loop may grow to: what is run rarely is not worth compiling. */
const MOST_LETTERS = 12_000;

/**
 * A kernel with `const WRITTEN_OUT = LETTERS;` has its loops written out for every adapter, as long as each stays below so many letters:
 * their arrays are meant to be registers, and no compiler makes them so in loops of that length.
 */
const lettersOf = (text: string): number => Number(/^const WRITTEN_OUT = (\d+);/m.exec(text)?.[1] ?? 0);

/** Whether a kernel asks for it, whatever the adapter. */
export const isWrittenOut = (text: string): boolean => lettersOf(text) > 0;

const LOOP = /for \(var (\w+) = (\d+)u; \1 < (\w+); \1(?:\+\+| \+= (\d+))\) \{/g;

/** The place behind the brace that closes the one before `start`. */
function endOf(code: string, start: number): number {
  let depth = 1, at = start;
  while (depth > 0) {
    const letter = code[at++];
    if (letter === undefined) return -1;
    depth += letter === "{" ? 1 : letter === "}" ? -1 : 0;
  }
  return at;
}

/** What a bound says: a literal, a `const` of the file, or a constant that is compiled in. */
function boundOf(code: string, bound: string, constants: Readonly<Record<string, number>>): number {
  const literal = /^(\d+)u?$/.exec(bound) ?? new RegExp(`^const ${bound} = (\\d+)u;`, "m").exec(code);
  return literal ? Number(literal[1]) : constants[bound] ?? Infinity;
}

/**
 * WGSL with its loops of a few known rounds written out, inner ones first. Every round does what it did, in the same order, so
 * the bits stay. Loops with `continue` or `break` stay as they are; the `break if` of a `loop` inside is its own.
 */
export function unrolled(text: string, constants: Readonly<Record<string, number>>): string {
  const mostLetters = Math.max(MOST_LETTERS, lettersOf(text));
  let code = text.replace(/\/\/.*$/gm, "");
  for (const { index, 0: head, 1: name, 2: first, 3: bound, 4: step } of [...code.matchAll(LOOP)].reverse()) {
    const start = index + head.length, end = endOf(code, start), body = code.slice(start, end - 1);
    const rounds: number[] = [], last = boundOf(code, bound!, constants);
    for (let i = Number(first); i < last && rounds.length <= MOST_ROUNDS; i += Number(step ?? 1)) rounds.push(i);
    const tooLong = rounds.length > MOST_ROUNDS || rounds.length * body.length > mostLetters;
    if (end < 0 || tooLong || /\b(continue|break(?! if))\b/.test(body)) continue;
    const uses = new RegExp(`(?<![\\w.])${name}(?!\\w)`, "g");
    const written = rounds.map((i) => `{${body.replace(uses, `${i}u`)}}`).join("\n");
    code = code.slice(0, index) + written + code.slice(end);
  }
  return code;
}
