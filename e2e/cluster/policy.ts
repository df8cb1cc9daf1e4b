/** A CircuitBreakerPolicy as kubectl takes it. */
export const policy = (namespace: string, name: string, spec: unknown) => ({
  apiVersion: 'fuseboard.dev/v1alpha1',
  kind: 'CircuitBreakerPolicy',
  metadata: { name, namespace },
  spec,
});
