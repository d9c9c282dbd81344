/** `hymba tokenizer`: train, encode, decode, inspect. */
import { or } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { command } from "@optique/core/primitives";
import { tokenizerDecodeCommand, tokenizerEncodeCommand } from "./tokenizer_encode.ts";
import { tokenizerInspectCommand } from "./tokenizer_inspect.ts";
import { tokenizerTrainCommand } from "./tokenizer_train.ts";

export const tokenizerCommand = command(
  "tokenizer",
  or(tokenizerTrainCommand, tokenizerEncodeCommand, tokenizerDecodeCommand, tokenizerInspectCommand),
  {
    brief: message`trains and uses Unigram tokenizers`,
    description:
      message`Unigram tokenizers in the formats of SentencePiece and Hugging Face. Example: hymba tokenizer encode --model tokenizer.model`,
  },
);
