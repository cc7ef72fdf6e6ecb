/**
 * Short names for the generated types, so that the rest of the code reads like the API.
 */
import type { components } from './schema';

type Schemas = components['schemas'];

export type Artifact = Schemas['Artifact'];
export type ArtifactPage = Schemas['ArtifactPage'];
export type ArtifactPreview = Schemas['ArtifactPreview'];
export type Change = Schemas['Change'];
export type Child = Schemas['Child'];
export type ChildList = Schemas['ChildList'];
export type Comparison = Schemas['Comparison'];
export type CubeDescription = Schemas['CubeDescription'];
export type CubePreview = Schemas['CubePreview'];
export type Difference = Schemas['Difference'];
export type ErrorBody = Schemas['ErrorBody'];
export type Estimator = Schemas['Estimator'];
export type Evaluation = Schemas['Evaluation'];
export type Experiment = Schemas['Experiment'];
export type ExperimentPage = Schemas['ExperimentPage'];
export type Fit = Schemas['Fit'];
export type FormSchema = Schemas['FormSchema'];
export type Job = Schemas['Job'];
export type JobPage = Schemas['JobPage'];
export type Kernel = Schemas['Kernel'];
export type KernelList = Schemas['KernelList'];
export type LogChunk = Schemas['LogChunk'];
export type Metric = Schemas['Metric'];
export type MetricHistories = Schemas['MetricHistories'];
export type MetricHistory = Schemas['MetricHistory'];
export type ModelVersion = Schemas['ModelVersion'];
export type ModelVersionPage = Schemas['ModelVersionPage'];
export type Preview = Schemas['Preview'];
export type RegisteredModel = Schemas['RegisteredModel'];
export type RegisteredModelPage = Schemas['RegisteredModelPage'];
export type Run = Schemas['Run'];
export type RunPage = Schemas['RunPage'];
export type RunPatch = Schemas['RunPatch'];
export type SpecText = Schemas['SpecText'];
export type Status = Schemas['Status'];
export type SyncState = Schemas['SyncState'];
export type SyncTrouble = Schemas['SyncTrouble'];
export type Validation = Schemas['Validation'];
export type Watch = Schemas['Watch'];

/** A float as it travels: JSON has no NaN or infinity. */
export type WireFloat = Metric['value'];
