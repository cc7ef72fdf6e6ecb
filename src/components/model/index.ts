export { ModelView } from './modelView';
export * from './types';
