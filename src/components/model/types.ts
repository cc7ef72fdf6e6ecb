/** What the view of a registered model is given. */
import type { TranslationBundle } from '@jupyterlab/translation';

import type { ErrorBody, ModelVersion, RegisteredModel } from '../../api/types';

/** How a model is named in code: by an alias or by a version. */
export type ModelReference = { alias: string } | { version: string };

export interface IModelViewProps {
  trans: TranslationBundle;
  /** Null while it is loading. */
  model: RegisteredModel | null;
  /** The newest first. */
  versions: readonly ModelVersion[];
  error: ErrorBody | null;
  onRetry?: () => void;
  /** Given where there are more versions to load. */
  onMore?: () => Promise<void>;
  onDescribe: (description: string) => Promise<void>;
  onDescribeVersion?: (version: string, description: string) => Promise<void>;
  /** Also moves an alias that points to another version. */
  onSetAlias: (alias: string, version: string) => Promise<void>;
  onDeleteAlias: (alias: string) => Promise<void>;
  onOpenRun: (runId: string) => void;
  onInsertCode: (reference: ModelReference) => void;
  now?: number;
}
