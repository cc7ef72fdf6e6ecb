export { CompareView } from './compareView';
export * from './types';
