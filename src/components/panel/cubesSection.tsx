/**
 * Cubes that were used lately.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import { closeIcon, codeIcon, refreshIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { IErrorInfo } from '../../api/errors';
import { ErrorBox } from '../shared/errorBox';
import { formatBytes, formatShare } from '../shared/format';
import { RovingList } from './rovingList';
import { RowAction } from './rowAction';

/** A cube in the list. */
export interface ICubeItem {
  readonly uri: string;
  readonly summary: {
    readonly title: string | null;
    readonly period: readonly string[] | null;
    readonly step: string | null;
    readonly validShare: number | null;
    readonly bytes: number;
  } | null;
}

/** Props of `CubesSection`. */
export interface ICubesSectionProps {
  trans: TranslationBundle;
  cubes: readonly ICubeItem[];
  isDescribing: (uri: string) => boolean;
  problemOf: (uri: string) => IErrorInfo | null;
  onTrain: (uri: string) => void;
  onDescribe: (uri: string) => void;
  onInsertCode: (uri: string) => void;
  onForget: (uri: string) => void;
}

/** The last part of a path or URL. */
export function cubeName(uri: string): string {
  return uri.replace(/\/+$/, '').split('/').pop() || uri;
}

/** The cubes and a field to add one. */
export function CubesSection(props: ICubesSectionProps): JSX.Element {
  const { trans, cubes } = props;
  return (
    <>
      <RovingList
        label={trans.__('Cubes')}
        items={cubes}
        keyOf={cube => cube.uri}
        onOpen={cube => props.onTrain(cube.uri)}
        onDelete={cube => props.onForget(cube.uri)}
        render={cube => <CubeRow {...props} cube={cube} />}
      />
      {cubes.map(cube => {
        const problem = props.problemOf(cube.uri);
        return (
          problem && (
            <ErrorBox
              key={cube.uri}
              trans={trans}
              error={problem}
              onRetry={() => props.onDescribe(cube.uri)}
            />
          )
        );
      })}
      <AddCube {...props} />
    </>
  );
}

function CubeRow(props: ICubesSectionProps & { cube: ICubeItem }): JSX.Element {
  const { trans, cube } = props;
  const name = cubeName(cube.uri);
  const busy = props.isDescribing(cube.uri);
  return (
    <>
      <span role="gridcell" className="jp-mlkit-cell-name" title={cube.uri}>
        {name}
      </span>
      <span role="gridcell" className="jp-mlkit-cell-detail jp-mlkit-dim">
        <span className="jp-mlkit-summary">
          {busy ? trans.__('looking into it…') : summaryWords(cube)}
        </span>
      </span>
      <span role="gridcell" className="jp-mlkit-cell-actions">
        <button
          type="button"
          className="jp-mlkit-rowButton"
          tabIndex={-1}
          aria-label={trans.__('Train on %1', name)}
          onClick={() => props.onTrain(cube.uri)}
        >
          {trans.__('Train')}
        </button>
        <RowAction
          icon={codeIcon}
          label={trans.__('Insert code that opens %1', name)}
          onClick={() => props.onInsertCode(cube.uri)}
        />
        <RowAction
          icon={refreshIcon}
          label={trans.__('Describe %1 again', name)}
          disabled={busy}
          onClick={() => props.onDescribe(cube.uri)}
        />
        <RowAction
          icon={closeIcon}
          label={trans.__('Take %1 off the list', name)}
          onClick={() => props.onForget(cube.uri)}
        />
      </span>
    </>
  );
}

/** Period, grid, valid share. */
function summaryWords(cube: ICubeItem): string {
  const { summary } = cube;
  if (!summary) {
    return '';
  }
  const years = summary.period?.map(time => time.slice(0, 4)) ?? [];
  const period = years[0] === years[1] ? years[0] : years.join('–');
  return [
    period,
    summary.step && shortStep(summary.step),
    summary.validShare === null
      ? formatBytes(summary.bytes)
      : formatShare(summary.validShare)
  ]
    .filter(Boolean)
    .join(' · ');
}

/** `0.83333 deg` as `0.833°`. */
function shortStep(step: string): string {
  const [size, unit = ''] = step.split(' ');
  const number = Number(size);
  const short = Number.isFinite(number)
    ? String(Number(number.toPrecision(3)))
    : size;
  return unit.startsWith('deg') ? `${short}°` : `${short} ${unit}`.trim();
}

/** A field for a path or URL. */
function AddCube(props: ICubesSectionProps): JSX.Element {
  const { trans, onDescribe } = props;
  const [uri, setUri] = React.useState('');
  const submit = (event: React.FormEvent) => {
    event.preventDefault();
    if (uri.trim()) {
      onDescribe(uri.trim());
      setUri('');
    }
  };
  return (
    <form className="jp-mlkit-addCube" onSubmit={submit}>
      <input
        className="jp-mlkit-input"
        aria-label={trans.__('Path or URL of a cube')}
        placeholder={trans.__('Path or URL of a cube')}
        value={uri}
        spellCheck={false}
        onChange={event => setUri(event.target.value)}
      />
      <button type="submit" className="jp-mlkit-button" disabled={!uri.trim()}>
        {trans.__('Add')}
      </button>
    </form>
  );
}
