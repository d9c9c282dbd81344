/** The manifest of a checkpoint: what it is, and bytes and SHA-256 of every file of it and of the manifest itself. */
import { type Digest, sha256 } from "../disk/mod.ts";
import { HymbaError } from "../errors.ts";

/** What a checkpoint says of itself. */
export interface Manifest {
  /** Number of the layout; this program writes and reads 1. */
  format: number;
  /** Place in the order of saving, from 1. */
  number: number;
  stage: string;
  /** Steps done in this stage. */
  step: number;
  /** Lower is better; null where nothing was measured. */
  score: number | null;
  /** Where the metrics log ended; null without a log. */
  log: Digest | null;
  /** Every other file of the checkpoint by name. */
  files: Record<string, Digest>;
}

/** The name of the manifest's file. */
export const MANIFEST = "manifest.json";

/** Longest manifest that is read, in UTF-16 units: a hundred times what this program writes. */
const MOST = 2 ** 18;

/** The layout this program writes. */
export const FORMAT = 1;

const FILE_NAME = /^[a-z][a-z0-9_-]{0,63}\.(safetensors|json)$/;

/** Whether a name may be a file of a checkpoint: no separator, no leading dot, not the manifest. */
export const isCheckpointFile = (name: string): boolean => FILE_NAME.test(name) && name !== MANIFEST;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
const isDigest = (value: unknown): value is Digest =>
  isObject(value) && isCount(value.bytes) && typeof value.sha256 === "string" && /^[0-9a-f]{64}$/.test(value.sha256);

/** The fields in their one order, so that the text is a function of the values. */
function canonical(manifest: Manifest): Manifest {
  const { format, number, stage, step, score, log, files } = manifest;
  const digest = ({ bytes, sha256 }: Digest): Digest => ({ bytes, sha256 });
  const names = Object.keys(files).sort();
  return {
    format,
    number,
    stage,
    step,
    score,
    log: log && digest(log),
    files: Object.fromEntries(names.map((name) => [name, digest(files[name]!)])),
  };
}

/** The manifest's file: JSON whose last member is the SHA-256 of the JSON without it. */
export function encodeManifest(manifest: Manifest): string {
  const body = canonical(manifest);
  return `${JSON.stringify({ ...body, sha256: sha256(JSON.stringify(body)) })}\n`;
}

function isManifest(value: Record<string, unknown>): value is Record<string, unknown> & Manifest {
  const { number, stage, step, score, log, files } = value;
  return isCount(number) && typeof stage === "string" && isCount(step) && (score === null || Number.isFinite(score)) &&
    (log === null || isDigest(log)) && isObject(files) &&
    Object.entries(files).every(([name, file]) => isCheckpointFile(name) && isDigest(file));
}

/**
 * Reads a manifest's text. Returns undefined when it is not exactly what {@link encodeManifest} writes: then the checkpoint
 * does not exist. Throws a HymbaError for a sound manifest of another layout: then this program is the wrong one.
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
  if (!isManifest(body)) return undefined;
  const manifest = canonical(body);
  return encodeManifest(manifest) === text ? manifest : undefined;
}
