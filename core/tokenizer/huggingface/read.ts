/** Reads Hugging Face's `tokenizer.json` with a Unigram model. */
import { isSame } from "../../lists.ts";
import { fromByteCharacters } from "../byte_level.ts";
import { textOf } from "../bytes.ts";
import { MARK_ESCAPE } from "../mark_escape.ts";
import { DEFAULT_TRAINER, type ModelFile } from "../model_file.ts";
import { bytePiece, type Piece, PieceType, Vocabulary } from "../vocabulary.ts";
import { readDecoder } from "./decoders.ts";
import { charsmapBytes, readNormalizer } from "./normalizers.ts";
import { type AddedToken, HuggingFacePipeline } from "./pipeline.ts";
import { readPreTokenizer } from "./pre_tokenizers.ts";
import { JsonNode } from "./schema.ts";
import { originalPieces } from "./byte_fallback.ts";
import { ESCAPING, ONE_SPACE, symbolAsPiece, toTokenizerJson } from "./write.ts";

/** What a `tokenizer.json` holds. */
export type TokenizerJson =
  /** A SentencePiece tokenizer, written by `toTokenizerJson`. */
  | { file: ModelFile }
  | { vocabulary: Vocabulary; pipeline: HuggingFacePipeline };

/** Reads a file. @throws {HymbaError} with name and offset on damage and on parts that are not supported. */
export function readTokenizerJson(text: string, name: string): TokenizerJson {
  const root = JsonNode.parse(text, name).object(), model = root.get("model").object();
  const kind = model.get("type");
  // Old files do not say the type. Only a Unigram model lists its pieces.
  if (kind.text(Array.isArray(model.get("vocab").value) ? "Unigram" : "unknown") !== "Unigram") {
    throw kind.error("not a Unigram model; only Unigram models are supported");
  }
  const addedTokens = root.get("added_tokens").map(readAddedToken);
  const byteFallback = model.get("byte_fallback").flag(false);
  const { pieces, inModel } = readPieces(root, { addedTokens, byteFallback });
  const vocabulary = new Vocabulary(pieces, {
    byteFallback,
    arithmetic: "float64",
    name,
    offsetOf: (id) => model.placeOf(["vocab", id]),
    matched: (id) => id < inModel,
  });
  const file = asModelFile(root, { pieces, byteFallback });
  if (file) return { file };
  const pipeline = new HuggingFacePipeline(vocabulary, {
    addedTokens,
    normalise: readNormalizer(root.get("normalizer")),
    cut: readPreTokenizer(root.get("pre_tokenizer")),
    decode: readDecoder(root.get("decoder")),
  });
  return { vocabulary, pipeline };
}

function readAddedToken(node: JsonNode): AddedToken {
  const special = node.object().get("special").flag(false);
  return {
    id: node.get("id").index(),
    content: node.get("content").text(),
    singleWord: node.get("single_word").flag(false),
    lstrip: node.get("lstrip").flag(false),
    rstrip: node.get("rstrip").flag(false),
    normalized: node.get("normalized").flag(!special),
    special,
  };
}

/** The model's pieces, followed by the added tokens. */
function readPieces(
  root: JsonNode,
  { addedTokens, byteFallback }: { addedTokens: readonly AddedToken[]; byteFallback: boolean },
): { pieces: Piece[]; inModel: number } {
  const model = root.get("model"), unknown = model.get("unk_id"), list = model.get("vocab");
  const unknownId = unknown.missing ? -1 : unknown.index();
  if (unknownId >= list.length) throw unknown.error("wrong value", `below ${list.length}`);
  const bytes = new Set(byteFallback ? Array.from({ length: 256 }, (_, byte) => bytePiece(byte)) : []);
  const pieces: Piece[] = list.map((entry, id) => {
    const piece = entry.get(0).text(), score = entry.get(1).number();
    if (piece.includes("\0")) throw entry.error("a piece contains U+0000");
    if (!piece.isWellFormed()) throw entry.error("a piece contains a lone surrogate");
    const type = id === unknownId ? PieceType.unknown : bytes.has(piece) ? PieceType.byte : PieceType.normal;
    return { piece, score, type };
  });
  const inModel = pieces.length;
  for (const [i, { id, content, special }] of addedTokens.entries()) {
    const place = root.get("added_tokens").get(i), own = pieces[id];
    if (id > pieces.length) throw place.error("the id leaves a gap in the vocabulary", `at most ${pieces.length}`);
    if (own && own.piece !== content) throw place.error(`id ${id} is ${JSON.stringify(own.piece)} already`);
    if (own?.type === PieceType.unknown) continue;
    pieces[id] = { piece: content, score: own?.score ?? 0, type: special ? PieceType.control : PieceType.userDefined };
  }
  return { pieces, inModel };
}

/** Restores the type of control pieces, which Hugging Face's format does not store. */
function withControls(pieces: readonly Piece[]): Piece[] {
  return pieces.map((entry) => {
    const control = entry.type === PieceType.normal && entry.score === 0 && /^<.+>$/s.test(entry.piece);
    return control ? { ...entry, type: PieceType.control } : entry;
  });
}

/** The SentencePiece model from which exactly this `tokenizer.json` would be written, if there is one. */
function asModelFile(
  root: JsonNode,
  options: { pieces: readonly Piece[]; byteFallback: boolean },
): ModelFile | undefined {
  if (!options.pieces.some(({ type }) => type === PieceType.unknown)) return undefined;
  const cuts = root.get("pre_tokenizer").get("pretokenizers");
  const byteLevel = Array.isArray(cuts.value) && cuts.list().some((cut) => cut.get("type").value === "ByteLevel");
  const named = withControls(options.pieces).map(symbolAsPiece), pieces = byteLevel ? originalPieces(named) : named;
  if (!pieces) return undefined;
  const surface = root.get("decoder").get("decoders").get(0).get("content").value;
  const bytes = byteLevel && typeof surface === "string" ? fromByteCharacters(surface) : undefined;
  const file: ModelFile = {
    pieces,
    trainer: {
      ...DEFAULT_TRAINER,
      vocabSize: pieces.length,
      byteFallback: byteLevel || options.byteFallback,
      userDefinedSymbols: pieces.filter(({ type }) => type === PieceType.userDefined).map(({ piece }) => piece),
      unknownSurface: bytes ? textOf(bytes) : typeof surface === "string" ? surface : DEFAULT_TRAINER.unknownSurface,
    },
    ...normalisation(root),
  };
  return isSame(toTokenizerJson(file, { byteLevel }), root.value) ? file : undefined;
}

/** The normalisation rules that `write.ts` wrote as these steps. */
function normalisation(root: JsonNode): Pick<ModelFile, "normalizer" | "denormalizer"> {
  const list = root.get("normalizer").get("normalizers"), steps = Array.isArray(list.value) ? list.list() : [];
  const escapes = isSame(steps.slice(0, ESCAPING.length).map(({ value }) => value), ESCAPING);
  const precompiled = steps.find((step) => step.get("type").value === "Precompiled");
  const before = root.get("pre_tokenizer"), first = before.get("pretokenizers").get(0);
  const scheme = (first.missing ? before : first).get("prepend_scheme").value;
  const map = precompiled ? charsmapBytes(precompiled.get("precompiled_charsmap")) : new Uint8Array(0);
  return {
    normalizer: {
      name: escapes ? "lossless" : precompiled ? "precompiled" : "identity",
      charsmap: escapes && !precompiled ? MARK_ESCAPE.charsmap : map,
      addDummyPrefix: scheme === "first" || scheme === "always" ||
        steps.some((step) => step.get("type").value === "Prepend"),
      removeExtraWhitespaces: steps.some(({ value }) => isSame(value, ONE_SPACE)),
      escapeWhitespaces: true,
    },
    denormalizer: escapes ? MARK_ESCAPE.denormalizer : undefined,
  };
}
