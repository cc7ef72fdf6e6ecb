/**
 * A list that one Tab reaches: arrows move, Enter opens, Space chooses.
 */
import * as React from 'react';

/** Props of `RovingList`. */
export interface IRovingListProps<T> {
  /** Of the whole list, for screen readers. */
  label: string;
  items: readonly T[];
  keyOf: (item: T) => string;
  /** What a row holds: cells, the last of them perhaps with buttons. */
  render: (item: T) => React.ReactNode;
  /** What is unfolded below a row. */
  below?: (item: T) => React.ReactNode;
  onOpen?: (item: T) => void;
  /** Left out where nothing can be chosen. */
  onChoose?: (item: T) => void;
  isChosen?: (item: T) => boolean;
  onDelete?: (item: T) => void;
}

/** Buttons in a row are out of the Tab order; ArrowRight steps into them. */
function buttonsOf(row: HTMLElement): HTMLElement[] {
  return Array.from(row.querySelectorAll<HTMLElement>('button, select'));
}

/** The list. */
export function RovingList<T>(props: IRovingListProps<T>): JSX.Element {
  const { label, items, keyOf, render, below } = props;
  const { onOpen, onChoose, isChosen, onDelete } = props;
  const [active, setActive] = React.useState<string | null>(null);
  const list = React.useRef<HTMLDivElement>(null);
  const keys = items.map(keyOf);
  const current = active !== null && keys.includes(active) ? active : keys[0];

  const focusRow = (index: number) => {
    const bounded = Math.max(0, Math.min(index, keys.length - 1));
    setActive(keys[bounded]);
    const rows = list.current?.querySelectorAll<HTMLElement>('.jp-mlkit-row');
    rows?.[bounded]?.focus();
  };
  const onKeyDown = (
    event: React.KeyboardEvent<HTMLElement>,
    index: number
  ) => {
    const row = event.currentTarget;
    const inside = event.target !== row;
    const buttons = buttonsOf(row);
    const at = buttons.indexOf(event.target as HTMLElement);
    const moves: Record<string, (() => void) | undefined> = {
      ArrowDown: () => focusRow(index + 1),
      ArrowUp: () => focusRow(index - 1),
      Home: () => focusRow(0),
      End: () => focusRow(keys.length - 1),
      ArrowRight: () => buttons[Math.min(at + 1, buttons.length - 1)]?.focus(),
      ArrowLeft: () => (at > 0 ? buttons[at - 1] : row).focus(),
      Escape: inside ? () => row.focus() : undefined,
      Enter: inside ? undefined : () => onOpen?.(items[index]),
      ' ': inside ? undefined : () => onChoose?.(items[index]),
      Delete: inside ? undefined : () => onDelete?.(items[index])
    };
    const move = moves[event.key];
    if (move) {
      event.preventDefault();
      event.stopPropagation();
      move();
    }
  };
  return (
    <div
      ref={list}
      role="grid"
      className="jp-mlkit-list"
      aria-label={label}
      aria-multiselectable={onChoose ? true : undefined}
    >
      {items.map((item, index) => {
        const key = keys[index];
        const more = below?.(item);
        return (
          // Unfolding leaves the row in place, and with it the focus.
          <React.Fragment key={key}>
            <div
              role="row"
              className="jp-mlkit-row"
              tabIndex={key === current ? 0 : -1}
              aria-selected={onChoose ? (isChosen?.(item) ?? false) : undefined}
              onFocus={() => setActive(key)}
              onKeyDown={event => onKeyDown(event, index)}
              onClick={event => {
                const target = event.target as HTMLElement;
                // The second click of a double click has nothing left to open.
                if (event.detail < 2 && !target.closest('button')) {
                  onOpen?.(item);
                }
              }}
            >
              {render(item)}
            </div>
            {more && (
              <div role="row">
                <div role="gridcell">{more}</div>
              </div>
            )}
          </React.Fragment>
        );
      })}
    </div>
  );
}
