/** What the run view is given; promises reject with an error that may carry an ErrorBody. */
import type { TranslationBundle } from '@jupyterlab/translation';

import type {
  ArtifactPage,
  ArtifactPreview,
  CubePreview,
  ErrorBody,
  Job,
  MetricHistory,
  Run
} from '../../api/types';

export type RunTab = 'overview' | 'charts' | 'artifacts' | 'data' | 'log';

/** Output of the run's job as far as it has been read. */
export interface ILogText {
  text: string;
  /** The beginning was left out because the output is long. */
  truncated: boolean;
  /** The job has ended and this is all of its output. */
  complete: boolean;
  error: ErrorBody | null;
}

/** What can be changed on a run. */
export interface IRunEdits {
  rename(name: string): Promise<void>;
  setNote(note: string): Promise<void>;
  setTag(key: string, value: string): Promise<void>;
  deleteTag(key: string): Promise<void>;
}

/** How the files of a run are read; the view asks only for what it shows. */
export interface IArtifactReader {
  list(path: string, pageToken: string | null): Promise<ArtifactPage>;
  /** Content of a file; the view makes and releases its object URLs. */
  read(path: string): Promise<Blob>;
  /** What can be shown of a file. */
  preview(path: string): Promise<ArtifactPreview>;
  /** Look into a cube; starts the helper process of a kernel. */
  describeCube(path: string): Promise<CubePreview>;
  download(path: string): void;
}

export interface IRunViewProps {
  trans: TranslationBundle;
  /** Null while it is loading. */
  run: Run | null;
  /** Why the run could not be loaded; shown above what is known. */
  error: ErrorBody | null;
  onRetry?: () => void;
  /** Curves of all metrics; null until asked for by `onTab('charts')`. */
  histories: readonly MetricHistory[] | null;
  historiesError: ErrorBody | null;
  artifacts: IArtifactReader;
  edits: IRunEdits;
  /** The job that made the run; null where there is none or it is forgotten. */
  job: Job | null;
  /** Null until asked for by `onTab('log')`. */
  log: ILogText | null;
  /** Called with false while the reader has paused the log. */
  onFollowLog?: (follow: boolean) => void;
  /** Which tab is shown, also at first: the host loads what it needs. */
  onTab?: (tab: RunTab) => void;
  initialTab?: RunTab;
  onCompare: () => void;
  /** Show in the panel the runs that a filter in MLflow's syntax finds. */
  onFindRuns: (filter: string) => void;
  /** Left out where the run has no model or the registry is missing. */
  onRegister?: () => void;
  /** Open what was executed for the run; left out where it was not started in a notebook. */
  onOpenNotebook?: () => void;
  /** Show the run in MLflow's own page; left out where the store does not know it yet. */
  onOpenMlflow?: () => void;
  /** Left out where the run holds no spec. */
  onRelaunch?: () => void;
  onInsertCode: (what: 'load-model' | 'open-run') => void;
  onStop?: () => void;
  /** Changes when Lab's theme changes, so that charts read their colours again. */
  themeKey?: string;
  /** Left out: the present; tests give a fixed time. */
  now?: number;
}
