/** Writes a text token by token, with the probabilities that each was drawn from. */
import { drawn } from "../../infer/generate.ts";
import { TextStream } from "../../infer/text_stream.ts";
import { at } from "../../lists.ts";
import { Interrupted } from "../../errors.ts";
import type { Drawn, Draws, Written } from "./messages.ts";
import type { LoadedModel } from "./model.ts";

/** Number of most likely tokens that are shown with the drawn one. */
const NAMED = 5;

/** Softmax, in float64. */
function probabilitiesOf(logits: Float32Array): Float64Array {
  const most = logits.reduce((most, logit) => Math.max(most, logit), -Infinity);
  const weights = Float64Array.from(logits, (logit) => Math.exp(logit - most));
  const sum = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / sum);
}

/** The ids of the `count` largest values, largest first. */
function largest(values: Float64Array, count: number): number[] {
  const found: number[] = [];
  for (const [id, value] of values.entries()) {
    const place = found.findIndex((other) => at(values, other) < value);
    if (place < 0 && found.length === count) continue;
    found.splice(place < 0 ? found.length : place, 0, id);
    if (found.length > count) found.pop();
  }
  return found;
}

/** Lets the messages in that have arrived. An executor that computes on this thread would keep them waiting. */
const messagesIn = (): Promise<void> =>
  new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });

/** Continues a prompt, as `hymba generate` does: the same seed gives the same tokens. `onToken` gets each as it is drawn. */
export async function write(
  model: LoadedModel,
  { prompt, draws, signal }: { prompt: string; draws: Draws; signal: AbortSignal },
  onToken: (token: Drawn) => void,
): Promise<Written> {
  const { tokenizer } = model, ids = model.tokensOf(prompt), stream = new TextStream(tokenizer);
  const session = await model.session(ids.length + draws.newTokens);
  let tokens = 0, seconds = 0, stopped = false;
  try {
    await session.append([ids], { signal });
    const start = performance.now();
    for await (const rows of drawn(session, { ...draws, each: true, signal })) {
      const id = at(at(rows, 0), 0), probabilities = probabilitiesOf(await session.logits());
      const likeliest = largest(probabilities, NAMED).map((other) =>
        [model.tokenizer.nameOf(other), at(probabilities, other)] as const
      );
      tokens = tokens + 1;
      seconds = (performance.now() - start) / 1000;
      onToken({
        id,
        name: model.tokenizer.nameOf(id),
        text: stream.push(id).text,
        probability: at(probabilities, id),
        likeliest,
        seconds,
      });
      await messagesIn();
    }
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    stopped = true;
  } finally {
    session.dispose();
  }
  return { rest: stream.finish().text, tokens, seconds, cacheBytes: session.cacheBytes, stopped };
}
