/**
 * A JSON value as names and values; what is nested folds out.
 */
import * as React from 'react';

/** Depth and length at which a foreign file is cut: it is shown, not analysed. */
const MAX_DEPTH = 4;
const MAX_ITEMS = 200;

/** Props of `JsonPairs`. */
export interface IJsonPairsProps {
  value: unknown;
  depth?: number;
}

/** Names and values, all of them text. */
export function JsonPairs(props: IJsonPairsProps): JSX.Element {
  const { value, depth = 0 } = props;
  if (!isObject(value)) {
    return <span className="jp-mlkit-code">{leaf(value)}</span>;
  }
  return (
    <dl className="jp-mlkit-pairs">
      {Object.entries(value)
        .slice(0, MAX_ITEMS)
        .map(([key, item]) => (
          <React.Fragment key={key}>
            <dt>{key}</dt>
            <dd>
              {isObject(item) && depth < MAX_DEPTH ? (
                <JsonPairs value={item} depth={depth + 1} />
              ) : (
                <span className="jp-mlkit-code">{leaf(item)}</span>
              )}
            </dd>
          </React.Fragment>
        ))}
    </dl>
  );
}

/** Read JSON; null where the text is none. */
export function parseJson(text: string | null): unknown {
  if (text === null) {
    return null;
  }
  try {
    return JSON.parse(text);
  } catch (reason) {
    if (reason instanceof SyntaxError) {
      return null;
    }
    throw reason;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    (!Array.isArray(value) || value.some(item => typeof item === 'object'))
  );
}

function leaf(value: unknown): string {
  if (Array.isArray(value)) {
    const items = value.slice(0, MAX_ITEMS).map(leaf).join(', ');
    return value.length > MAX_ITEMS ? `${items}, …` : items;
  }
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
