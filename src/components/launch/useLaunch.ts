/**
 * State of the launch form: the spec, what the cube says of itself, and what is wrong.
 */
import * as React from 'react';

import type { IErrorInfo } from '../../api/errors';
import { toMLKitError } from '../../api/errors';
import type { CubeDescription } from '../../api/types';
import { useAction } from '../shared/useAction';
import { withoutPart } from './fieldErrors';
import {
  cubeURI,
  missingParts,
  startSpec,
  withDescription,
  withSuggestedSplit
} from './spec';
import type { ILaunchViewProps, ISpec, JsonObject, Use } from './types';
import { useQuestion } from './useQuestion';

/** What the sections of the form read and do. */
export interface ILaunchState {
  spec: ISpec;
  /** Change parts of the spec; errors of these parts go, they were about the old values. */
  edit: (parts: ISpec) => void;
  setUse: (use: Use) => void;
  setSplit: (split: JsonObject) => void;
  errors: readonly IErrorInfo[];
  description: CubeDescription | null;
  describing: boolean;
  describe: (uri?: string) => void;
  /** Cleared when something is edited. */
  valid: boolean;
  busy: 'validate' | 'launch' | null;
  validate: () => Promise<boolean>;
  launch: () => Promise<void>;
}

/** Make the state from what the view was given. */
export function useLaunch(props: ILaunchViewProps): ILaunchState {
  const { services, trans, onLaunched, onSpecChange } = props;
  const [spec, setSpec] = React.useState<ISpec>(() =>
    startSpec(props.initialSpec, 'python3')
  );
  const [errors, setErrors] = React.useState<readonly IErrorInfo[]>([]);
  const [valid, setValid] = React.useState(false);
  const [busy, setBusy] = React.useState<ILaunchState['busy']>(null);
  const splitEdited = React.useRef(!!props.initialSpec?.split);
  const action = useAction();
  // Which cube was asked for, how often: the same one may be described again.
  const [asked, setAsked] = React.useState<{ uri: string; n: number } | null>(
    () => {
      const uri = cubeURI(spec);
      return props.describeAtOnce && uri ? { uri, n: 0 } : null;
    }
  );

  const latest = React.useRef(spec);
  latest.current = spec;
  const tell = React.useRef(onSpecChange);
  tell.current = onSpecChange;
  React.useEffect(() => {
    tell.current?.(spec);
  }, [spec]);

  const key = asked && `${asked.n} ${asked.uri}`;
  const question = useQuestion(key, signal =>
    services.describe(
      {
        uri: asked?.uri ?? '',
        options: latest.current.sources?.[0]?.options ?? {},
        kernelspec: latest.current.kernelspec ?? 'python3'
      },
      signal
    )
  );
  // An answer about another cube than the one in the field is not of this form.
  const fresh = asked !== null && asked.uri === cubeURI(spec);
  const description =
    fresh && !question.error && question.answerKey === key
      ? question.answer
      : null;
  React.useEffect(() => {
    if (description) {
      setSpec(now => withDescription(now, description, splitEdited.current));
      setErrors(now => withoutPart(withoutPart(now, 'target'), 'features'));
    }
  }, [description]);

  const edit = React.useCallback((parts: ISpec) => {
    setSpec(now => ({ ...now, ...parts }));
    setErrors(now => Object.keys(parts).reduce(withoutPart, now));
    setValid(false);
  }, []);
  const setSplit = React.useCallback(
    (split: JsonObject) => {
      splitEdited.current = true;
      edit({ split });
    },
    [edit]
  );
  const setUse = (use: Use) => {
    const next = { ...latest.current, use };
    const { split } = splitEdited.current
      ? next
      : withSuggestedSplit(next, description);
    edit({ use, split });
  };

  const check = async (checked: ISpec): Promise<boolean> => {
    const missing = missingParts(checked, trans);
    if (missing.length > 0) {
      setErrors(missing);
      return false;
    }
    const answer = await services.validate(checked);
    setErrors(answer.errors);
    // What was edited meanwhile has not been looked at.
    setValid(answer.ok && checked === latest.current);
    return answer.ok;
  };
  const act = async (name: 'validate' | 'launch', work: () => Promise<void>) =>
    action.run(async () => {
      setBusy(name);
      try {
        await work();
      } catch (reason) {
        setErrors([toMLKitError(reason)]);
      }
      setBusy(null);
    });

  const describeError: IErrorInfo[] =
    question.error && fresh
      ? [{ ...pick(question.error), field: 'sources.0.uri' }]
      : [];
  return {
    spec,
    edit,
    setUse,
    setSplit,
    errors: [...describeError, ...errors],
    description,
    describing: fresh && question.busy,
    describe: uri => {
      const wanted = uri ?? cubeURI(latest.current);
      if (wanted) {
        setAsked(now => ({ uri: wanted, n: (now?.n ?? 0) + 1 }));
      }
    },
    valid,
    busy,
    validate: async () => {
      let ok = false;
      await act('validate', async () => {
        ok = await check(latest.current);
      });
      return ok;
    },
    launch: async () => {
      await act('launch', async () => {
        // What is edited while it is checked belongs to the next launch.
        const wanted = latest.current;
        if (await check(wanted)) {
          onLaunched(await services.launch(wanted));
        }
      });
    }
  };
}

function pick(error: IErrorInfo): IErrorInfo {
  const { message, code, hint } = error;
  return { message, code, hint };
}
