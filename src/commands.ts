/**
 * Our commands and what they take.
 */
import type { ReadonlyJSONObject } from '@lumino/coreutils';

/** Ids of the commands. */
export namespace CommandIDs {
  export const openPanel = 'jupyter-mlkit:open-panel';
  export const refresh = 'jupyter-mlkit:refresh';
  export const launchTraining = 'jupyter-mlkit:launch-training';
  export const trainOnCube = 'jupyter-mlkit:train-on-cube';
  export const openRun = 'jupyter-mlkit:open-run';
  export const compareRuns = 'jupyter-mlkit:compare-runs';
  export const insertOpenRun = 'jupyter-mlkit:insert-open-run';
  export const openRunNotebook = 'jupyter-mlkit:open-run-notebook';
  export const openModel = 'jupyter-mlkit:open-model';
  export const insertLoadModel = 'jupyter-mlkit:insert-load-model';
  export const stopJob = 'jupyter-mlkit:stop-job';
  export const copyTrackingUri = 'jupyter-mlkit:copy-tracking-uri';
  export const toggleServerStatus = 'jupyter-mlkit:toggle-server-status';
  export const openSettings = 'jupyter-mlkit:open-settings';
  export const openJobLog = 'jupyter-mlkit:open-job-log';
  export const rerunJob = 'jupyter-mlkit:rerun-job';
  export const openMlflowUi = 'jupyter-mlkit:open-mlflow-ui';
}

/** Arguments of the commands, as they travel and as layouts keep them. */
export namespace CommandArguments {
  export interface IOpenPanel {
    /** A run to choose in the list, for a comparison. */
    chooseRun?: string;
    /** Which runs to list, of all experiments; in MLflow's syntax. */
    filter?: string;
  }
  export interface ILaunch {
    /** A spec to start from, perhaps unfinished. */
    spec?: ReadonlyJSONObject;
    /** Tells one open form from another. */
    id?: string;
    /** Id of the job that is repeated. */
    rerunOf?: string;
  }
  export interface ITrainOnCube {
    /** Path or URL; left out: what is selected in the file browser. */
    uri?: string;
  }
  export interface IRun {
    runId: string;
    tab?: 'overview' | 'charts' | 'artifacts' | 'data' | 'log';
  }
  export interface ICompare {
    /** Left out: the runs that are chosen in the panel. */
    runIds?: string[];
  }
  export interface IModel {
    name: string;
  }
  export interface ILoadModel {
    /** What `mlflow.pyfunc.load_model` takes. */
    uri: string;
  }
  export interface IMlflowUi {
    /** A run to show there. */
    runId?: string;
  }
  export interface IJob {
    jobId: string;
  }
}

function describe(
  properties: Record<string, ReadonlyJSONObject>,
  required: string[] = []
): { args: ReadonlyJSONObject } {
  return {
    args: { type: 'object', properties, required, additionalProperties: true }
  };
}

/** JSON Schemas of the arguments. */
export const describedBy = {
  nothing: describe({}),
  openPanel: describe({
    chooseRun: {
      type: 'string',
      description: 'Id of a run to choose in the list, for a comparison'
    },
    filter: {
      type: 'string',
      description: "Which runs to list, of all experiments; in MLflow's syntax"
    }
  }),
  launch: describe({
    spec: {
      type: 'object',
      description: 'A training spec to start from, perhaps unfinished'
    },
    id: { type: 'string', description: 'Tells one open form from another' },
    rerunOf: { type: 'string', description: 'Id of the job that is repeated' }
  }),
  trainOnCube: describe({
    uri: {
      type: 'string',
      description:
        'Path or URL of the cube; the selection of the file browser where left out'
    }
  }),
  run: describe(
    {
      runId: { type: 'string', description: 'Id of an MLflow run' },
      tab: { type: 'string', description: 'Tab to show first' }
    },
    ['runId']
  ),
  compare: describe({
    runIds: {
      type: 'array',
      items: { type: 'string' },
      description:
        'Ids of two or more runs; those chosen in the panel where left out'
    }
  }),
  model: describe(
    { name: { type: 'string', description: 'Name of a registered model' } },
    ['name']
  ),
  loadModel: describe(
    { uri: { type: 'string', description: 'Such as models:/name@champion' } },
    ['uri']
  ),
  mlflowUi: describe({
    runId: {
      type: 'string',
      description: 'Id of a run to show; the list of experiments where left out'
    }
  }),
  job: describe(
    { jobId: { type: 'string', description: 'Id of a training job' } },
    ['jobId']
  )
};
