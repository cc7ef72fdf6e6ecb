/**
 * What MLflow's page would do on a first visit, and had better not do here.
 */

/**
 * What MLflow keeps of earlier visits in this browser, by its own keys. It documents none of
 * them: where one is renamed the page is only as it would be without.
 */
const REMEMBERED: Readonly<Record<string, string>> = {
  // Its assistant opens over a third of the page, and is not passed on to by our server.
  'mlflow.assistant.fab.autoOpenedOnFirstLoad_v1': 'true',
  // It begins among its tools for language models; what is here are trainings.
  'mlflow.workflowType_v1': '"machine_learning"'
};

/** Let a first visit be like a later one; what somebody chose there stays as it is. */
export function prepareVisit(): void {
  try {
    const storage = window.localStorage;
    for (const [key, value] of Object.entries(REMEMBERED)) {
      if (storage.getItem(key) === null) {
        storage.setItem(key, value);
      }
    }
  } catch {
    // A browser may forbid storage, or have no room left: MLflow's page works without.
  }
}
