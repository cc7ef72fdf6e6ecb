/**
 * How many valid cells and blocks each role got.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { Preview } from '../../api/types';
import { formatShare } from './format';

/** Props of `RoleTable`. */
export interface IRoleTableProps {
  trans: TranslationBundle;
  roles: Preview['roles'];
}

/** Realised shares of valid cells; what a buffer takes is a row of its own. */
export function RoleTable(props: IRoleTableProps): JSX.Element {
  const { trans, roles } = props;
  const total = roles.reduce((sum, role) => sum + role.cells, 0);
  return (
    <table className="jp-mlkit-table">
      <thead>
        <tr>
          <th scope="col">{trans.__('role')}</th>
          <th scope="col" className="jp-mod-number">
            {trans.__('valid cells')}
          </th>
          <th scope="col" className="jp-mod-number">
            {trans.__('share')}
          </th>
          <th scope="col" className="jp-mod-number">
            {trans.__('blocks')}
          </th>
        </tr>
      </thead>
      <tbody>
        {roles.map(role => (
          <tr key={role.role}>
            <th scope="row">
              {role.role === 'buffer' ? trans.__('unused') : role.role}
            </th>
            <td className="jp-mod-number">{role.cells.toLocaleString('en')}</td>
            <td className="jp-mod-number">
              {total > 0 ? formatShare(role.cells / total) : ''}
            </td>
            <td className="jp-mod-number">
              {role.blocks.toLocaleString('en')}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
