// A labelled line of text in a demo's form, bound to a signal.

import type { Signal } from "@preact/signals";

interface Props {
  label: string;
  id: string; // the test id
  value: Signal<string>;
  class?: string;
  placeholder?: string;
}

export function TextField({ label, id, value, class: name, placeholder }: Props) {
  return (
    <label class={name}>
      {label}
      <input
        type="text"
        data-testid={id}
        spellcheck={false}
        autocomplete="off"
        placeholder={placeholder}
        value={value.value}
        onInput={(e) => {
          value.value = e.currentTarget.value;
        }}
      />
    </label>
  );
}
