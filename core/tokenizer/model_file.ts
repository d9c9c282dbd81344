/**
 * SentencePiece's `.model` file: the protobuf message `sentencepiece.ModelProto`.
 * Source of the field numbers: SentencePiece, `sentencepiece_model.proto`.
 */
import { HymbaError } from "../errors.ts";
import { parseCharsmap } from "./charsmap.ts";
import { isUtf8 } from "./encoding.ts";
import type { NormalizerSpec } from "./normalizer.ts";
import { floatFromBits, MessageReader, MessageWriter, WireType } from "./protobuf.ts";
import { type Piece, PieceType } from "./vocabulary.ts";

/** How a model was trained: the fields of SentencePiece that are used here, with its names. */
export interface TrainerSpec {
  vocabSize: number;
  byteFallback: boolean;
  characterCoverage: number;
  maxPieceLength: number;
  userDefinedSymbols: readonly string[];
  whitespaceAsSuffix: boolean;
  /** What an unknown token becomes in a decoded text. */
  unknownSurface: string;
}

/** The contents of a `.model` file. */
export interface ModelFile {
  pieces: Piece[];
  trainer: TrainerSpec;
  normalizer: NormalizerSpec;
  /** The rules for decoded text; undefined when there are none. */
  denormalizer?: NormalizerSpec;
  /** Encoded messages of a file that was read. They are written back unchanged, with their unknown fields. */
  original?: OriginalFields;
}

/** The parts of a file that are kept unchanged. */
export interface OriginalFields {
  /** The position of each piece, in bytes from the start of the file. */
  pieceOffsets: readonly number[];
  /** Extra fields of pieces, by id. */
  pieceExtras: ReadonlyMap<number, Uint8Array>;
  /** Every field of the file except the pieces, in order. */
  others: Uint8Array;
}

export const DEFAULT_TRAINER: TrainerSpec = {
  vocabSize: 8000,
  byteFallback: false,
  characterCoverage: 0.9995,
  maxPieceLength: 16,
  userDefinedSymbols: [],
  whitespaceAsSuffix: false,
  unknownSurface: " \u2047 ",
};

const UNIGRAM = 1;
/** Names of SentencePiece's types of models, by number. */
const MODEL_TYPES: readonly (string | undefined)[] = [undefined, "Unigram", "BPE", "Word", "Char"];

/** Bytes of the start that is read to recognise a text. */
const START = 512;

/** Whether a file starts as a text in UTF-8 does: a model has control characters among its first bytes. */
function isText(bytes: Uint8Array): boolean {
  const start = bytes.subarray(0, START), isPlain = (byte: number) => byte >= 0x20 || [0x09, 0x0a, 0x0d].includes(byte);
  return bytes.length > 1 && start.every(isPlain) && isUtf8(start);
}

/** Reads a `.model` file. @throws {HymbaError} with the name and the offset when it is damaged or not a Unigram model. */
export function readModelFile(bytes: Uint8Array, name: string): ModelFile {
  if (isText(bytes)) {
    throw new HymbaError(`${name} is a text, not a tokenizer`, {
      expected: "a SentencePiece model (.model) or a tokenizer.json",
      hint: "hymba tokenizer train makes one from texts",
    });
  }
  const reader = new MessageReader(bytes, { name }), others = new MessageWriter();
  const pieces: Piece[] = [], pieceExtras = new Map<number, Uint8Array>(), pieceOffsets: number[] = [];
  let trainer: MessageReader | undefined,
    normalizer: MessageReader | undefined,
    denormalizer: NormalizerSpec | undefined;
  while (reader.next()) {
    if (reader.number <= 3) reader.expect(WireType.bytes);
    if (reader.number !== 1) others.raw(reader.raw);
    if (reader.number === 1) {
      pieces.push(readPiece(reader.inner(), { id: pieces.length, pieceExtras, offset: reader.offset }));
      pieceOffsets.push(reader.offset);
    } else if (reader.number === 2) trainer = reader.inner();
    else if (reader.number === 3) normalizer = reader.inner();
    else if (reader.number === 5) denormalizer = readNormalizer(reader.inner());
  }
  if (pieces.length === 0) throw reader.error("no pieces");
  if (!trainer) throw reader.error("no trainer specification (is the file cut short?)");
  if (!normalizer) throw reader.error("no normaliser specification (is the file cut short?)");
  return {
    pieces,
    trainer: readTrainer(trainer, name),
    normalizer: readNormalizer(normalizer),
    denormalizer,
    original: { pieceOffsets, pieceExtras, others: others.finish() },
  };
}

function readPiece(
  reader: MessageReader,
  { id, pieceExtras, offset }: { id: number; pieceExtras: Map<number, Uint8Array>; offset: number },
): Piece {
  let piece = "", score = 0, type: number = PieceType.normal;
  let extras: MessageWriter | undefined;
  while (reader.next()) {
    if (reader.number === 1) piece = reader.text();
    else if (reader.number === 2) {
      reader.expect(WireType.fixed32);
      score = floatFromBits(reader.value);
      if (!Number.isFinite(score)) throw reader.error(`piece ${id} has the score ${score}`, reader.offset);
    } else if (reader.number === 3) {
      reader.expect(WireType.varint);
      type = reader.value;
      if (type < 1 || type > 6) throw reader.error(`piece ${id} has the type ${type}`, reader.offset);
    } else extras = (extras ?? new MessageWriter()).raw(reader.raw);
  }
  if (piece.length === 0) throw reader.error(`piece ${id} is empty`, offset);
  if (piece.includes("\0")) throw reader.error(`piece ${id} contains U+0000`, offset);
  if (extras) pieceExtras.set(id, extras.finish());
  return { piece, score, type };
}

function readTrainer(reader: MessageReader, name: string): TrainerSpec {
  const spec = { ...DEFAULT_TRAINER, userDefinedSymbols: [] as string[] };
  while (reader.next()) {
    if (reader.number === 3 && reader.value !== UNIGRAM) {
      const got = MODEL_TYPES[reader.value];
      if (!got) throw reader.error(`model type ${reader.value}, expected ${UNIGRAM} (Unigram)`, reader.offset);
      throw new HymbaError(`${name}: not a Unigram model`, {
        expected: "a SentencePiece model of the type Unigram",
        got,
      });
    } else if (reader.number === 4) spec.vocabSize = reader.value;
    else if (reader.number === 10) spec.characterCoverage = floatFromBits(reader.value);
    else if (reader.number === 20) spec.maxPieceLength = reader.value;
    else if (reader.number === 24) spec.whitespaceAsSuffix = reader.value !== 0;
    else if (reader.number === 31) spec.userDefinedSymbols.push(reader.text());
    else if (reader.number === 35) spec.byteFallback = reader.value !== 0;
    else if (reader.number === 44) spec.unknownSurface = reader.text();
  }
  return spec;
}

function readNormalizer(reader: MessageReader): NormalizerSpec {
  const spec: NormalizerSpec = {
    name: "",
    charsmap: new Uint8Array(0),
    addDummyPrefix: true,
    removeExtraWhitespaces: true,
    escapeWhitespaces: true,
  };
  while (reader.next()) {
    if (reader.number === 1) spec.name = reader.text();
    else if (reader.number === 2) spec.charsmap = checkedCharsmap(reader);
    else if (reader.number === 3) spec.addDummyPrefix = reader.value !== 0;
    else if (reader.number === 4) spec.removeExtraWhitespaces = reader.value !== 0;
    else if (reader.number === 5) spec.escapeWhitespaces = reader.value !== 0;
  }
  return spec;
}

function checkedCharsmap(reader: MessageReader): Uint8Array {
  reader.expect(WireType.bytes);
  const payload = reader.payload;
  try {
    if (payload.length > 0) parseCharsmap(payload, "normaliser");
  } catch (error) {
    if (error instanceof HymbaError) throw reader.error(error.message, reader.offset);
    throw error;
  }
  return payload;
}

/** Writes a `.model` file. A file that was read is written with the same bytes. */
export function writeModelFile(file: ModelFile): Uint8Array {
  const out = new MessageWriter();
  for (const [id, { piece, score, type }] of file.pieces.entries()) {
    const message = new MessageWriter().text(1, piece).float(2, score);
    if (type !== PieceType.normal) message.varint(3, type);
    const extras = file.original?.pieceExtras.get(id);
    if (extras) message.raw(extras);
    out.bytes(1, message.finish());
  }
  if (file.original) return out.raw(file.original.others).finish();
  out.bytes(2, writeTrainer(file.trainer));
  // The normaliser comes last. Without it a file is incomplete, so a truncated file is noticed wherever it ends.
  if (file.denormalizer) out.bytes(5, writeNormalizer(file.denormalizer));
  return out.bytes(3, writeNormalizer(file.normalizer)).finish();
}

/** Whether {@link writeModelFile} wrote these bytes: they have nothing else in them, in the same order. */
export function isOwnModelFile(bytes: Uint8Array): boolean {
  try {
    const { original: _, ...file } = readModelFile(bytes, "model"), again = writeModelFile(file);
    return again.length === bytes.length && again.every((byte, i) => byte === bytes[i]);
  } catch (error) {
    if (error instanceof HymbaError) return false; // no model at all
    throw error;
  }
}

function writeTrainer(spec: TrainerSpec): Uint8Array {
  const out = new MessageWriter().varint(3, UNIGRAM).varint(4, spec.vocabSize).float(10, spec.characterCoverage)
    .varint(20, spec.maxPieceLength);
  if (spec.whitespaceAsSuffix) out.flag(24, true);
  for (const symbol of spec.userDefinedSymbols) out.text(31, symbol);
  if (spec.byteFallback) out.flag(35, true);
  if (spec.unknownSurface !== DEFAULT_TRAINER.unknownSurface) out.text(44, spec.unknownSurface);
  return out.finish();
}

function writeNormalizer(spec: NormalizerSpec): Uint8Array {
  return new MessageWriter().text(1, spec.name).bytes(2, spec.charsmap).flag(3, spec.addDummyPrefix)
    .flag(4, spec.removeExtraWhitespaces).flag(5, spec.escapeWhitespaces).finish();
}
