/** The differences between two JSON values, by the path of each part. */

function flatten(value: unknown, path = "", into = new Map<string, string>()): Map<string, string> {
  if (value !== null && typeof value === "object") {
    for (const [key, item] of Object.entries(value)) flatten(item, path ? `${path}.${key}` : key, into);
  } else into.set(path, String(value));
  return into;
}

/** Most differences that are listed. */
const MOST = 12;

/**
 * The differences as lines `study.seeds.0: 1 there, 2 now`; empty if there are none. Fields that JSON leaves out count as
 * absent. `words`: names of the first and the second value.
 */
export function differences(
  first: unknown,
  second: unknown,
  { words: [there, now] }: { words: readonly [string, string] },
): string[] {
  const flat = (value: unknown) => flatten(JSON.parse(JSON.stringify(value)));
  const old = flat(first), wanted = flat(second);
  const changed = [...new Set([...old.keys(), ...wanted.keys()])].filter((key) => old.get(key) !== wanted.get(key));
  const shown = changed.slice(0, MOST).map((key) =>
    `${key}: ${old.get(key) ?? "absent"} ${there}, ${wanted.get(key) ?? "absent"} ${now}`
  );
  if (changed.length > shown.length) shown.push(`and ${changed.length - shown.length} more`);
  return shown;
}
