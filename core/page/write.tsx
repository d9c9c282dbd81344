/** Models continue a prompt side by side. */
import { useRef, useState } from "preact/hooks";
import { MAX_PENALTY } from "../infer/generate.ts";
import { at } from "../lists.ts";
import { bytes, percent, significant } from "../report/format.ts";
import type { Bench, Chosen } from "./chosen.tsx";
import type { Drawn, Draws, Written } from "./engine/messages.ts";
import { Button, type Limits, NumberField, TextField } from "./fields.tsx";
import { named, type ShownToken, TokenText } from "./token_text.tsx";
import { wordsOf } from "./words.ts";

/** A token as it is shown. */
interface Token extends Drawn, ShownToken {}

/** The text of one model. */
interface Column {
  readonly prompt: string;
  readonly tokens: readonly Token[];
  readonly end?: Written;
  readonly problem?: string;
}

const tokenOf = (drawn: Drawn): Token => ({ ...drawn, nats: -Math.log(drawn.probability) });

/** Tokens are shown together when so much time has passed (milliseconds): a fast model draws hundreds a second. */
const SHOW_EVERY = 80;

/** Most tokens of a text on the page. The command line writes longer ones. */
const MOST_TOKENS = 4096;

const DRAWS: Draws = {
  newTokens: 100,
  temperature: 0.8,
  topK: 40,
  topP: 1,
  minP: 0,
  repetitionPenalty: 1,
  seed: 1,
};

const FIELDS: readonly (readonly [name: keyof Draws, label: string, limits: Limits])[] = [
  ["newTokens", "tokens", { step: 1, min: 1, max: MOST_TOKENS }],
  ["seed", "seed", { step: 1, min: 0, max: Number.MAX_SAFE_INTEGER }],
  ["temperature", "temperature", { step: "any", min: 0 }],
  ["topK", "top-k", { step: 1, min: 0 }],
  ["topP", "top-p", { step: "any", min: 0.001, max: 1 }],
  ["minP", "min-p", { step: "any", min: 0, max: 1 }],
  ["repetitionPenalty", "repetition penalty", { step: "any", min: 0, max: MAX_PENALTY }],
];

/** Writing of all models, each into its column. */
function useWriting(bench: Bench) {
  const [columns, setColumns] = useState<Readonly<Record<string, Column>>>({}), [busy, setBusy] = useState(false);
  const stopped = useRef(false);
  const put = (name: string, change: (column: Column) => Column) =>
    setColumns((all) => ({ ...all, [name]: change(all[name] ?? { prompt: "", tokens: [] }) }));
  const one = async ({ arm, source }: Chosen, prompt: string, draws: Draws) => {
    put(arm.name, () => ({ prompt, tokens: [] }));
    const fresh: Token[] = [];
    const show = () => {
      const more = fresh.splice(0);
      if (more.length > 0) put(arm.name, (column) => ({ ...column, tokens: [...column.tokens, ...more] }));
    };
    const timer = setInterval(show, SHOW_EVERY);
    try {
      const engines = await bench.engines();
      if (stopped.current) return;
      const asked = { model: source, prompt, draws };
      const end = await engines.ask("write", asked, (token) => fresh.push(tokenOf(token)));
      show();
      put(arm.name, (column) => ({ ...column, end }));
    } catch (error) {
      put(arm.name, (column) => ({ ...column, problem: wordsOf(error) }));
    } finally {
      clearInterval(timer);
    }
  };
  const write = async (prompt: string, draws: Draws) => {
    stopped.current = false;
    setBusy(true);
    await Promise.all(bench.models.map((model) => one(model, prompt, draws)));
    setBusy(false);
  };
  const stop = async () => {
    stopped.current = true;
    const engines = await bench.engines();
    await Promise.all(bench.models.map(({ source }) => engines.stop(source)));
  };
  return { columns, busy, write, stop };
}

/** Details of a token: its probability, and the most likely tokens. */
function aboutToken({ name, probability, likeliest }: Drawn): string {
  const others = likeliest.map(([other, share]) => `${named(other)} ${percent(share)}`).join(", ");
  return `${named(name)}: probability ${percent(probability)}. Likeliest: ${others}.`;
}

function statusOf({ tokens, end, problem }: Column): string {
  if (problem) return "";
  const last = tokens.at(-1), seconds = end?.seconds ?? last?.seconds ?? 0;
  if (!last && !end) return "reading the prompt …";
  const speed = seconds > 0 ? `${significant(tokens.length / seconds)} tokens/s` : "";
  return [
    `${tokens.length} tokens`,
    speed,
    end ? `caches ${bytes(end.cacheBytes)}` : "",
    end?.stopped ? "stopped" : "",
  ].filter((part) => part !== "").join(" · ");
}

function ColumnView({ model: { arm }, column }: { model: Chosen; column: Column | undefined }) {
  return (
    <section class="column" aria-label={arm.name} data-arm={arm.name} data-done={column?.end ? "" : undefined}>
      <h2>
        <span class="swatch" style={{ background: arm.look.colour }} />
        {arm.name}
      </h2>
      <p class="faint status">{column ? statusOf(column) : "not written yet"}</p>
      {column?.problem && <p class="warning" role="alert">{column.problem}</p>}
      {column && (
        <TokenText
          label={`Text of ${arm.name}`}
          before={column.prompt}
          tokens={column.tokens}
          after={column.end?.rest}
          about={(index) => aboutToken(at(column.tokens, index))}
        />
      )}
    </section>
  );
}

interface PromptProps {
  readonly first: string;
  readonly busy: boolean;
  /** Whether there is a model to write. */
  readonly ready: boolean;
  write(prompt: string, draws: Draws): void;
  stop(): void;
}

function Prompt({ first, busy, ready, write, stop }: PromptProps) {
  const [prompt, setPrompt] = useState(first), [draws, setDraws] = useState(DRAWS);
  const submit = (event: Event) => {
    event.preventDefault();
    write(prompt, draws);
  };
  return (
    <form onSubmit={submit}>
      <TextField label="Prompt" value={prompt} onText={setPrompt} />
      <div class="fields">
        {FIELDS.map(([name, label, limits]) => (
          <NumberField
            key={name}
            label={label}
            limits={limits}
            value={Number(draws[name])}
            onValue={(value) => setDraws({ ...draws, [name]: value })}
          />
        ))}
        <Button type="submit" idle={busy || !ready}>Write</Button>
        <Button type="button" idle={!busy} onPress={stop}>Stop</Button>
      </div>
    </form>
  );
}

export function Write({ bench, first }: { bench: Bench; first: string }) {
  const { columns, ...writing } = useWriting(bench);
  return (
    <>
      <Prompt first={first} ready={bench.models.length > 0} {...writing} />
      <p class="faint">
        The same seed gives the text of{" "}
        <code>hymba generate</code>. Coloured tokens had a low probability. Point at a token, or choose it with the
        arrow keys, to see what else was likely. Models that write side by side share the machine: for the speed of one,
        choose it alone.
      </p>
      <div class="columns">
        {bench.models.map((model) => (
          <ColumnView key={model.source.file} model={model} column={columns[model.arm.name]} />
        ))}
      </div>
    </>
  );
}
