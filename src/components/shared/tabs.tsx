/**
 * Tabs as ARIA has them: one stop for Tab, arrows and Home/End inside.
 */
import * as React from 'react';

/** One tab; its panel is made only once it is looked at. */
export interface ITab<K extends string> {
  key: K;
  label: string;
  render: () => JSX.Element;
}

/** Props of `Tabs`. */
export interface ITabsProps<K extends string> {
  tabs: readonly ITab<K>[];
  selected: K;
  onSelect: (key: K) => void;
  /** Name of the list for screen readers. */
  label: string;
  /** Shown in the row of the tabs, at its end. */
  children?: React.ReactNode;
}

/** A row of tabs over the panel of the selected one. */
export function Tabs<K extends string>(props: ITabsProps<K>): JSX.Element {
  const { tabs, selected, onSelect, label, children } = props;
  const id = React.useId();
  const list = React.useRef<HTMLDivElement>(null);
  const current = tabs.find(tab => tab.key === selected) ?? tabs[0];

  const onKeyDown = (event: React.KeyboardEvent) => {
    const at = tabs.indexOf(current);
    const next: Record<string, number> = {
      ArrowRight: (at + 1) % tabs.length,
      ArrowLeft: (at + tabs.length - 1) % tabs.length,
      Home: 0,
      End: tabs.length - 1
    };
    const to = next[event.key];
    if (to !== undefined) {
      event.preventDefault();
      onSelect(tabs[to].key);
      list.current
        ?.querySelectorAll<HTMLButtonElement>('[role="tab"]')
        [to]?.focus();
    }
  };

  return (
    <>
      <div className="jp-mlkit-tabs">
        <div
          ref={list}
          role="tablist"
          aria-label={label}
          className="jp-mlkit-tabs-list"
          onKeyDown={onKeyDown}
        >
          {tabs.map(tab => (
            <button
              key={tab.key}
              type="button"
              role="tab"
              id={`${id}-${tab.key}`}
              className="jp-mlkit-tabs-tab"
              aria-selected={tab === current}
              aria-controls={`${id}-panel`}
              tabIndex={tab === current ? 0 : -1}
              onClick={() => onSelect(tab.key)}
            >
              {tab.label}
            </button>
          ))}
        </div>
        {children}
      </div>
      <div
        role="tabpanel"
        id={`${id}-panel`}
        aria-labelledby={`${id}-${current.key}`}
        className="jp-mlkit-tabs-panel"
        tabIndex={0}
      >
        {current.render()}
      </div>
    </>
  );
}
