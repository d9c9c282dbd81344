/** The command line for other processes that do a part of the work. */

/** Flags that such a process gets with other values or not at all, and the number of words after each. */
export type OwnFlags = Readonly<Record<string, 0 | 1>>;

/** This command line, from the name of the command on, without these flags and their values. */
export function commandWithout(own: OwnFlags, given: readonly string[] = Deno.args): string[] {
  const kept: string[] = given.slice(0, 1);
  for (let at = 1; at < given.length; at++) {
    const word = given[at] ?? "", values = own[word.split("=", 1)[0] ?? ""];
    if (values === undefined) kept.push(word);
    else if (!word.includes("=")) at += values;
  }
  return kept;
}
