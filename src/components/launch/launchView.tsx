/**
 * A training described step by step, checked by the server and started as a job.
 */
import * as React from 'react';

import { ErrorBox } from '../shared/errorBox';
import { DataSection } from './dataSection';
import { ErrorSummary } from './errorSummary';
import { FitSection, ModelSection } from './modelSection';
import { PredictSection } from './predictSection';
import { SidePane } from './sidePane';
import { SplitSection } from './splitSection';
import type { ILaunchViewProps } from './types';
import { useLaunch } from './useLaunch';
import { useQuestion } from './useQuestion';
import { WhereSection } from './whereSection';

/** The main-area view of a launch. */
export function LaunchView(props: ILaunchViewProps): JSX.Element {
  const { trans, services } = props;
  const state = useLaunch(props);
  const form = React.useRef<HTMLDivElement>(null);
  const { kernelspec = '' } = state.spec;

  const schema = useQuestion('schema', () => services.schema());
  const kernels = useQuestion('kernels', () => services.kernels());
  const experiments = useQuestion(
    services.experiments ? 'experiments' : null,
    async () => (services.experiments ? services.experiments() : [])
  );
  const checked = useQuestion(kernelspec || null, () =>
    services.checkKernel(kernelspec)
  );
  // A kernel that cannot run our jobs cannot list estimators either.
  const usable =
    checked.answerKey === kernelspec &&
    checked.answer !== null &&
    checked.answer.problem === null;
  const estimators = useQuestion(usable ? kernelspec : null, () =>
    services.estimators(kernelspec)
  );
  useDefaultKernel(props, state.edit, kernels.answer?.default ?? null);

  const shared = { trans, state };
  return (
    <div className="jp-mlkit-view jp-mlkit-launch">
      <header className="jp-mlkit-launch-header">
        <h1 className="jp-mlkit-run-name">{trans.__('Train on a cube')}</h1>
        <div className="jp-mlkit-run-actions">
          <span role="status">
            {state.busy === 'validate'
              ? trans.__('Checking…')
              : state.busy === 'launch'
                ? trans.__('Launching…')
                : state.valid
                  ? trans.__('✓ ready to launch')
                  : ''}
          </span>
          <button
            type="button"
            className="jp-mlkit-button"
            disabled={state.busy !== null}
            onClick={() => void state.validate()}
          >
            {trans.__('Validate')}
          </button>
          <button
            type="button"
            className="jp-mlkit-button jp-mod-accept"
            disabled={state.busy !== null}
            onClick={() => void state.launch()}
          >
            {trans.__('Launch')}
          </button>
        </div>
      </header>
      <ErrorSummary trans={trans} errors={state.errors} form={form} />
      {schema.error && (
        <ErrorBox
          trans={trans}
          error={schema.error}
          onRetry={schema.askAgain}
        />
      )}
      <div className="jp-mlkit-launch-columns">
        <div ref={form} className="jp-mlkit-launch-form">
          <PredictSection {...shared} />
          {schema.answer ? (
            <>
              <DataSection
                {...shared}
                schema={schema.answer}
                onBrowse={props.onBrowse}
              />
              <SplitSection {...shared} schema={schema.answer} />
              <ModelSection {...shared} estimators={estimators} />
              <FitSection
                {...shared}
                schema={schema.answer}
                estimators={estimators}
              />
              <WhereSection
                {...shared}
                schema={schema.answer}
                kernels={kernels}
                checked={checked}
                experiments={experiments.answer ?? []}
              />
            </>
          ) : (
            !schema.error && <p role="status">{trans.__('Loading form…')}</p>
          )}
        </div>
        <SidePane
          trans={trans}
          services={services}
          spec={state.spec}
          described={state.description !== null}
          given={props.initialSpec?.prepare}
          onCopy={props.onCopy}
        />
      </div>
    </div>
  );
}

/** A form that was opened without a kernel takes the server's default one. */
function useDefaultKernel(
  props: ILaunchViewProps,
  edit: (parts: { kernelspec: string }) => void,
  name: string | null
): void {
  const given = props.initialSpec?.kernelspec;
  React.useEffect(() => {
    if (name && !given) {
      edit({ kernelspec: name });
    }
  }, [name, given, edit]);
}
