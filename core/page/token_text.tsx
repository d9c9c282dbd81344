/** A text as its tokens. Each can be pointed at, or chosen with the arrow keys; a line below says more about it. */
import { Component } from "preact";
import { useState } from "preact/hooks";

export interface ShownToken {
  readonly text: string;
  /** Its loss (nats). The first token has none. */
  readonly nats?: number;
}

/** Bounds of the colours (nats): the least is not coloured. */
const BOUNDS = [1, 2, 4, 7];

const levelOf = (nats: number | undefined) => nats === undefined ? 0 : BOUNDS.filter((bound) => nats >= bound).length;

/** A token in words: spaces and line ends can be seen. */
export const named = (text: string): string => JSON.stringify(text);

interface ChunkProps {
  /** The index of its first token in the whole text. */
  readonly from: number;
  readonly tokens: readonly ShownToken[];
  /** The chosen token, if it is here. */
  readonly chosen: number | undefined;
}

/** Tokens that are drawn together. A chunk whose tokens are the same objects as before is not drawn again, so long texts can grow. */
class Chunk extends Component<ChunkProps> {
  override shouldComponentUpdate({ tokens, chosen }: ChunkProps): boolean {
    const before = this.props;
    return chosen !== before.chosen || tokens.length !== before.tokens.length ||
      tokens[0] !== before.tokens[0] || tokens.at(-1) !== before.tokens.at(-1);
  }

  override render({ from, tokens, chosen }: ChunkProps) {
    return tokens.map(({ text, nats }, i) => (
      <span key={i} data-index={from + i} class={`a${levelOf(nats)}${from + i === chosen ? " chosen" : ""}`}>
        {text}
      </span>
    ));
  }
}

const CHUNK = 128;

export interface TokenTextProps {
  readonly label: string;
  /** Text before and after the tokens. */
  readonly before?: string;
  readonly after?: string;
  /** A token that stays the same is the same object. */
  readonly tokens: readonly ShownToken[];
  /** The description of a token in the line below. */
  about(index: number): string;
}

export function TokenText({ label, before, after, tokens, about }: TokenTextProps) {
  const [chosen, setChosen] = useState(-1), index = Math.min(chosen, tokens.length - 1);
  const move = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 10, ArrowUp: -10 }[event.key];
    if (step === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    setChosen(Math.max(0, Math.min(tokens.length - 1, index + step)));
  };
  const point = ({ target }: { target: EventTarget | null }) => {
    if (target instanceof HTMLElement && target.dataset.index) setChosen(Number(target.dataset.index));
  };
  return (
    <>
      <div
        class="tokens"
        role="textbox"
        aria-readonly
        aria-multiline
        aria-label={`${label}; arrow keys choose a token`}
        tabIndex={0}
        onKeyDown={move}
        onMouseOver={point}
        onClick={point}
      >
        {before && <strong>{before}</strong>}
        {Array.from({ length: Math.ceil(tokens.length / CHUNK) }, (_, chunk) => {
          const from = chunk * CHUNK, chosenHere = index >= from && index < from + CHUNK ? index : undefined;
          return <Chunk key={from} from={from} tokens={tokens.slice(from, from + CHUNK)} chosen={chosenHere} />;
        })}
        {after}
      </div>
      <p class="readout" aria-live="polite">{index >= 0 ? about(index) : ""}</p>
    </>
  );
}
