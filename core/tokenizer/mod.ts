/**
 * This folder: the Unigram tokenizer, with training, encoding, decoding and file formats.
 * The Unigram tokenizer: training, encoding, decoding, and the file formats of SentencePiece and Hugging Face.
 */
export { byteTokenizer } from "./byte_tokenizer.ts";
export { insideOf, Tokenizer } from "./tokenizer.ts";
export { type Coder, TokenStream } from "./coder.ts";
export { isOwnModelFile, type ModelFile, readModelFile } from "./model_file.ts";
export { type Piece, PieceType } from "./vocabulary.ts";
export { TokenizerTrainer, type TrainOptions, trainTokenizer } from "./train/train.ts";
export { trainSeedTokenizer } from "./train/seed_profile.ts";
export { fitNotes, fitTokenizer, type WantedTokenizer } from "./train/fit.ts";
export { type Normalization, NORMALIZATIONS } from "./train/normalization.ts";
export type { TrainProgress } from "./train/unigram.ts";
export type { Segmentation } from "./lattice.ts";
export { DecodeStream } from "./decode_stream.ts";
export { wideName } from "./encoding.ts";
export { textBlocks } from "./read_corpus.ts";
export { pieceLengths, type TextStatistics, textStatistics } from "./text_statistics.ts";
