/** Fields and buttons of forms. */
import type { ComponentChildren } from "preact";

/** The range of a number. The browser rejects a form with another value and says why. */
export interface Limits {
  readonly step: number | "any";
  readonly min: number;
  readonly max?: number;
}

interface NumberFieldProps {
  readonly label: string;
  readonly value: number;
  readonly limits: Limits;
  onValue(value: number): void;
}

export function NumberField({ label, value, limits, onValue }: NumberFieldProps) {
  const take = (text: string) => {
    const number = Number(text);
    if (text.trim() !== "" && Number.isFinite(number)) onValue(number);
  };
  return (
    <label>
      {label}{" "}
      <input
        type="number"
        required
        {...limits}
        value={value}
        onInput={({ currentTarget }) => take(currentTarget.value)}
      />
    </label>
  );
}

interface SelectProps<T extends string> {
  readonly label: string;
  readonly value: T;
  readonly options: readonly (readonly [value: T, words: string])[];
  onChoose(value: T): void;
}

/** A field to choose one of several. */
export function Select<T extends string>({ label, value, options, onChoose }: SelectProps<T>) {
  return (
    <label>
      {label}{" "}
      <select value={value} onChange={({ currentTarget }) => onChoose(currentTarget.value as T)}>
        {options.map(([one, words]) => <option key={one} value={one}>{words}</option>)}
      </select>
    </label>
  );
}

interface TextFieldProps {
  readonly label: string;
  readonly value: string;
  readonly rows?: number;
  onText(text: string): void;
}

/** A text of several lines. */
export function TextField({ label, value, rows = 3, onText }: TextFieldProps) {
  return (
    <label class="block">
      {label}
      <textarea rows={rows} value={value} onInput={({ currentTarget }) => onText(currentTarget.value)} />
    </label>
  );
}

interface ButtonProps {
  readonly type: "submit" | "button";
  /** It does nothing now. */
  readonly idle: boolean;
  readonly children: ComponentChildren;
  onPress?(): void;
}

/** A button that keeps the focus while it does nothing. From a disabled one the browser takes the focus away. */
export function Button({ type, idle, children, onPress }: ButtonProps) {
  const press = (event: Event) => {
    // It also stops a form that is sent with the Enter key, which presses its button.
    if (idle) event.preventDefault();
    else onPress?.();
  };
  return <button type={type} aria-disabled={idle} onClick={press}>{children}</button>;
}
