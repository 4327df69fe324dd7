// A field for an exact number. What is being written stays until Enter or until it is left; Escape drops it.
import { useSignal } from "@preact/signals";
import { written } from "./format";

interface Props {
  label: string;
  /** What stands in it while nobody writes. */
  text: string;
  off?: boolean;
  enter: (value: number) => void;
}

export function NumberField({ label, text, off, enter }: Props) {
  const typed = useSignal<string | null>(null);
  const commit = () => {
    const value = written(typed.value ?? "");
    typed.value = null;
    if (value !== null) enter(value);
  };
  return (
    <input
      type="text"
      inputMode="decimal"
      value={typed.value ?? text}
      disabled={off}
      aria-label={`${label} as a number`}
      onInput={(event) => (typed.value = event.currentTarget.value)}
      onBlur={commit}
      onKeyDown={(event) => {
        if (event.key === "Enter") commit();
        if (event.key === "Escape") typed.value = null;
      }}
    />
  );
}
