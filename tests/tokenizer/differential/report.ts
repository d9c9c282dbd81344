/** What was compared, and the first difference. */

/** How many pairs of a file and a text were compared with each program. */
export type Counts = Record<string, number>;

/** A difference between two tokenizers, with what repeats it. */
export class Difference extends Error {}

/** Everything that repeats a comparison. */
export interface Place {
  seed: number;
  file: number;
  /** The name of the other program. */
  program: string;
}

/** Throws unless both sides are equal as JSON. */
export function requireEqual(
  what: string,
  { ours, theirs, text, place }: { ours: unknown; theirs: unknown; text: unknown; place: Place },
): void {
  const [own, other] = [JSON.stringify(ours), JSON.stringify(theirs)];
  if (own === other) return;
  const { seed, file, program } = place;
  throw new Difference(
    `${what} of seed ${seed}, file ${file}: ${JSON.stringify(text)}\n  ours ${own}\n  ${program} ${other}`,
  );
}
