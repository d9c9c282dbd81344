/** How much each token of a text surprises each model. */
import { useMemo, useState } from "preact/hooks";
import { at, mean } from "../lists.ts";
import { fixed, whole } from "../report/format.ts";
import { useAsked } from "./asked.ts";
import type { Bench } from "./chosen.tsx";
import type { SurpriseView } from "./engine/messages.ts";
import { Button, Select, TextField } from "./fields.tsx";
import { named, TokenText } from "./token_text.tsx";

interface Surprised {
  readonly arm: string;
  readonly colour: string;
  readonly view: SurpriseView;
}

function Totals({ all }: { all: readonly Surprised[] }) {
  const columns = ["model", "tokens", "nats per token", "perplexity", "bits per byte"];
  return (
    <div class="wide" tabIndex={0} role="region" aria-label="Surprise of the models">
      <table>
        <thead>
          <tr>{columns.map((name) => <th scope="col" key={name}>{name}</th>)}</tr>
        </thead>
        <tbody>
          {all.map(({ arm, colour, view: { nats, bytes } }) => (
            <tr key={arm}>
              <td>
                <span class="swatch" style={{ background: colour }} />
                {arm}
              </td>
              <td>{whole(nats.length)}</td>
              <td>{fixed(mean(nats), 3)}</td>
              <td>{fixed(Math.exp(mean(nats)), 1)}</td>
              <td>{fixed(mean(nats) * nats.length / (bytes * Math.LN2), 3)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Coloured({ all }: { all: readonly Surprised[] }) {
  const [arm, setArm] = useState(""),
    one = all.find((other) => other.arm === arm) ?? at(all, -1),
    { tokens, nats } = one.view;
  const about = (index: number) =>
    index === 0
      ? `${named(at(tokens, 0))}: the first token is not predicted.`
      : `${named(at(tokens, index))}: ${
        all.map((other) => `${other.arm} ${fixed(at(other.view.nats, index - 1), 2)}`).join(", ")
      } nats.`;
  const shown = useMemo(
    () => tokens.map((text, i) => ({ text, nats: i === 0 ? undefined : at(nats, i - 1) })),
    [tokens, nats],
  );
  return (
    <>
      <div class="fields">
        <Select
          label="colours of"
          value={one.arm}
          options={all.map((other) => [other.arm, other.arm])}
          onChoose={setArm}
        />
        <span class="faint">from 1, 2, 4 and 7 nats on</span>
      </div>
      <TokenText
        label={`Surprise of ${one.arm}`}
        tokens={shown}
        about={about}
      />
    </>
  );
}

export function Surprise({ bench, first }: { bench: Bench; first: string }) {
  const [text, setText] = useState(first), [asked, ask] = useAsked<readonly Surprised[]>();
  const show = (event: Event) => {
    event.preventDefault();
    ask(async () => {
      const engines = await bench.engines();
      return await Promise.all(bench.models.map(async ({ arm, source }) => ({
        arm: arm.name,
        colour: arm.look.colour,
        view: await engines.ask("surprise", { model: source, text }),
      })));
    });
  };
  return (
    <>
      <form onSubmit={show}>
        <TextField label="Text" value={text} rows={5} onText={setText} />
        <div class="fields">
          <Button type="submit" idle={asked.busy || bench.models.length === 0}>Show</Button>
        </div>
      </form>
      {asked.problem && <p class="warning" role="alert">{asked.problem}</p>}
      {asked.answer && asked.answer.length > 0 && (
        <>
          <Totals all={asked.answer} />
          <Coloured all={asked.answer} />
        </>
      )}
    </>
  );
}
