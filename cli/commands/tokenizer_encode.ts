/** `hymba tokenizer encode` and `decode`: their options. */
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map } from "@optique/core/modifiers";
import { command, option } from "@optique/core/primitives";
import type { Action } from "../ui/run.ts";
import { jsonOption } from "../shared/options.ts";
import { runStream } from "../shared/tokenizer_stream.ts";
import { word } from "../shared/value_parsers.ts";

const modelOption = option("--model", word("FILE"), {
  description: message`a SentencePiece .model or a Hugging Face tokenizer.json`,
});
const wholeOption = option("--whole", {
  description: message`one text including line breaks, instead of one text per line`,
});

export const tokenizerEncodeCommand = command(
  "encode",
  map(
    object("What to write", {
      model: modelOption,
      pieces: option("--pieces", { description: message`pieces instead of ids` }),
      whole: wholeOption,
      json: jsonOption,
    }),
    (given): Action => () => runStream({ command: "encode", ...given }),
  ),
  {
    brief: message`ids of the lines of standard input`,
    description:
      message`Reads lines from standard input and prints the ids of each on one line. Example: hymba tokenizer encode --model tokenizer.model < input.txt`,
  },
);

export const tokenizerDecodeCommand = command(
  "decode",
  map(
    object("What to read", { model: modelOption, whole: wholeOption, json: jsonOption }),
    (given): Action => () => runStream({ command: "decode", pieces: false, ...given }),
  ),
  {
    brief: message`the text of lines of ids`,
    description:
      message`Reads lines of ids from standard input and prints their texts: the inverse of encode. Example: hymba tokenizer decode --model tokenizer.model < ids.txt`,
  },
);
