/** What the comparison is given. */
import type { TranslationBundle } from '@jupyterlab/translation';

import type { Comparison, ErrorBody, MetricHistory } from '../../api/types';

export type CompareTab = 'table' | 'curves' | 'maps';

export interface ICompareViewProps {
  trans: TranslationBundle;
  /** Null while it is loading; 2 to 20 runs. */
  comparison: Comparison | null;
  error: ErrorBody | null;
  onRetry?: () => void;
  /** Curves of the runs; null until asked for by `onTab('curves')`. */
  histories: readonly MetricHistory[] | null;
  historiesError: ErrorBody | null;
  /** Content of an artifact of one run, for the maps. */
  readArtifact(runId: string, path: string): Promise<Blob>;
  onOpenRun: (runId: string) => void;
  onRemoveRun: (runId: string) => void;
  onTab?: (tab: CompareTab) => void;
  initialTab?: CompareTab;
  themeKey?: string;
}
