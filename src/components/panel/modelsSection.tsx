/**
 * The registered models.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import { codeIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { IErrorInfo } from '../../api/errors';
import type { RegisteredModel } from '../../api/types';
import { EmptyView } from '../shared/emptyView';
import { ErrorBox } from '../shared/errorBox';
import { RovingList } from './rovingList';
import { RowAction } from './rowAction';

/** Props of `ModelsSection`. */
export interface IModelsSectionProps {
  trans: TranslationBundle;
  models: readonly RegisteredModel[];
  hasMore: boolean;
  isLoaded: boolean;
  error: IErrorInfo | null;
  onOpen: (name: string) => void;
  onInsertCode: (uri: string) => void;
  onMore: () => void;
  onRetry: () => void;
}

/** What loads the best version of a model: an alias if it has one. */
export function modelUri(model: RegisteredModel): string {
  const aliases = Object.keys(model.aliases).sort();
  const alias = aliases.includes('champion') ? 'champion' : aliases[0];
  return alias
    ? `models:/${model.name}@${alias}`
    : `models:/${model.name}/${model.latest_version ?? '1'}`;
}

/** The models with their aliases and newest version. */
export function ModelsSection(props: IModelsSectionProps): JSX.Element {
  const { trans, models, error, isLoaded } = props;
  if (error && !isLoaded) {
    return <ErrorBox trans={trans} error={error} onRetry={props.onRetry} />;
  }
  if (!isLoaded) {
    return <p className="jp-mlkit-loading">{trans.__('Loading…')}</p>;
  }
  if (models.length === 0) {
    return (
      <EmptyView
        title={trans.__('No registered model yet.')}
        text={trans.__('Open a finished run and choose Register…')}
      />
    );
  }
  return (
    <>
      {error && (
        <ErrorBox trans={trans} error={error} onRetry={props.onRetry} />
      )}
      <RovingList
        label={trans.__('Registered models')}
        items={models}
        keyOf={model => model.name}
        onOpen={model => props.onOpen(model.name)}
        render={model => <ModelRow {...props} model={model} />}
      />
      {props.hasMore && (
        <button
          type="button"
          className="jp-mlkit-link jp-mlkit-more"
          onClick={props.onMore}
        >
          {trans.__('Show more models')}
        </button>
      )}
    </>
  );
}

function ModelRow(
  props: IModelsSectionProps & { model: RegisteredModel }
): JSX.Element {
  const { trans, model } = props;
  const named = Object.entries(model.aliases);
  const hasAlias = named.some(
    ([, version]) => version === model.latest_version
  );
  return (
    <>
      <span
        role="gridcell"
        className="jp-mlkit-cell-name"
        title={model.description || model.name}
      >
        {model.name}
      </span>
      <span role="gridcell" className="jp-mlkit-cell-detail">
        {named.map(([alias, version]) => (
          <span key={alias} className="jp-mlkit-alias">
            {trans.__('v%1 %2', version, alias)}
          </span>
        ))}
        {model.latest_version && !hasAlias && (
          <span
            className="jp-mlkit-dim"
            title={trans.__('Newest version, without an alias')}
          >
            {trans.__('v%1', model.latest_version)}
          </span>
        )}
      </span>
      <span role="gridcell" className="jp-mlkit-cell-actions">
        <RowAction
          icon={codeIcon}
          label={trans.__('Insert code that loads %1', model.name)}
          onClick={() => props.onInsertCode(modelUri(model))}
        />
      </span>
    </>
  );
}
