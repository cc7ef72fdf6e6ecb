import { prepareVisit } from '../mlflowVisit';

const WORKFLOW = 'mlflow.workflowType_v1';

describe('prepareVisit', () => {
  beforeEach(() => window.localStorage.clear());
  afterEach(() => jest.restoreAllMocks());

  it('keeps what somebody has chosen in the MLflow UI', () => {
    prepareVisit();
    expect(window.localStorage.getItem(WORKFLOW)).toBe('"machine_learning"');
    window.localStorage.setItem(WORKFLOW, '"genai"');
    prepareVisit();
    expect(window.localStorage.getItem(WORKFLOW)).toBe('"genai"');
  });

  it('lets the page open where the browser keeps nothing', () => {
    jest.spyOn(Storage.prototype, 'setItem').mockImplementation(() => {
      throw new DOMException('full', 'QuotaExceededError');
    });
    expect(prepareVisit).not.toThrow();
  });
});
