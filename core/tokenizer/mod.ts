/** The Unigram tokenizer: training, encoding, decoding, and the file formats of SentencePiece and Hugging Face. */
export { Tokenizer } from "./tokenizer.ts";
export { type Piece, PieceType } from "./vocabulary.ts";
export { TokenizerTrainer, type TrainOptions, type TrainProgress, trainTokenizer } from "./train/train.ts";
