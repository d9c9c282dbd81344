/** The manifest of a checkpoint: its stage and step, and the length and SHA-256 of each file and of the manifest itself. */
import { type Digest, sha256 } from "../disk/mod.ts";
import { HymbaError } from "../errors.ts";
import { accepts, type Checked, digest, isObject, mapOf, nullOr, number, object, text, whole } from "../file_schema.ts";

/** The name of the manifest's file. */
export const MANIFEST = "manifest.json";

/** Longest manifest that is read, in UTF-16 units: a hundred times what this program writes. */
const MOST = 2 ** 18;

/** The layout this program writes. */
export const FORMAT = 1;

const FILE_NAME = /^[a-z][a-z0-9_-]{0,63}\.(safetensors|json)$/;

/** Whether a name may be a file of a checkpoint: no separator, no leading dot, not the manifest. */
export const isCheckpointFile = (name: string): boolean => FILE_NAME.test(name) && name !== MANIFEST;

const fileDigest = object({ bytes: whole(), sha256: digest });

const manifest = object({
  /** Number of the layout; this program writes and reads 1. */
  format: whole(),
  /** Place in the order of saving, from 1. */
  number: whole(),
  stage: text(),
  /** Steps done in this stage. */
  step: whole(),
  /** Lower is better; null where nothing was measured. */
  score: nullOr(number()),
  /** Where the metrics log ended; null without a log. */
  log: nullOr(fileDigest),
  /** Every other file of the checkpoint by name. */
  files: mapOf(fileDigest, { max: 1000 }),
});

/** The manifest of a checkpoint. */
export type Manifest = Checked<typeof manifest>;

/** The fields in a fixed order, so that equal values give equal text. */
function canonical({ format, number, stage, step, score, log, files }: Manifest): Manifest {
  const digestOf = ({ bytes, sha256 }: Digest): Digest => ({ bytes, sha256 });
  const sorted = Object.entries(files).sort(([a], [b]) => a < b ? -1 : 1);
  return {
    format,
    number,
    stage,
    step,
    score,
    log: log && digestOf(log),
    files: Object.fromEntries(sorted.map(([name, file]) => [name, digestOf(file)])),
  };
}

/** The manifest's file: JSON whose last member is the SHA-256 of the JSON without it. */
export function encodeManifest(manifest: Manifest): string {
  const body = canonical(manifest);
  return `${JSON.stringify({ ...body, sha256: sha256(JSON.stringify(body)) })}\n`;
}

/**
 * Reads a manifest's text. Returns undefined when it is not exactly what {@link encodeManifest} writes: then the checkpoint
 * does not count. Throws a HymbaError for a valid manifest of another layout, which another version of this program wrote.
 */
export function decodeManifest(text: string, { name }: { name: string }): Manifest | undefined {
  if (text.length > MOST) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(value)) return undefined;
  const { sha256: stated, ...body } = value;
  if (stated !== sha256(JSON.stringify(body))) return undefined;
  if (body.format !== FORMAT) {
    throw new HymbaError(`${name} has another layout`, {
      expected: `format ${FORMAT}`,
      got: `format ${JSON.stringify(body.format)}`,
      hint: "use the version of the program that wrote it",
    });
  }
  if (!accepts(manifest, body) || !Object.keys(body.files).every(isCheckpointFile)) return undefined;
  const found = canonical(body);
  return encodeManifest(found) === text ? found : undefined;
}
