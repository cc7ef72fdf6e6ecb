/**
 * A cube among the artifacts: what it holds, and a map of its first variable.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { CubePreview } from '../../api/types';
import { ErrorBox } from '../shared/errorBox';
import { formatNumber, formatShare } from '../shared/format';
import { useAction } from '../shared/useAction';

/** Props of `CubeArtifact`. */
export interface ICubeArtifactProps {
  trans: TranslationBundle;
  describe: () => Promise<CubePreview>;
}

/** Looks into the cube when asked to: that starts the helper process of a kernel. */
export function CubeArtifact(props: ICubeArtifactProps): JSX.Element {
  const { trans, describe } = props;
  const [cube, setCube] = React.useState<CubePreview | null>(null);
  const { busy, error, run } = useAction();
  if (!cube) {
    return (
      <>
        <button
          type="button"
          className="jp-mlkit-button"
          disabled={busy}
          onClick={() => void run(async () => setCube(await describe()))}
        >
          {busy ? trans.__('Looking…') : trans.__('Look into this cube')}
        </button>
        {error && <ErrorBox trans={trans} error={error} />}
      </>
    );
  }
  const { description, map_png } = cube;
  return (
    <>
      <p>
        {description.format} ·{' '}
        {description.dims.map(dim => `${dim.name} ${dim.size}`).join(' · ')}
      </p>
      {map_png && (
        <figure className="jp-mlkit-figure">
          <img
            src={`data:image/png;base64,${map_png}`}
            alt={trans.__('Map of %1', description.variables[0]?.name ?? '')}
          />
        </figure>
      )}
      <table className="jp-mlkit-table">
        <thead>
          <tr>
            <th scope="col">{trans.__('variable')}</th>
            <th scope="col">{trans.__('unit')}</th>
            <th scope="col">{trans.__('dims')}</th>
            <th scope="col">{trans.__('type')}</th>
            <th scope="col" className="jp-mod-number">
              {trans.__('valid')}
            </th>
            <th scope="col" className="jp-mod-number">
              {trans.__('from')}
            </th>
            <th scope="col" className="jp-mod-number">
              {trans.__('to')}
            </th>
          </tr>
        </thead>
        <tbody>
          {description.variables.map(variable => (
            <tr key={variable.name}>
              <th scope="row">{variable.name}</th>
              <td>{variable.units}</td>
              <td>{variable.dims.join(', ')}</td>
              <td>{variable.dtype}</td>
              <td className="jp-mod-number">
                {formatShare(variable.valid_share)}
              </td>
              <td className="jp-mod-number">
                {formatNumber(variable.minimum)}
              </td>
              <td className="jp-mod-number">
                {formatNumber(variable.maximum)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {description.problems.map((problem, i) => (
        <p className="jp-mlkit-hint" key={i}>
          {problem.message}
        </p>
      ))}
    </>
  );
}
