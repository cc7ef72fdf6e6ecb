/**
 * A field in which a person types any value, such as `sqrt`, `0.5` or `null`.
 */
import type { WidgetProps } from '@rjsf/utils';
import * as React from 'react';

import { parseLiteral } from './spec';

/** Keeps what was typed: `1.0` stays so on the way to `1.05`, though both are numbers. */
export function LiteralWidget(props: WidgetProps): JSX.Element {
  const { id, onChange, placeholder, disabled } = props;
  const given = (props.value as string | undefined) ?? '';
  const [text, setText] = React.useState(given);
  const latest = React.useRef(text);
  latest.current = text;
  React.useEffect(() => {
    const same =
      JSON.stringify(parseLiteral(latest.current)) ===
      JSON.stringify(parseLiteral(given));
    if (!same) {
      setText(given);
    }
  }, [given]);
  return (
    <input
      id={id}
      type="text"
      value={text}
      placeholder={placeholder}
      disabled={disabled}
      aria-describedby={`${id}__error ${id}__description`}
      onChange={event => {
        setText(event.target.value);
        onChange(event.target.value);
      }}
    />
  );
}
